"""What holds for every HTTP answer: errors are JSON with one sentence, and HEAD is answered wherever GET is."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from swaram.errors import SwaramError
from swaram.server.errors import HttpError
from swaram.server.logs import describe_fault
from swaram.validation import message

logger = logging.getLogger("swaram.server")

ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}
ERROR_ANSWER: dict[str, Any] = {
    "description": "One sentence about what is wrong.",
    "content": {"application/json": {"schema": ERROR_SCHEMA}},
}


def answer_errors(app: FastAPI) -> None:
    """Every error as ``{"error": {"code", "message"}}``, those that nobody foresaw too."""

    def answer(status: int, code: str, sentence: str, headers: Any = None) -> JSONResponse:
        # Half a surrogate pair in what a client sent must not become a fault of the answer about it.
        safe = sentence.encode("utf-8", "replace").decode()
        return JSONResponse({"error": {"code": code, "message": safe}}, status, headers)

    @app.exception_handler(HttpError)
    async def known(_: Request, error: HttpError) -> JSONResponse:
        return answer(error.status, error.code, error.sentence, error.headers)

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
        return answer(422, "bad_request", f"{where}: {message(fault)}.")

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


class UnderPrefix:
    """Tells the application below which prefix a proxy serves it, whether the proxy takes the prefix away or not."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; Starlette takes the prefix from the path where it is there."""
        if self._prefix and scope["type"] in ("http", "websocket"):
            scope = {**scope, "root_path": self._prefix}
        await self._app(scope, receive, send)
