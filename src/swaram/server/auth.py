"""Who may use the server: keys, origins and the number of connections are looked at before anything else."""

import logging
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from swaram.server.errors import HttpError
from swaram.server.keys import Holder
from swaram.server.logs import describe_fault
from swaram.server.protocol import Close
from swaram.server.service import Service
from swaram.server.websocket import Socket

logger = logging.getLogger("swaram.server")

_NO_KEY = "A key is needed: send it as Authorization: Bearer, as X-API-Key, or as ?key= in the address."
_FOREIGN = "Pages of this origin may not use this server; its operator can allow the origin."
_FULL = "The server has as many connections as it takes; try again in a few seconds."


class SocketSession(Protocol):
    """What serves one accepted WebSocket."""

    async def run(self) -> None:
        """Serve until the end."""

    async def go_away(self, seconds: float) -> None:
        """Tell the client that the server will be gone."""


def authenticate(connection: HTTPConnection, service: Service) -> Holder:
    """Whose connection this is. Raises HttpError 401 or 403."""
    if not _is_allowed(connection, service.settings.origins):
        service.metrics.rejected.labels("origin").inc()
        raise HttpError(403, "origin", _FOREIGN)
    holder = service.keys.find(connection)
    if holder is None:
        service.metrics.rejected.labels("key").inc()
        raise HttpError(401, "unauthorised", _NO_KEY, {"WWW-Authenticate": "Bearer"})
    return holder


def _is_allowed(connection: HTTPConnection, origins: tuple[str, ...]) -> bool:
    """Browsers say which page asks; other clients say nothing and are let in."""
    origin = connection.headers.get("origin")
    if origin is None or "*" in origins or origin in origins:
        return True
    return urlsplit(origin).netloc.lower() == connection.headers.get("host", "").lower() != ""


async def serve_socket(websocket: WebSocket, service: Service, session: Callable[[Holder], Any]) -> None:
    """Accept a WebSocket and serve it, or say why not."""
    await websocket.accept()
    settings = service.settings
    socket = Socket(websocket, settings.idle_timeout, settings.stall_timeout, lambda: True)
    try:
        holder = authenticate(websocket, service)
    except HttpError as error:
        await socket.close(Close.UNAUTHORISED if error.status == 401 else Close.FORBIDDEN, error.code, error.sentence)
        return
    if service.admission.draining:
        await socket.close(Close.RESTART, "restarting", "The server is about to restart; connect again in a moment.")
        return
    if service.connections >= settings.max_connections:
        service.metrics.rejected.labels("connections").inc()
        await socket.close(Close.OVERLOADED, "overloaded", _FULL)
        return
    serving: SocketSession = session(holder)
    service.sessions.add(serving)
    try:
        await serving.run()
    except Exception as error:
        logger.error("socket: internal error: %s", describe_fault(error))
    finally:
        service.sessions.discard(serving)
