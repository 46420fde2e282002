"""Bodies of requests that are no uploads: small, and soon there."""

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from swaram.server.errors import error_body

_PATIENCE = 20.0


class BodyLimit:
    """Reads a body up to ``limit`` bytes before the application runs, and answers 413 or 408 otherwise.

    ``elsewhere`` lists the paths that read their bodies themselves.
    """

    def __init__(self, app: ASGIApp, limit: int, elsewhere: tuple[str, ...]) -> None:
        self._app, self._limit, self._elsewhere = app, limit, elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or answer it."""
        if scope["type"] != "http" or scope["path"] in self._elsewhere or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                body = await self._read(receive)
        except TimeoutError:
            await _answer(408, "too_slow", "The request came too slowly; send it again.")(scope, receive, send)
            return
        if body is None:
            sentence = f"The request is larger than {self._limit} bytes."
            await _answer(413, "too_large", sentence)(scope, receive, send)
            return
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b"".join(parts)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limit:
                return None
            if not message.get("more_body"):
                return b"".join(parts)


def _answer(status: int, code: str, sentence: str) -> JSONResponse:
    return JSONResponse(error_body(status, code, sentence), status, {"Connection": "close"})
