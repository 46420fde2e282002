"""Speech over plain HTTP, in the form that OpenAI's clients know: ``POST /v1/audio/speech``, ``GET /v1/models``."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response, StreamingResponse

from swaram.audio.encoders import MEDIA_TYPES
from swaram.errors import SwaramError
from swaram.server.auth import authenticate
from swaram.server.errors import HttpError
from swaram.server.keys import Holder
from swaram.server.logs import describe_fault
from swaram.server.protocol import MAX_LEXICON, RequestError, Start
from swaram.server.service import Service
from swaram.server.speech_job import Sink, SpeechJob
from swaram.validation import first_problem

logger = logging.getLogger("swaram.server")

# A reader may leave this many pieces lying before synthesis waits for it.
_QUEUE = 64
_READER_PATIENCE = 120.0
MOST_NAME = 200  # characters
PCM_RATE = 24_000  # Hz: what players of this form take headerless samples for
_STATUS = {"overloaded": 429, "rate": 429, "too_many_streams": 429, "restarting": 503, "internal": 500}


class SpeechBody(BaseModel):
    """What OpenAI's clients send; keys that mean nothing here are ignored."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    input: Annotated[str, Field(description="The text, at most as long as the server's limit.")]
    model: Annotated[str, Field(max_length=200, description="swaram, or the name of a voice.")] = "swaram"
    voice: Annotated[
        str | dict[str, Any] | None, Field(description="A voice, a speaker of the model's voice, or voice/speaker.")
    ] = None
    response_format: Literal["mp3", "opus", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    pitch: Annotated[float, Field(ge=-12, le=12, description="In semitones.")] = 0.0
    stream_format: Literal["audio", "sse"] | None = None
    language: Annotated[str, Field(max_length=20)] | None = None
    style: Annotated[str, Field(max_length=200)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    ssml: Annotated[bool | None, Field(description="Whether the text is SSML; by itself, if its root is <speak>.")] = (
        None
    )
    lexicon: Annotated[
        dict[str, str] | None, Field(max_length=MAX_LEXICON, description="Words and how to spell them.")
    ] = None
    sample_rate: Annotated[
        int | None, Field(ge=8000, le=48_000, description="Of pcm (24000 by default) and wav (the voice's own), in Hz.")
    ] = None


def add_speech(app: FastAPI, service: Service, errors: dict[int | str, dict[str, Any]]) -> None:
    """Add the two addresses to an application."""

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The voices as models."""
        names = ["swaram", *service.engines]
        return {
            "object": "list",
            "data": [{"id": n, "object": "model", "owned_by": "swaram", "created": 0} for n in names],
        }

    answers = {
        200: {
            "description": "The sound.",
            "content": {kind: {} for kind in (*MEDIA_TYPES.values(), "text/event-stream")},
        },
        **errors,
    }

    @app.post("/v1/audio/speech", response_class=Response, responses=answers)
    async def speech(request: Request, body: SpeechBody) -> Response:
        """Speak a text; the sound is sent while the rest is made."""
        holder = authenticate(request, service)
        return await _answer(body, service, holder)


async def _answer(body: SpeechBody, service: Service, holder: Holder) -> Response:
    limit = service.settings.max_request_characters
    if len(body.input) > limit:
        raise HttpError(400, "text_too_long", f"The text has more than {limit} characters; send it in parts.")
    voice, speaker = _who(body, service)
    if body.sample_rate is not None and body.response_format not in ("pcm", "wav"):
        raise HttpError(422, "bad_parameter", "The sample_rate can be chosen for pcm and wav; leave it out.")
    rate = body.sample_rate or (PCM_RATE if body.response_format == "pcm" else None)
    try:
        start = Start(
            type="start", voice=voice, speaker=speaker, language=body.language, style=body.style, speed=body.speed,
            pitch=body.pitch, seed=body.seed, format=body.response_format, marks="none", pace=False,
            ssml=body.ssml, lexicon=body.lexicon,
        )  # fmt: skip
    except ValidationError as error:
        raise HttpError(422, "bad_request", f"{first_problem(error)}.") from None
    try:
        service.admission.admit(holder, len(body.input), service.scheduler.waiting)
        job, _ = service.begin("http", start, rate)
        job.push(body.input, end=True)
    except SwaramError as error:
        raise to_http(error) from error
    delivery = Delivery(job, service, holder)
    first = await delivery.first_piece()
    if body.stream_format == "sse":
        return StreamingResponse(_events(delivery, first, len(body.input)), media_type="text/event-stream")
    kind = MEDIA_TYPES[body.response_format]
    if body.response_format == "pcm":
        kind = f"{kind};rate={rate};channels=1;bits=16"
    if body.stream_format is None and body.response_format in ("flac", "wav"):
        # Readers of files want the length at the beginning, which is known only at the end.
        pieces = [first, *[piece async for piece in delivery.pieces()]]
        header = delivery.final_header
        return Response(header + b"".join(pieces)[len(header) :], media_type=kind)
    return StreamingResponse(_sound(delivery, first), media_type=kind)


def _who(body: SpeechBody, service: Service) -> tuple[str | None, str | None]:
    """The voice and the speaker that ``model`` and ``voice`` name together."""
    asked = body.voice.get("id") if isinstance(body.voice, dict) else body.voice
    if asked is not None and not (isinstance(asked, str) and len(asked) <= MOST_NAME and asked.isprintable()):
        raise HttpError(422, "bad_request", f"The voice must be a name of at most {MOST_NAME} characters.")
    model = body.model if body.model in service.engines else None
    if not asked or asked == "default":
        return model, None
    if asked in service.engines:
        return asked, None
    name, slash, speaker = asked.partition("/")
    return (name, speaker) if slash and name in service.engines else (model, asked)


def to_http(error: SwaramError) -> HttpError:
    """An error of a request as an answer, with Retry-After where trying again helps."""
    code = getattr(error, "code", "bad_request")
    retry = getattr(error, "retry_after", None)
    headers = None if retry is None else {"Retry-After": str(max(1, round(retry)))}
    return HttpError(_STATUS.get(code, 400), code, str(error), headers)


class Delivery:
    """A request spoken into a short queue, from which an HTTP answer is sent."""

    def __init__(self, job: SpeechJob, service: Service, holder: Holder) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        self._job, self._service, self._holder = job, service, holder
        self.final_header = b""
        self.samples = 0
        self._begun = service.admission.enter(holder)
        self._task = asyncio.create_task(self._speak())

    async def _speak(self) -> None:
        outcome = "disconnected"
        try:
            await self._job.run(Sink(self._take_json, self._take_bytes))
            outcome = "done"
        except SwaramError:
            outcome = "failed"
            raise
        finally:
            self._service.admission.leave(self._holder)
            self._service.record(self._job, outcome, asyncio.get_running_loop().time() - self._begun)
            with suppress(asyncio.QueueFull):
                self._queue.put_nowait(None)

    async def _take_json(self, message: dict[str, Any]) -> None:
        if message["type"] == "done":
            self.final_header = base64.b64decode(message["header"])
            self.samples = message["samples"]

    async def _take_bytes(self, data: bytes) -> None:
        async with asyncio.timeout(_READER_PATIENCE):
            await self._queue.put(data)

    async def first_piece(self) -> bytes:
        """The first bytes. Raises HttpError when there will be none."""
        getting = asyncio.create_task(self._queue.get())
        try:
            await asyncio.wait([getting, self._task], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        if not self._task.done() or self._task.exception() is None:
            return await getting or b""
        getting.cancel()
        fault = self._task.exception()
        if isinstance(fault, SwaramError):
            raise to_http(fault)
        logger.error("speech: internal error: %s", describe_fault(fault) if fault else "unknown")
        raise to_http(RequestError("internal", "Something went wrong in the server while speaking; try again."))

    async def pieces(self) -> AsyncIterator[bytes]:
        """The rest. A fault ends the connection, so that nobody takes a part for the whole."""
        try:
            while True:
                if self._task.done() and self._queue.empty():
                    self._task.result()
                    return
                piece = await self._queue.get()
                if piece is None:
                    self._task.result() if self._task.done() else await self._task
                    return
                yield piece
        finally:
            self._task.cancel()
            self._job.close()


async def _sound(delivery: Delivery, first: bytes) -> AsyncIterator[bytes]:
    yield first
    async for piece in delivery.pieces():
        yield piece


async def _events(delivery: Delivery, first: bytes, characters: int) -> AsyncIterator[bytes]:
    async for piece in _sound(delivery, first):
        yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})
    usage = {
        "input_tokens": characters,
        "output_tokens": delivery.samples,
        "total_tokens": characters + delivery.samples,
    }
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
