"""Running the server: the port taken before anything is loaded, then uvicorn until it is told to stop."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

import uvicorn
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from swaram.errors import SwaramError
from swaram.server.answers import RequestIds, UnderPrefix
from swaram.server.app import create_app
from swaram.server.connection import HttpConnection, OneLineErrors, SpeechConnection
from swaram.server.service import Service
from swaram.server.settings import ServerSettings


class ServerError(SwaramError):
    """A server that cannot start: the port is taken, the address is not this machine's, the certificate is none."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ServerError in one sentence."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Only of sockets that name their protocol does asyncio send small messages at once (TCP_NODELAY).
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(512)
        except OSError:
            listener.close()
            raise
        return listener
    except OSError as error:
        if error.errno in (98, 48, 10048):
            raise ServerError(
                f"Port {port} on {host} is taken; stop the other server or choose another --port."
            ) from None
        reason = (error.strerror or str(error)).lower()
        raise ServerError(f"The address {host}, port {port}, cannot be listened on: {reason}.") from None


def address_of(listener: socket.socket, tls: bool = False) -> str:
    """The URL of the page, as a browser on this machine would open it."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"{'https' if tls else 'http'}://{host}:{port}"


class SpeechServer(uvicorn.Server):
    """uvicorn that calls back once it answers, and lets its streams end before it stops."""

    def __init__(self, config: uvicorn.Config, service: Service, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self.service, self._on_start = service, on_start
        self._watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call back."""
        await super().startup(sockets)
        if self.started:
            self._watching = asyncio.create_task(self.service.watch_voices())
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then stop; a second signal stops at once."""
        draining = asyncio.create_task(self.service.drain())
        while not draining.done() and not self.force_exit:
            await asyncio.sleep(0.05)
        draining.cancel()
        if self._watching is not None:
            self._watching.cancel()
        await super().shutdown(sockets)


def allow_origins(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    """The application, whose answers, those to internal errors too, pages of these origins may read.

    It goes around the whole application, because only there it sees such answers.
    """
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("*",),
        expose_headers=(
            "Content-Disposition",
            "Retry-After",
            "X-Audio-MD5",
            "X-Request-Id",
            "X-Samples",
            "X-Voice",
            "X-Warning",
        ),
        max_age=3600,
    )


def around(app: ASGIApp, settings: ServerSettings) -> ASGIApp:
    """The application with what goes around it: the prefix, an id for each request, origins."""
    return allow_origins(RequestIds(UnderPrefix(app, settings.root_path)), settings.origins)


def make_server(settings: ServerSettings, on_start: Callable[[], None] = lambda: None) -> SpeechServer:
    """The server of an application made for these settings.

    Raises VoiceError when there is no voice, ServerError when the TLS files cannot be used.
    """
    _check_tls(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        around(app, settings),
        http=HttpConnection,
        ws=SpeechConnection,
        ws_max_size=max(settings.max_message_bytes, settings.max_convert_message_bytes),
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        timeout_keep_alive=15,
        limit_concurrency=4 * settings.max_connections,
        log_level="warning",
        access_log=False,
        server_header=False,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    logging.getLogger("uvicorn.error").addFilter(OneLineErrors())
    return SpeechServer(config, app.state.service, on_start)


def _check_tls(settings: ServerSettings) -> None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None:
        if key is not None:
            raise ServerError("A TLS key was given without a certificate; name it with --tls-certificate.")
        return
    for path in (certificate, key):
        if path is not None and not path.is_file():
            raise ServerError(f"{path}: there is no such file; name the PEM files of TLS.")
    try:
        # A key behind a passphrase would ask for it on the terminal, and wait.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        held = f"with the key {key}" if key is not None else "which must hold the key too"
        raise ServerError(
            f"{certificate}, {held}: not a certificate and its key in PEM, without passphrase."
        ) from error
