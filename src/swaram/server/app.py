"""The application: which path leads where, and what every error looks like."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from swaram import __version__
from swaram.errors import SwaramError
from swaram.server.convert_socket import ConvertSession
from swaram.server.faults import describe_fault
from swaram.server.messages import Close
from swaram.server.service import Service
from swaram.server.settings import ServerSettings
from swaram.server.speak import SpeakSession
from swaram.server.upload import HttpError, convert_upload

logger = logging.getLogger("swaram.server")

_PAGE = Path(__file__).parent / "page"
_WAV_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    },
    "parameters": [
        {
            "name": "lossy",
            "in": "query",
            "description": "Accept float and 32-bit samples, rounded to 24 bits.",
            "schema": {"type": "string", "enum": ["0", "1"], "default": "0"},
        }
    ],
}


def create_app(settings: ServerSettings) -> FastAPI:
    """The server as an ASGI application. Raises VoiceError when it has no voice to speak with."""
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(title="swaram", version=__version__, lifespan=lifespan, docs_url="/docs", redoc_url=None)
    app.state.service = service
    _answer_errors(app)
    _add_pages(app, service)
    _add_sockets(app, service)
    return app


def _add_pages(app: FastAPI, service: Service) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(_PAGE / "index.html", headers={"Content-Security-Policy": _POLICY})

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        """Whether the server runs."""
        return {"status": "ok", "version": __version__, "voices": len(service.engines)}

    @app.get("/v1/voices")
    async def voices() -> dict[str, Any]:
        """The voices, their languages and speakers."""
        return {"voices": service.describe_voices()}

    @app.post("/convert", openapi_extra=_WAV_FORM, response_class=Response, responses=_CONVERT_ANSWERS)
    async def convert(request: Request) -> Response:
        """A WAV as FLAC, bit for bit the same samples."""
        return await convert_upload(request, service.settings)


def _add_sockets(app: FastAPI, service: Service) -> None:
    @app.websocket("/v1/speak")
    async def speak(websocket: WebSocket) -> None:
        await _serve(websocket, service, lambda: SpeakSession(websocket, service).run())

    @app.websocket("/v1/convert")
    async def convert(websocket: WebSocket) -> None:
        await _serve(websocket, service, lambda: ConvertSession(websocket, service.settings).run())


async def _serve(websocket: WebSocket, service: Service, session: Any) -> None:
    await websocket.accept()
    if service.connections >= service.settings.max_connections:
        await websocket.close(Close.OVERLOADED, "Too many connections; try again in a few seconds.")
        return
    service.connections += 1
    try:
        await session()
    except Exception as error:
        logger.error("socket: internal error: %s", describe_fault(error))
    finally:
        service.connections -= 1


_ERROR_SCHEMA = {
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
_CONVERT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The FLAC file.",
        "content": {"audio/flac": {"schema": {"type": "string", "format": "binary"}}},
    },
    **{
        status: {"description": text, "content": {"application/json": {"schema": _ERROR_SCHEMA}}}
        for status, text in {
            400: "No file, or a form that cannot be read.",
            413: "The upload is too large.",
            415: "Not a WAV that FLAC can hold.",
            422: "The WAV is truncated, or a parameter is wrong.",
        }.items()
    },
}
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self' ws: wss:; img-src data:; media-src blob:"
)


def _answer_errors(app: FastAPI) -> None:
    def answer(status: int, code: str, sentence: str, headers: Any = None) -> JSONResponse:
        return JSONResponse({"error": {"code": code, "message": sentence}}, status, headers)

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
        where = ".".join(str(part) for part in fault["loc"][1:]) or "body"
        return answer(422, "bad_request", f"{where}: {fault['msg'].lower()}.")
