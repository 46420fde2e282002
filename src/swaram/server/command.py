"""``swaram serve`` and ``swaram convert``."""

from pathlib import Path
from typing import Annotated

import typer


def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
    voices: Annotated[Path | None, typer.Option(help="Folder that holds the voices.")] = None,
    prove: Annotated[
        Path | None,
        typer.Option(help="Once up, speak one sentence through the own WebSocket into this FLAC file."),
    ] = None,
) -> None:
    """Serve speech over WebSockets."""
    raise NotImplementedError


def convert_command(
    source: Annotated[Path, typer.Argument(help="WAV file.")],
    target: Annotated[Path, typer.Argument(help="FLAC file to write.")],
) -> None:
    """Convert a WAV file to FLAC, bit for bit the same samples."""
    raise NotImplementedError
