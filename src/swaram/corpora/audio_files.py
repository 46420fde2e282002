"""The recordings of a corpus, found by whatever spelling its tables use for their names.

One resolver for all corpora: with or without ending, in any case of letters and either Unicode form, with the folder
before the name or without, with either kind of slash.
"""

import os
import unicodedata
from collections import defaultdict
from functools import cached_property
from pathlib import Path

# What FFmpeg and libsndfile decode, the likeliest first: of several files of one name without ending the first counts.
AUDIO_ENDINGS = (
    ".wav", ".flac", ".mp3", ".opus", ".ogg", ".oga", ".webm", ".m4a", ".mp4", ".aac", ".aiff", ".aif", ".aifc",
    ".au", ".snd", ".caf", ".mka", ".mkv", ".m4b", ".wma", ".asf", ".amr", ".3gp", ".3g2", ".mp2", ".mpga", ".ac3",
    ".eac3", ".spx", ".w64", ".rf64", ".bwf", ".wv", ".ape", ".tta", ".mov", ".avi", ".gsm", ".voc", ".sph",
    ".nist", ".mpc", ".ra", ".rm", ".dts", ".weba", ".mpeg", ".mpg", ".ts", ".g722", ".sox", ".avr", ".ircam",
    ".paf", ".pvf", ".svx", ".htk",
)  # fmt: skip
PREPARED = ".prepare"  # a folder that holds this was written by preparation, and is no part of a corpus


def has_audio_ending(name: str) -> bool:
    """Whether a name ends as a recording's does, in any case of letters."""
    return os.path.splitext(name)[1].lower() in AUDIO_ENDINGS


def without_ending(name: str) -> str:
    """The name without the ending of a recording; any other ending belongs to the name."""
    return os.path.splitext(name)[0] if has_audio_ending(name) else name


def folded(name: str) -> str:
    """Equal for spellings that a person takes for the same name: Unicode form, case, slashes, ``./`` before it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", "/".join(parts)).casefold())


class AudioFiles:
    """The recordings below a corpus's folder.

    ``homes``: where its tables' names begin, the folder itself and those inside that usually hold the recordings.
    Nothing outside of the folder is ever found, nor what preparation wrote inside of it.
    """

    def __init__(self, folder: Path, *homes: str) -> None:
        self._folder = folder
        self._homes = [folder / home for home in homes] + [folder]

    def find(self, name: str) -> Path | None:
        """The recording of a name, or None: no such file, or several that are equally alike."""
        name = name.strip()
        if not name or self.leads_outside(name):
            return None
        name = self._inside(name)
        for home in self._homes:
            path = home / name
            try:
                if path.is_file():
                    return path
            except (OSError, ValueError):  # a name that no file can have
                return None
        for home in self._homes:
            found = self._alike(home, name)
            if found is not None:
                return found
        return None

    def key(self, path: Path) -> str:
        """What tells a recording apart from all others: its path below the first home that holds it.

        The ending belongs to it only where another recording has the same path but for the ending.
        """
        home = next((home for home in self._homes if home in path.parents), self._folder)
        relative = path.relative_to(home).as_posix()
        twins = self._index.get(folded(without_ending(path.relative_to(self._folder).as_posix())), [])
        return relative if len(twins) > 1 else without_ending(relative)

    def key_of_name(self, name: str) -> str:
        """A key for a name that no recording has, so that it is counted under a readable id."""
        parts = [part for part in name.strip().replace("\\", "/").split("/") if part not in ("", ".", "..")]
        home = {home.name for home in self._homes[:-1]}
        return without_ending("/".join(parts[1:] if len(parts) > 1 and parts[0] in home else parts))

    def leads_outside(self, name: str) -> bool:
        """Whether a name points out of the corpus's folder."""
        parts = name.replace("\\", "/").split("/")
        if ".." in parts:
            return True
        absolute = name.startswith("/") or (len(parts[0]) == 2 and parts[0].endswith(":"))
        return absolute and self._inside(name) == name

    def _inside(self, name: str) -> str:
        """An absolute path into the corpus's folder, as one below it."""
        for start in (str(self._folder), str(self._folder.resolve())):
            if name.startswith(start.rstrip("/") + "/"):
                return name[len(start.rstrip("/")) + 1 :]
        return name

    def _alike(self, home: Path, name: str) -> Path | None:
        below = "" if home == self._folder else home.relative_to(self._folder).as_posix() + "/"
        wanted = folded(below + name)
        exact = [path for path in self._files.get(wanted, [])]
        if len(exact) == 1:
            return exact[0]
        candidates = self._index.get(wanted) or self._index.get(folded(without_ending(below + name))) or []
        if exact or not candidates:
            return None
        best = min(candidates, key=_rank)
        return best if sum(_rank(path) == _rank(best) for path in candidates) == 1 else None

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """Every file by its folded path below the folder."""
        found: dict[str, list[Path]] = defaultdict(list)
        seen: set[str] = set()
        for place, folders, names in os.walk(self._folder, followlinks=True):
            real = os.path.realpath(place)
            if real in seen:  # a link back to a folder that was read already
                folders.clear()
                continue
            seen.add(real)
            written = {name for name in folders if os.path.exists(os.path.join(place, name, PREPARED))}
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in written)
            for name in sorted(names):
                if not name.startswith("."):
                    path = Path(place) / name
                    found[folded(path.relative_to(self._folder).as_posix())].append(path)
        return found

    @cached_property
    def _index(self) -> dict[str, list[Path]]:
        """Recordings by their folded path without ending."""
        found: dict[str, list[Path]] = defaultdict(list)
        for paths in self._files.values():
            for path in paths:
                if has_audio_ending(path.name):
                    found[folded(without_ending(path.relative_to(self._folder).as_posix()))].append(path)
        return found


def _rank(path: Path) -> int:
    return AUDIO_ENDINGS.index(path.suffix.lower())
