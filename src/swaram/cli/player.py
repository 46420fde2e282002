"""Playing sound while it is made, with a program of the system that is there."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from swaram.errors import SwaramError

# Each takes a WAV on standard input. The sound servers first: plain ALSA may be taken by them.
_STREAMING = (
    ("pw-play", "-"),
    ("aplay", "-q", "-"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-i", "-"),
    ("mpv", "--really-quiet", "--no-video", "-"),
    ("play", "-q", "-t", "wav", "-"),
)
_OF_FILES = (("afplay",),)  # macOS


class PlayerError(SwaramError):
    """No program that plays, or one that failed."""


def find_player() -> tuple[str, ...] | None:
    """The command of a player: ``SWARAM_PLAYER`` (it takes a WAV on standard input; "none" for none), or one that is
    there. On Windows the system itself plays.
    """
    wanted = os.environ.get("SWARAM_PLAYER")
    if wanted is not None:
        return tuple(shlex.split(wanted)) if wanted.strip() and wanted != "none" else None
    if sys.platform == "win32":
        return ("winsound",)
    for command in (*_STREAMING, *_OF_FILES):
        found = shutil.which(command[0])
        if found:
            return (found, *command[1:])
    return None


def play(player: tuple[str, ...], parts: Iterable[np.ndarray], sample_rate: int) -> Iterator[np.ndarray]:
    """Play float32 parts [n], -1..1, mono, as they come, and give each one on; ends when all was heard.

    Raises PlayerError where the program fails.
    """
    from swaram.audio.encoders import open_encoder
    from swaram.audio.flac import to_integers

    encoder = open_encoder("wav", sample_rate)
    if Path(player[0]).name in ("winsound", *(command[0] for command in _OF_FILES)):
        content = bytearray()
        for part in parts:
            content += b"".join(encoder.encode(to_integers(part)))
            yield part
        encoder.finish()
        _play_file(player, encoder.final_header + bytes(content))
        return
    try:
        process = subprocess.Popen(player, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        raise PlayerError(f"{player[0]}: the player cannot be started ({error.strerror}); see SWARAM_PLAYER.") from None
    assert process.stdin is not None and process.stderr is not None
    try:
        process.stdin.write(encoder.header)
        for part in parts:
            process.stdin.write(b"".join(encoder.encode(to_integers(part))))
            process.stdin.flush()
            yield part
        process.stdin.close()
    except OSError:  # the player went away; what it said is told below
        with suppress(OSError):
            process.stdin.close()  # what is still held back goes nowhere
    except BaseException:
        process.kill()
        raise
    told = process.stderr.read().decode("utf-8", "replace")
    if process.wait():
        said = " ".join(told.split())[:200].rstrip(".") or f"status {process.returncode}"
        raise PlayerError(
            f"{Path(player[0]).name} could not play ({said}); write a file with --out, or name another player in "
            "SWARAM_PLAYER."
        )


def _play_file(player: tuple[str, ...], content: bytes) -> None:
    if player[0] == "winsound":
        import winsound

        winsound.PlaySound(content, winsound.SND_MEMORY)  # type: ignore[attr-defined]
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        path.write_bytes(content)
        if subprocess.run([*player, str(path)], stderr=subprocess.DEVNULL).returncode:
            raise PlayerError(f"{Path(player[0]).name} could not play; write a file with --out.")
