"""``swaram speak`` and ``swaram voice``: text to a FLAC file, and a look into voice packages."""

from pathlib import Path
from typing import Annotated

import typer

voice_app = typer.Typer(help="Look into voice packages.", no_args_is_help=True)


def speak_command(
    text: Annotated[str, typer.Argument(help="What to say; - reads standard input.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="FLAC file to write.")] = Path("swaram.flac"),
    voice: Annotated[str | None, typer.Option(help="Folder or zip of a voice, or its name in voices/.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Speaker's id or name.")] = None,
    speed: Annotated[float, typer.Option(help="1 is the voice's own pace.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same samples.")] = 0,
) -> None:
    """Speak a text into a FLAC file."""
    raise NotImplementedError
