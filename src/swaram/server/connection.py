"""The WebSocket connection below the application: small buffers, a way to drop it, and no user text in the log."""

import logging
import socket
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from swaram.server.logs import describe_fault

_SEND_BUFFER = 128 << 10
_WRITE_HIGH = 64 << 10


class SpeechConnection(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket whose unread sound stays small, and which can be dropped when a client stops reading.

    Without a bound, some 4 MB (160 seconds of speech) would lie in buffers before a stalled reader is noticed.
    """

    def connection_made(self, transport: Any) -> None:
        """Bound the buffers of a connection that has begun as HTTP."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_WRITE_HIGH)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    async def send(self, message: Any) -> None:
        """Send, unless the connection is already breaking down: what is written then goes nowhere."""
        if message["type"] == "websocket.send" and self.transport.is_closing():
            raise ClientDisconnected
        await super().send(message)

    async def run_asgi(self) -> None:
        """Give the application a way to drop the connection."""
        extensions: Any = self.scope["extensions"]
        extensions["swaram.abort"] = self.transport.abort
        await super().run_asgi()


class HttpConnection(H11Protocol):
    """uvicorn's HTTP whose clients must ask for something soon: a header sent drop by drop holds no place."""

    patience = 10.0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._opening = self.loop.call_later(self.patience, self._expect_request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._opening.cancel()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        if self.cycle is None and self.transport.get_protocol() is self:
            self.transport.abort()


class OneLineErrors(logging.Filter):
    """Turns a traceback into one line that says what failed where, without the values."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; always keep it."""
        if record.exc_info and record.exc_info[1] is not None:
            fault = record.exc_info[1]
            known = "the client sent a text message that is not UTF-8" if isinstance(fault, UnicodeDecodeError) else ""
            record.msg, record.args = known or f"internal error: {describe_fault(fault)}", ()
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = (logging.INFO, "INFO") if known else (record.levelno, record.levelname)
        return True
