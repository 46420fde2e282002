"""``swaram wyoming`` and ``swaram mcp``: servers in the protocols of others."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from swaram.errors import SwaramError
from swaram.extras import install_command


class MissingPackage(SwaramError):
    """A command whose extra is not installed."""


def wyoming_command(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 10200,
    config: Annotated[Path | None, typer.Option(help="JSON file with the server's settings.")] = None,
    voices: Annotated[Path | None, typer.Option(help="Folder that holds the voices.")] = None,
    recognizers: Annotated[Path | None, typer.Option(help="Folder that holds the recognisers.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Streams computed at once.", min=1, show_default="all cores")
    ] = None,
    zeroconf: Annotated[
        str | None, typer.Option(help="Let Home Assistant find this server by itself, under this name.")
    ] = None,
    json_log: Annotated[bool, typer.Option("--json-log", help="Write the log as JSON lines.")] = False,
) -> None:
    """Serve Home Assistant over Wyoming, until interrupted. Wyoming knows no keys: listen where only friends are."""
    from swaram.server.logs import configure_logging
    from swaram.server.run import listen
    from swaram.server.settings import read_settings

    try:
        from swaram.server.adapters.wyoming import serve_wyoming
    except ModuleNotFoundError as error:
        raise _missing(error, "wyoming") from None
    given = {
        "host": host,
        "voices": voices,
        "recognizers": recognizers,
        "workers": workers,
        "json_log": json_log or None,
    }
    settings = read_settings(config, {name: value for name, value in given.items() if value is not None})
    configure_logging(settings.json_log)
    listener = listen(settings.host, port)

    def up() -> None:
        print(f"swaram speaks Wyoming at tcp://{settings.host}:{listener.getsockname()[1]}", flush=True)

    try:
        asyncio.run(serve_wyoming(settings, listener, zeroconf, up))
    except ModuleNotFoundError as error:
        raise _missing(error, "wyoming") from None
    finally:
        listener.close()


def mcp_command(
    voice: Annotated[str | None, typer.Option(help="Voice that speaks where none is asked for.")] = None,
    folder: Annotated[Path, typer.Option(help="Where speech is written, and recordings are read from.")] = Path("."),
) -> None:
    """Serve one assistant over the Model Context Protocol, on standard input and output."""
    try:
        from swaram.integrations.mcp import make_server
    except ModuleNotFoundError as error:
        raise _missing(error, "mcp") from None
    make_server(folder, voice).run("stdio")


def _missing(error: ModuleNotFoundError, extra: str) -> Exception:
    package = (error.name or "").partition(".")[0]
    if package == "swaram":
        return error
    return MissingPackage(f"The package {package} is not installed; {install_command(extra)}.")
