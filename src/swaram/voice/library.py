"""The voices on this machine: a folder whose entries are voice packages; found, opened, added and removed."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from swaram.files import whole_folder
from swaram.search_path import may_be_name, place_to_add, places
from swaram.text.lexicon import Lexicon
from swaram.voice.check import VoiceReport, examine_voice
from swaram.voice.engine import Engine
from swaram.voice.errors import VoiceError
from swaram.voice.package import VoiceManifest, is_package, package_files, read_manifest
from swaram.voice.voice import Voice


@dataclass(frozen=True)
class Found:
    """A package on this machine: where it is, and what told of the place."""

    path: Path
    told_by: str


def list_packages(folder: Path) -> dict[str, Path]:
    """The packages in a folder by the name they are asked for: the folder's or zip's own name.

    What begins with a dot is being written or removed, and is not there yet or any more.
    """
    if not folder.is_dir():
        return {}
    found = (p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and is_package(p))
    return {p.stem if p.is_file() else p.name: p for p in found}


def every_package(folder: str | Path | None = None) -> list[tuple[str, Found]]:
    """Every package of ``folder``, or of all places that ``search_path`` names, in their order; names may repeat."""
    found = []
    for place in places("voices", folder):
        if is_package(place.folder):  # a folder that is itself a voice counts as one
            packages = {place.whole or _own_name(place.folder): place.folder}
        else:
            packages = {} if place.whole else list_packages(place.folder)
        found += [(name, Found(path, place.told_by)) for name, path in packages.items()]
    return found


def known_packages(folder: str | Path | None = None) -> dict[str, Found]:
    """The packages by name; of several with one name the first one in the order of places."""
    known: dict[str, Found] = {}
    for name, found in every_package(folder):
        known.setdefault(name, found)
    return known


def find_package(wanted: str | Path | None = None, folder: str | Path | None = None) -> Path:
    """Where a voice is, by its path, by its name among those of ``known_packages``, or the only one there.

    Raises VoiceError: no such voice, none at all, or several to choose from.
    """
    if wanted is not None and Path(wanted).exists() and str(wanted) not in ("", "."):
        path = Path(wanted)
        if is_package(path) or str(wanted) not in known_packages(folder):
            return path
    known = known_packages(folder)
    if wanted is not None:
        if str(wanted) in known:
            return known[str(wanted)].path
        offered = f"there are {', '.join(known)}" if known else "there is none"
        raise VoiceError(
            f"{wanted}: no such voice; give its path, or a name that swaram voice list shows ({offered}); swaram voice "
            "search says which can be fetched."
        )
    if not known:
        raise VoiceError(
            f"{_searched(folder)}: no voice there; install one with: pip install swaram-voice-malayalam, or see swaram "
            "voice search"
        )
    if len(known) > 1:
        raise VoiceError(f"There are several voices; choose with --voice one of {', '.join(known)}.")
    return next(iter(known.values())).path


def _own_name(path: Path) -> str:
    return path.stem if path.is_file() else path.resolve().name


def _searched(folder: str | Path | None) -> str:
    return ", ".join(str(place.folder) for place in places("voices", folder))


def find_voice(wanted: str | Path | None = None, folder: str | Path | None = None) -> Voice:
    """Open the voice that ``find_package`` finds. Raises VoiceError."""
    return Voice.open(find_package(wanted, folder))


def open_engine(path: str | Path, name: str, lexicons: Iterable[Lexicon] = ()) -> Engine:
    """An engine for a package, warmed up. ``lexicons`` come before the voice's own. Raises VoiceError."""
    engine = Engine(Voice.open(path).named(name), lexicons=lexicons)
    engine.warm_up()
    return engine


def open_engines(folder: str | Path | None = None, lexicons: Iterable[Lexicon] = ()) -> dict[str, Engine]:
    """``open_engine`` for every voice of ``known_packages``. Raises VoiceError."""
    known = known_packages(folder)
    if not known:
        raise VoiceError(
            f"{_searched(folder)}: no voice there; a voice is a folder with voice.json, or a zip of one; swaram voice "
            "search says which can be had."
        )
    return {name: open_engine(found.path, name, lexicons) for name, found in known.items()}


