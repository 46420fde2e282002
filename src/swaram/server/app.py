"""The application: which path leads where, and what every error looks like."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import Response

from swaram import __version__
from swaram.server.adapters.deepgram import PATH as DEEPGRAM
from swaram.server.adapters.deepgram import DeepgramSession
from swaram.server.adapters.elevenlabs import PATH as ELEVENLABS
from swaram.server.adapters.elevenlabs import ElevenLabsSession
from swaram.server.adapters.kokoro import add_kokoro
from swaram.server.answers import ERROR_ANSWER, HeadAsGet, answer_errors
from swaram.server.auth import authenticate, serve_socket
from swaram.server.body_limit import BodyLimit
from swaram.server.convert import ConvertSession, convert_upload
from swaram.server.errors import HttpError
from swaram.server.pages import add_pages
from swaram.server.service import Service
from swaram.server.settings import ServerSettings
from swaram.server.speak_socket import SpeakSession
from swaram.server.speech_http import add_speech
from swaram.server.text_http import add_text
from swaram.server.tokens_http import add_tokens
from swaram.server.transcribe_http import PATH as TRANSCRIPTIONS
from swaram.server.transcribe_http import add_transcriptions
from swaram.server.transcribe_socket import add_live_transcription

_WAV_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                },
                "encoding": {"file": {"contentType": "audio/wav"}},
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
        listeners.close()
        service.close()

    app = FastAPI(title="swaram", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.service = service
    app.add_middleware(BodyLimit, limit=8 * settings.max_message_bytes, elsewhere=("/convert", TRANSCRIPTIONS))
    app.add_middleware(HeadAsGet)
    answer_errors(app)
    add_pages(app)
    _add_state(app, service)
    _add_sockets(app, service)
    spoken: dict[int | str, dict[str, Any]] = {
        status: ERROR_ANSWER for status in (400, 401, 403, 404, 422, 429, 500, 503)
    }
    add_speech(app, service, spoken)
    add_kokoro(app, service, spoken)
    add_tokens(app, service, {status: ERROR_ANSWER for status in (400, 401, 403, 422)})
    refusals = (400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 501, 503)
    listeners = add_transcriptions(app, service, {status: ERROR_ANSWER for status in refusals})
    add_live_transcription(app, service, listeners)
    add_text(app, service, listeners.languages, {status: ERROR_ANSWER for status in (400, 401, 403, 422, 429)})
    return app


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        """Whether the server runs."""
        return {"status": "ok", "version": __version__, "voices": len(service.engines)}

    @app.get("/readyz", responses={503: ERROR_ANSWER})
    async def readyz() -> dict[str, Any]:
        """Whether the server takes new listeners."""
        if service.admission.draining:
            raise HttpError(503, "restarting", "The server is about to restart.", {"Retry-After": "5"})
        return {"status": "ready", "streams": service.streams, "capacity": service.admission.capacity()}

    @app.get("/v1/voices")
    async def voices() -> dict[str, Any]:
        """The voices, their languages and speakers."""
        return {"voices": service.describe_voices()}

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Numbers for Prometheus."""
        service.metrics.connections.set(service.connections)
        service.metrics.queue.set(service.scheduler.waiting)
        return Response(service.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.post("/convert", openapi_extra=_WAV_FORM, response_class=Response, responses=_CONVERT_ANSWERS)
    async def convert(request: Request) -> Response:
        """A WAV as FLAC, bit for bit the same samples."""
        authenticate(request, service)
        try:
            answer = await convert_upload(request, service.settings)
        except HttpError:
            service.metrics.converted.labels("http", "failed").inc()
            raise
        service.metrics.converted.labels("http", "done").inc()
        return answer


def _add_sockets(app: FastAPI, service: Service) -> None:
    @app.websocket("/v1/speak")
    async def speak(websocket: WebSocket) -> None:
        await serve_socket(websocket, service, lambda holder: SpeakSession(websocket, service, holder))

    @app.websocket(DEEPGRAM)
    async def deepgram(websocket: WebSocket) -> None:
        await serve_socket(websocket, service, lambda holder: DeepgramSession(websocket, service, holder))

    @app.websocket(ELEVENLABS)
    async def elevenlabs(websocket: WebSocket, voice_id: str) -> None:
        await serve_socket(websocket, service, lambda holder: ElevenLabsSession(websocket, service, holder))

    @app.websocket("/v1/convert")
    async def convert(websocket: WebSocket) -> None:
        await serve_socket(websocket, service, lambda _: ConvertSession(websocket, service))


_CONVERT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The FLAC file.",
        "content": {"audio/flac": {"schema": {"type": "string", "format": "binary"}}},
    },
    **{
        status: ERROR_ANSWER | {"description": text}
        for status, text in {
            401: "A key is needed.",
            403: "A page of another origin asked.",
            400: "No file, or a form that cannot be read.",
            408: "The upload came too slowly.",
            413: "The upload is too large.",
            415: "Not a WAV that FLAC can hold.",
            422: "The WAV is truncated, or a parameter is wrong.",
        }.items()
    },
}
