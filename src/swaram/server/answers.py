"""What holds for every HTTP answer: errors are JSON with one sentence, HEAD is answered wherever GET is, and each has
an id."""

import logging
import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from swaram.errors import SwaramError
from swaram.server.errors import HttpError, error_body
from swaram.server.logs import describe_fault
from swaram.validation import message

logger = logging.getLogger("swaram.server")

ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "The key of the request that it is about."},
            },
            "required": ["code", "message", "type", "param"],
        }
    },
    "required": ["error"],
}
ERROR_ANSWER: dict[str, Any] = {
    "description": "One sentence about what is wrong.",
    "content": {"application/json": {"schema": ERROR_SCHEMA}},
}


def answer_errors(app: FastAPI) -> None:
    """Every error as ``error_body`` writes it, those that nobody foresaw too."""

    def answer(status: int, code: str, sentence: str, headers: Any = None, param: str | None = None) -> JSONResponse:
        return JSONResponse(error_body(status, code, sentence, param), status, headers)

    @app.exception_handler(HttpError)
    async def known(_: Request, error: HttpError) -> JSONResponse:
        return answer(error.status, error.code, error.sentence, error.headers, error.param)

    @app.exception_handler(SwaramError)
    async def user_error(_: Request, error: SwaramError) -> JSONResponse:
        return answer(400, "bad_request", str(error))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        sentences = {404: "There is nothing at this address.", 405: "This address does not answer that method."}
        sentence = sentences.get(error.status_code, f"{str(error.detail).rstrip('.')}.")
        return answer(error.status_code, f"http_{error.status_code}", sentence, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        fault = error.errors()[0]
        where = ".".join(str(part)[:40] for part in fault["loc"][1:]) or "body"
        param = str(fault["loc"][1])[:40] if len(fault["loc"]) > 1 else None
        return answer(422, "bad_request", f"{where}: {message(fault)}.", param=param)

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> JSONResponse:
        logger.error("internal error: %s", describe_fault(error))
        return answer(500, "internal", "Something went wrong in the server; try again.")


class HeadAsGet:
    """Answers HEAD with the status and headers of GET, and no body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


class RequestIds:
    """Gives every request an id, ``scope["swaram.request_id"]``, and says it in the header ``X-Request-Id``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{secrets.token_hex(12)}"

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-request-id", request_id.encode())]}
            await send(message)

        await self._app({**scope, "swaram.request_id": request_id}, receive, with_id)


class UnderPrefix:
    """Tells the application below which prefix a proxy serves it, whether the proxy takes the prefix away or not."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; Starlette takes the prefix from the path where it is there."""
        if self._prefix and scope["type"] in ("http", "websocket"):
            scope = {**scope, "root_path": self._prefix}
        await self._app(scope, receive, send)
