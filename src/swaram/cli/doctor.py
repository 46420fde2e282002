"""``swaram doctor``: what this machine has of what swaram can use."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from swaram import __version__
from swaram.cli.console import JsonOption, print_json
from swaram.extras import install_command
from swaram.search_path import place_to_add, source_tree

PROGRAMS = {
    "ffmpeg": "nothing: swaram brings FFmpeg's libraries; a help to look at recordings",
    "espeak-ng": "voices that read phonemes",
    "flac": "nothing: a second opinion on FLAC files",
    "git": "nothing: to fetch the sources",
}
_FEATURES = ("avx2", "avx512f", "avx512_vnni", "amx_tile", "amx_int8", "asimd", "asimddp", "sve")


def doctor_command(as_json: JsonOption = False) -> None:
    """Say what is here: Python, processor, devices, voices, recognisers, programs, extras, memory and disk."""
    found = examine()
    if as_json:
        print_json(found)
        return
    for title, part in found.items():
        if isinstance(part, dict):
            print(f"{title}:")
            for key, value in part.items():
                print(f"  {key:<26}{_said(value)}")
        elif isinstance(part, list):
            print(f"{title}:{'' if part else ' none'}")
            for row in part:
                print("  " + ", ".join(str(value) for value in row.values() if value not in ("", None)))
        else:
            print(f"{title + ':':<22}{_said(part)}")


def examine() -> dict[str, Any]:
    """Everything that the command says, by name."""
    clone = source_tree()
    return {
        "swaram": __version__,
        "installed": f"from the clone {clone}" if clone else "from a wheel",
        "python": f"{platform.python_version()}, {sys.executable}",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processor": {"cores": _cores(), "features": _features()},
        "devices": _devices(),
        "memory": _memory(),
        "disk": _disk(),
        "voices": _voices(),
        "recognizers": _recognizers(),
        "player": _player(),
        "programs": {name: shutil.which(name) or f"missing, needed for {use}" for name, use in PROGRAMS.items()},
        "extras": _extras(),
    }


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on Windows and macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _features() -> list[str]:
    """Of the processor, those that matter for speed; empty where the system does not say them."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    flags = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"^(?:flags|Features)\s*:(.*)$", text, re.M)[:1])))
    return [name for name in _FEATURES if name in flags]


def _devices() -> dict[str, Any]:
    """What computes: onnxruntime's providers, and graphics cards as their own program tells of them."""
    import onnxruntime

    cards: list[str] = []
    program = shutil.which("nvidia-smi")
    if program:
        asked = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        try:
            told = subprocess.run(asked, capture_output=True, encoding="utf-8", errors="replace", timeout=20)
            cards = [line.strip() for line in told.stdout.splitlines() if line.strip()] if not told.returncode else []
        except (OSError, subprocess.TimeoutExpired):
            cards = []
    return {"speaking": onnxruntime.get_available_providers(), "graphics cards": cards}


def _memory() -> dict[str, Any]:
    """In GB, where the system says it."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii", errors="replace")
        known = {name: int(kilobytes) for name, kilobytes in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
        return {"GB": round(known["MemTotal"] / 1e6, 1), "free GB": round(known["MemAvailable"] / 1e6, 1)}
    except (OSError, KeyError):
        return {"GB": "unknown on this system"}


def _disk() -> dict[str, Any]:
    """Free where voices are added and where the program was started, in GB."""
    free = {}
    for name, folder in (("this folder", Path.cwd()), ("folder of voices", place_to_add("voices"))):
        there = next(part for part in (folder.absolute(), *folder.absolute().parents) if part.exists())
        free[f"{name}, free GB"] = round(shutil.disk_usage(there).free / 1e9, 1)
    return free


def _voices() -> list[dict[str, Any]]:
    from swaram.voice.library import list_voices

    return [
        {"name": voice.name, "path": str(voice.path), "told by": voice.told_by, "fault": voice.fault or ""}
        for voice in list_voices()
        if not voice.hidden
    ]


def _recognizers() -> list[dict[str, Any]]:
    from swaram.errors import SwaramError
    from swaram.recognition.package import known_recognizers

    try:
        found = known_recognizers()
    except SwaramError as error:
        return [{"name": "", "path": "", "told by": "", "fault": str(error)}]
    return [{"name": name, "path": str(path), "told by": told_by, "fault": ""} for name, path, told_by in found]


def _player() -> str:
    from swaram.cli.player import find_player

    player = find_player()
    return " ".join(player) if player else "none; swaram speak writes files"


def _extras() -> dict[str, str]:
    """Which extras are whole, and how to get the others."""
    wanted: dict[str, list[str]] = {}
    try:
        lines = requires("swaram") or []
    except PackageNotFoundError:  # run from a clone that is not installed
        lines = []
    for line in lines:
        extra = re.search(r"""extra\s*==\s*["']([\w-]+)["']""", line)
        if extra and extra[1] != "dev":
            wanted.setdefault(extra[1], []).append(re.match(r"[\w.-]+", line)[0])  # type: ignore[index]
    found = {}
    for name_of, packages in wanted.items():
        missing = [name for name in packages if not _installed(name)]
        found[name_of] = f"missing {', '.join(missing)}: {install_command(name_of)}" if missing else "installed"
    return found


def _installed(package: str) -> bool:
    try:
        version(package)
        return True
    except PackageNotFoundError:
        return importlib.util.find_spec(package.replace("-", "_")) is not None
