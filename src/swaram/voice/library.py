"""The voices on this machine: a folder whose entries are voice packages."""

import os
from pathlib import Path

from swaram.voice.errors import VoiceError
from swaram.voice.package import is_package
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


def open_voices(folder: str | Path | None = None) -> dict[str, Voice]:
    """Open every voice of a folder; a folder that is itself a voice counts as one. Raises VoiceError."""
    packages = served_packages(folder)
    if not packages:
        raise VoiceError(
            f"{voices_folder(folder)}: no voice there; a voice is a folder with voice.json, or a zip of one."
        )
    return {name: Voice.open(path).named(name) for name, path in packages.items()}
