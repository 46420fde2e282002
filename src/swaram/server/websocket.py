"""A WebSocket as the endpoints use it: one receiving task, sends that cannot hang, closes that say why."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from swaram.server.protocol import Close, ProtocolError

logger = logging.getLogger("swaram.server")


class Gone(Exception):
    """The client has left."""


class Socket:
    """Messages in and out of one accepted WebSocket.

    Only a client for whom nothing is being done (``is_busy``) is closed for its silence. A send that stays unread
    for ``stall_timeout`` seconds ends the connection.
    """

    def __init__(
        self, websocket: WebSocket, idle_timeout: float, stall_timeout: float, is_busy: Callable[[], bool]
    ) -> None:
        self._is_busy = is_busy
        self._websocket = websocket
        self._idle_timeout, self._stall_timeout = idle_timeout, stall_timeout
        self._sending_since: float | None = None
        self.last_heard = time.monotonic()
        self.bytes_sent = 0

    async def send_json(self, message: dict[str, Any]) -> None:
        """Send one JSON message."""
        await self._send({"type": "websocket.send", "text": json.dumps(message, separators=(",", ":"))})

    async def send_bytes(self, data: bytes) -> None:
        """Send one binary message."""
        self.bytes_sent += len(data)
        await self._send({"type": "websocket.send", "bytes": data})

    async def _send(self, message: dict[str, Any]) -> None:
        self._sending_since = self._sending_since or time.monotonic()
        try:
            await self._websocket.send(message)
        except (RuntimeError, OSError, WebSocketDisconnect) as error:  # closed in the meantime, from either side
            raise Gone from error
        finally:
            self._sending_since = None

    async def receive(self) -> AsyncIterator[str | bytes]:
        """Messages until the client leaves."""
        while True:
            try:
                message = await self._websocket.receive()
            except RuntimeError:
                return
            if message["type"] == "websocket.disconnect":
                return
            self.last_heard = time.monotonic()
            text = message.get("text")
            yield text if text is not None else message.get("bytes") or b""

    async def watch(self) -> None:
        """Return never; raise ProtocolError when the client is silent too long, Gone when it stops reading."""
        while True:
            await asyncio.sleep(min(1.0, self._idle_timeout / 4, self._stall_timeout / 4))
            now = time.monotonic()
            if self._sending_since is not None and now - self._sending_since > self._stall_timeout:
                self.abort()
                raise Gone
            if self._is_busy():
                self.last_heard = now
            elif now - self.last_heard > self._idle_timeout:
                raise ProtocolError(
                    "idle", f"Nothing was said for {self._idle_timeout:g} seconds; connect again.", Close.IDLE
                )

    def abort(self) -> None:
        """Drop the connection without waiting for what the client never reads."""
        abort = self._websocket.scope.get("extensions", {}).get("swaram.abort")
        if abort is not None:
            abort()

    async def close(self, code: Close, error_code: str = "", sentence: str = "", reason: str = "") -> None:
        """Say why, then close; within the stall timeout, or drop the connection.

        ``reason``: why, where that has been said already in another form and stands in the close frame alone.
        """
        if self._websocket.client_state is not WebSocketState.CONNECTED:
            return
        with contextlib.suppress(Gone, RuntimeError, OSError, WebSocketDisconnect):
            try:
                async with asyncio.timeout(self._stall_timeout):
                    if sentence:
                        await self.send_json({"type": "error", "code": error_code, "message": sentence})
                    await self._websocket.close(code, (sentence or reason).encode()[:120].decode(errors="ignore"))
            except TimeoutError:
                self.abort()