@dataclass(frozen=True)
class Listed:
    """A package: where it is and what told of it, its size, and its manifest, or why it cannot be read.

    ``hidden``: another one of its name comes before it in the order of places.
    """

    name: str
    path: Path
    told_by: str
    size_bytes: int
    manifest: VoiceManifest | None
    fault: str = ""
    hidden: bool = False


def list_voices(folder: str | Path | None = None) -> list[Listed]:
    """Every package; one that is broken is listed with its fault."""
    found: list[Listed] = []
    for name, (path, told_by) in ((name, (found.path, found.told_by)) for name, found in every_package(folder)):
        hidden = any(voice.name == name for voice in found)
        try:
            found.append(Listed(name, path, told_by, _size(path), read_manifest(path), hidden=hidden))
        except VoiceError as error:
            found.append(Listed(name, path, told_by, _size(path), None, str(error), hidden))
    return found


def add_voice(
    source: str | Path, folder: str | Path | None = None, name: str | None = None, *, replace: bool = False
) -> tuple[Path, VoiceReport]:
    """Check a voice, a folder or a zip, and put it into the folder of voices under ``name``, by default its own.

    Only the files that its manifest lists are copied, and the card and licence beside them. Raises VoiceError where
    the voice is not sound, the name cannot be one, or a voice of that name is there and ``replace`` is off.
    """
    source, home = Path(source), place_to_add("voices", folder)
    voice = Voice.open(source)
    report = examine_voice(voice)
    wanted = name or (source.stem if source.is_file() else source.resolve().name)
    if not may_be_name(wanted):
        raise VoiceError(f"{wanted[:80]!r} cannot be a voice's name: letters, digits, '.', '_' and '-'; give --name.")
    packages = list_packages(home)
    there = packages.get(wanted)
    alike = [name for name in packages if name != wanted and name.casefold() == wanted.casefold()]
    if alike:  # the same folder where the file system knows no case
        raise VoiceError(f"{home} has a voice {alike[0]}, which differs by case alone; give another --name.")
    target = home / wanted
    if there is not None and there.resolve() == source.resolve():
        raise VoiceError(f"{source} is already in {home}.")
    if not replace and (there is not None or target.exists()):
        raise VoiceError(f"{home} has a voice {wanted} already; give another --name, or --replace it.")
    if target.exists() and there is None:
        raise VoiceError(f"{target} is there and is not a voice; remove it or give another --name.")
    with whole_folder(target, VoiceError) as partial:
        for file, content in package_files(source):
            place = partial / PurePosixPath(file)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        Voice.open(partial)  # what was copied is what was checked
        if there is not None and (there.is_symlink() or not there.is_dir()):  # a zip, or a voice that lies elsewhere
            _take_away(there)
    return target, report


def remove_voice(name: str, folder: str | Path | None = None) -> Path:
    """Remove the voice of that name. Raises VoiceError where there is none, or it came with an installed package."""
    known = known_packages(folder)
    if name not in known:
        raise VoiceError(f"{_searched(folder)} has no voice {name[:80]!r}; there are {', '.join(known) or 'none'}.")
    path, told_by = known[name].path, known[name].told_by
    if told_by.startswith("package "):
        raise VoiceError(f"{name} came with an installed package; remove it with: pip uninstall {told_by[8:]}")
    try:
        _take_away(path)
    except OSError as error:
        raise VoiceError(f"{path}: the voice cannot be removed ({error.strerror}).") from None
    return path


def _take_away(path: Path) -> None:
    """Rename first: at no moment is there a voice with half its files."""
    gone = path.with_name(f".{path.name}.removed")
    if path.is_symlink():  # a voice that lies elsewhere is only no longer named here
        path.unlink()
        return
    shutil.rmtree(gone, ignore_errors=True)
    os.replace(path, gone)
    gone.unlink() if gone.is_file() else shutil.rmtree(gone)


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())
