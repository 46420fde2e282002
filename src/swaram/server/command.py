"""``swaram serve`` and ``swaram convert``."""

import os
import threading
from pathlib import Path
from typing import Annotated

import typer


def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 5000,
    voices: Annotated[Path | None, typer.Option(help="Folder that holds the voices.")] = None,
    workers: Annotated[int | None, typer.Option(help="Streams computed at once; default: all cores.", min=1)] = None,
    prove: Annotated[
        Path | None,
        typer.Option(help="Once up, speak a sentence through the own WebSocket into this FLAC file."),
    ] = None,
) -> None:
    """Serve speech over WebSockets, until interrupted."""
    from swaram.server.serving import address_of, listen, make_server
    from swaram.server.settings import ServerSettings

    listener = listen(host, port)
    settings = ServerSettings(host=host, port=port, voices=voices, workers=workers or os.cpu_count() or 1)
    address = address_of(listener)

    def up() -> None:
        print(f"swaram speaks at {address}", flush=True)
        if prove is not None:
            threading.Thread(target=_prove, args=(address, prove), daemon=True).start()

    try:
        make_server(settings, up).run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def _prove(address: str, path: Path) -> None:
    from swaram.errors import SwaramError
    from swaram.server.proof import prove

    try:
        proof = prove(address, path)
    except SwaramError as error:
        print(f"swaram: {error}", flush=True)
        return
    print(
        f"{proof.path}: {proof.seconds:.2f} s of speech through {address}/v1/speak\n"
        f"  time to first audio  {1000 * proof.first_audio:.0f} ms\n"
        f"  real-time factor     {proof.real_time_factor:.3f}\n"
        f"  page                 {address}/",
        flush=True,
    )


def convert_command(
    source: Annotated[Path, typer.Argument(help="WAV file.")],
    target: Annotated[Path, typer.Argument(help="FLAC file to write.")],
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Accept float and 32-bit samples, rounded to 24 bits.")
    ] = False,
) -> None:
    """Convert a WAV file to FLAC, bit for bit the same samples."""
    from swaram.server.conversion import convert_file

    encoder = convert_file(source, target, lossy)
    print(f"{target}: {encoder.samples} samples, MD5 {encoder.md5}")
