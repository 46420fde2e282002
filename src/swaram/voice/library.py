"""The voices on this machine: a folder whose entries are voice packages; found, opened, added and removed."""

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from swaram.files import whole_folder
from swaram.text.lexicon import Lexicon
from swaram.voice.check import VoiceReport, examine_voice
from swaram.voice.engine import Engine
from swaram.voice.errors import VoiceError
from swaram.voice.package import VoiceManifest, is_package, package_files, read_manifest
from swaram.voice.voice import Voice


def voices_folder(folder: str | Path | None = None) -> Path:
    """Where voices are: the argument, ``SWARAM_VOICES``, ./voices, or the source tree's voices/."""
    if folder is not None:
        return Path(folder)
    if os.environ.get("SWARAM_VOICES"):
        return Path(os.environ["SWARAM_VOICES"])
    here, source = Path("voices"), Path(__file__).resolve().parents[3] / "voices"
    return source if not here.is_dir() and source.is_dir() else here


def list_packages(folder: Path) -> dict[str, Path]:
    """The packages in a folder by the name they are asked for: the folder's or zip's own name.

    What begins with a dot is being written or removed, and is not there yet or any more.
    """
    if not folder.is_dir():
        return {}
    found = (p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and is_package(p))
    return {p.stem if p.is_file() else p.name: p for p in found}


def served_packages(folder: str | Path | None = None) -> dict[str, Path]:
    """The packages that a server of this folder serves: a folder that is itself a voice counts as one."""
    home = voices_folder(folder)
    return {home.resolve().name: home} if is_package(home) else list_packages(home)


def find_package(wanted: str | Path | None = None, folder: str | Path | None = None) -> Path:
    """Where a voice is, by its path, by its name in the folder of voices, or the only one there.

    Raises VoiceError: no such voice, none at all, or several to choose from.
    """
    if wanted is not None and Path(wanted).exists():
        return Path(wanted)
    home = voices_folder(folder)
    packages = list_packages(home)
    if wanted is not None:
        if str(wanted) in packages:
            return packages[str(wanted)]
        offered = f"{home} holds {', '.join(packages)}" if packages else f"{home} holds none"
        raise VoiceError(f"{wanted}: no such voice; give its path, or a name in the folder of voices ({offered}).")
    if not packages:
        raise VoiceError(f"{home}: no voice there; give one with --voice, or put a voice package into that folder.")
    if len(packages) > 1:
        raise VoiceError(f"{home}: several voices there; choose with --voice one of {', '.join(packages)}.")
    return next(iter(packages.values()))


def find_voice(wanted: str | Path | None = None, folder: str | Path | None = None) -> Voice:
    """Open the voice that ``find_package`` finds. Raises VoiceError."""
    return Voice.open(find_package(wanted, folder))


def open_engine(path: str | Path, name: str, lexicons: Iterable[Lexicon] = ()) -> Engine:
    """An engine for a package, warmed up. ``lexicons`` come before the voice's own. Raises VoiceError."""
    engine = Engine(Voice.open(path).named(name), lexicons=lexicons)
    engine.warm_up()
    return engine


def open_engines(folder: str | Path | None = None, lexicons: Iterable[Lexicon] = ()) -> dict[str, Engine]:
    """``open_engine`` for every voice of a folder; one that is itself a voice counts as one. Raises VoiceError."""
    packages = served_packages(folder)
    if not packages:
        raise VoiceError(
            f"{voices_folder(folder)}: no voice there; a voice is a folder with voice.json, or a zip of one."
        )
    return {name: open_engine(path, name, lexicons) for name, path in packages.items()}


_NAME = re.compile(r"[^\W.][\w.-]{0,79}")


@dataclass(frozen=True)
class Listed:
    """A package in the folder of voices: where it is, its size, and its manifest, or why it cannot be read."""

    name: str
    path: Path
    size_bytes: int
    manifest: VoiceManifest | None
    fault: str = ""


def list_voices(folder: str | Path | None = None) -> list[Listed]:
    """Every package of the folder; one that is broken is listed with its fault."""
    found = []
    for name, path in list_packages(voices_folder(folder)).items():
        try:
            found.append(Listed(name, path, _size(path), read_manifest(path)))
        except VoiceError as error:
            found.append(Listed(name, path, _size(path), None, str(error)))
    return found


def add_voice(
    source: str | Path, folder: str | Path | None = None, name: str | None = None, *, replace: bool = False
) -> tuple[Path, VoiceReport]:
    """Check a voice, a folder or a zip, and put it into the folder of voices under ``name``, by default its own.

    Only the files that its manifest lists are copied, and the card and licence beside them. Raises VoiceError where
    the voice is not sound, the name cannot be one, or a voice of that name is there and ``replace`` is off.
    """
    source, home = Path(source), voices_folder(folder)
    voice = Voice.open(source)
    report = examine_voice(voice)
    wanted = name or (source.stem if source.is_file() else source.resolve().name)
    if not _NAME.fullmatch(wanted):
        raise VoiceError(f"{wanted[:80]!r} cannot be a voice's name: letters, digits, '.', '_' and '-'; give --name.")
    there = list_packages(home).get(wanted)
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
    """Remove the voice of that name from the folder of voices. Raises VoiceError where there is none."""
    home = voices_folder(folder)
    packages = list_packages(home)
    if name not in packages:
        raise VoiceError(f"{home} has no voice {name[:80]!r}; it has {', '.join(packages) or 'none'}.")
    path = packages[name]
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
