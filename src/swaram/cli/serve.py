"""``swaram serve`` and ``swaram convert``."""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swaram.cli.console import ClusterOption, JsonOption, print_json
from swaram.errors import SwaramError

if TYPE_CHECKING:
    from swaram.server.settings import ServerSettings

SENTENCE = "നമസ്കാരം, ഞാൻ സ്വരം ആണ്. നിങ്ങൾ എഴുതുന്നത് ഞാൻ വായിക്കും."


def serve_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535, show_default="5000")
    ] = None,
    root_path: Annotated[
        str | None, typer.Option(help="Prefix under which a proxy serves this server, such as /tts.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="JSON file with the server's settings.")] = None,
    voices: Annotated[
        Path | None, typer.Option(help="Folder that holds the voices.", show_default="every place of swaram voice list")
    ] = None,
    recognizers: Annotated[
        Path | None, typer.Option(help="Folder that holds the recognisers.", show_default="every place")
    ] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Lexicon for all voices: TSV or TOML, word to spelling.")] = None,
    keys: Annotated[Path | None, typer.Option(help="File of API keys; without it everybody is let in.")] = None,
    new_key: Annotated[
        str | None, typer.Option(help="Add a key of this name to the file of keys, print it, and end.")
    ] = None,
    origin: Annotated[list[str] | None, typer.Option(help="Origin whose pages may use this server; * for all.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file with the certificate chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file with the certificate's key.")] = None,
    json_log: Annotated[bool, typer.Option("--json-log", help="Write the log as JSON lines.")] = False,
    workers: Annotated[
        int | None, typer.Option(help="Streams computed at once.", min=1, show_default="all cores")
    ] = None,
    worker_kind: Annotated[str | None, typer.Option(hidden=True, help="Gone; the error says what to do.")] = None,
    prove: Annotated[
        Path | None,
        typer.Option(help="Once up, speak a sentence through its own WebSocket into this FLAC file."),
    ] = None,
    cluster: ClusterOption = None,
    replicas: Annotated[
        str | None,
        typer.Option(help="With --cluster: how many servers, as LEAST:MOST.", show_default="1: what fits"),
    ] = None,
) -> None:
    """Serve speech over WebSockets, until interrupted."""
    from swaram.server.keys import KeyFileError, add_key
    from swaram.server.logs import configure_logging
    from swaram.server.run import address_of, listen, make_server
    from swaram.server.settings import read_settings

    if new_key is not None:
        if keys is None:
            raise KeyFileError("Name the file of keys with --keys.")
        print(add_key(keys, new_key))
        return
    given = {
        "host": host,
        "port": port,
        "root_path": root_path,
        "voices": voices,
        "recognizers": recognizers,
        "lexicon": lexicon,
        "workers": workers,
        "worker_kind": worker_kind,
        "keys": keys,
        "origins": tuple(origin) if origin else None,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "json_log": json_log or None,
    }
    settings = read_settings(config, {name: value for name, value in given.items() if value is not None})
    configure_logging(settings.json_log)
    if cluster:
        _serve_on_cluster(cluster, settings, replicas, prove)
        return
    listener = listen(settings.host, settings.port)
    address = address_of(listener, tls=settings.tls_certificate is not None)

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


def _serve_on_cluster(cluster: str, settings: "ServerSettings", replicas: str | None, prove: Path | None) -> None:
    from swaram.cluster.connection import joined

    low, high = _range(replicas)
    with joined(cluster) as ray:
        from swaram.cluster.serving import serve_on_cluster, stop

        address = serve_on_cluster(ray, settings, low, high)
        print(f"swaram speaks at {address}, and at the same port of every node that has a replica", flush=True)
        if prove is not None:
            _prove(address, prove)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
        finally:
            stop(ray)


def _range(replicas: str | None) -> tuple[int, int | None]:
    """LEAST and MOST of ``--replicas``. Raises SwaramError."""
    if replicas is None:
        return 1, None
    low, _, high = replicas.partition(":")
    if not (low.isdecimal() and (high or low).isdecimal() and 1 <= int(low) <= int(high or low)):
        raise SwaramError(f"--replicas is LEAST:MOST, such as 2:8, or one number, not {replicas[:40]!r}.")
    return int(low), int(high or low)


def _prove(address: str, path: Path) -> None:
    """Speak a sentence through the server's own WebSocket into a FLAC file, and say how long that took."""
    from swaram.client import assemble, stream

    begun = time.perf_counter()
    messages: list[Any] = []
    times: list[float] = []
    try:
        for message in stream(address, SENTENCE, language="ml"):
            messages.append(message)
            if isinstance(message, bytes):
                times.append(time.perf_counter() - begun)
        path.write_bytes(assemble(messages))
    except SwaramError as error:
        print(f"swaram: {error}", flush=True)
        return
    except OSError as error:
        print(f"swaram: {path}: cannot be written ({error.strerror}).", flush=True)
        return
    done = messages[-1]
    print(
        f"{path}: {done['seconds']:.2f} s of speech through {address}/v1/speak\n"
        f"  time to first audio  {1000 * times[1]:.0f} ms\n"  # the first message is the header
        f"  real-time factor     {done['real_time_factor']:.3f}\n"
        f"  page                 {address}/",
        flush=True,
    )


def convert_command(
    source: Annotated[Path, typer.Argument(help="WAV file.")],
    target: Annotated[Path, typer.Argument(help="FLAC file to write.")],
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Accept float and 32-bit samples, rounded to 24 bits.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Convert a WAV file to FLAC, bit for bit the same samples."""
    from swaram.audio.convert import convert_file

    encoder = convert_file(source, target, lossy)
    if as_json:
        print_json({"file": str(target), "samples": encoder.samples, "md5": encoder.md5})
        return
    print(f"{target}: {encoder.samples} samples, MD5 {encoder.md5}")
