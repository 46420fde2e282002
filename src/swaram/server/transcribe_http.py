"""Speech to text over HTTP, in the form that OpenAI's clients know: ``POST /v1/audio/transcriptions``."""

import asyncio
import json
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO

from fastapi import FastAPI, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from swaram.audio.decode import Decoder
from swaram.audio.files import AudioError
from swaram.errors import SwaramError
from swaram.languages import LANGUAGES
from swaram.recognition import Transcript
from swaram.recognition.captions import as_data, subrip, web_vtt
from swaram.server.auth import authenticate
from swaram.server.convert import read_form
from swaram.server.errors import HttpError, error_body, to_http
from swaram.server.keys import Holder
from swaram.server.listening import RECORDING, Listeners
from swaram.server.logs import describe_fault
from swaram.server.names import OWN_MODEL, check_model
from swaram.server.service import Service

logger = logging.getLogger("swaram.server")


PATH = "/v1/audio/transcriptions"
FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
# A key's characters a minute also limit what it may have written down: about so many are spoken in a second.
CHARACTERS_A_SECOND = 14
_MEASURED_RATE = 16_000
_NOT_GIVEN = {
    "include": "probabilities",
    "known_speaker_names": "who spoke",
    "known_speaker_references": "who spoke",
    "keywords": "words to listen for",
}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "model": {"type": "string", "description": "swaram, or a name of OpenAI's models."},
                        "language": {"type": "string", "description": "Code, such as ml; where there are several."},
                        "response_format": {"type": "string", "enum": list(FORMATS), "default": "json"},
                        "timestamp_granularities[]": {
                            "type": "array",
                            "items": {"type": "string", "enum": ["segment", "word"]},
                            "description": "With verbose_json.",
                        },
                        "stream": {"type": "boolean", "description": "With json: events while it is written down."},
                    },
                },
            }
        },
    }
}


def add_transcriptions(app: FastAPI, service: Service, errors: dict[int | str, dict[str, Any]]) -> Listeners:
    """Add the address to an application; whoever closes the service closes what this returns."""
    listeners = Listeners(service)
    answers = {200: {"description": "The text.", "content": {"application/json": {}, "text/plain": {}}}, **errors}

    @app.post(PATH, openapi_extra=_FORM, response_class=Response, responses=answers)
    async def transcriptions(request: Request) -> Response:
        """Write down what is said in a recording."""
        holder = authenticate(request, service)
        async with AsyncExitStack() as stack:
            record = stack.enter_context(_Recorder(service))
            job = await _job(request, service, listeners, holder, stack)
            if job.wishes.stream:
                return _Held(_events(listeners, job, record), stack.pop_all())
            try:
                heard, recording = await listeners.transcribe(job.wishes.code, job.source)
            except SwaramError as error:
                raise _unusable(error) from error
            record.done(recording.seconds)
            return _written(heard, job.wishes, recording)

    return listeners


class _Recorder:
    """Counts a transcription, and writes it to the log once it is done."""

    def __init__(self, service: Service) -> None:
        self._service, self._began = service, time.monotonic()
        self._seconds: float | None = None

    def done(self, seconds: float) -> None:
        """So many seconds were written down."""
        self._seconds = seconds

    def __enter__(self) -> "_Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._service.metrics.transcribed.labels("failed" if self._seconds is None else "done").inc()
        if self._seconds is not None:
            facts = {"seconds_of_audio": round(self._seconds, 2), "seconds": round(time.monotonic() - self._began, 3)}
            logger.info("transcription", extra={"facts": facts})


class _Held(StreamingResponse):
    """Events, and what must be kept until the last one is sent or the client has left."""

    def __init__(self, events: AsyncIterator[bytes], stack: AsyncExitStack) -> None:
        super().__init__(events, media_type="text/event-stream")
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, then let go."""
        async with self._stack:
            await super().__call__(scope, receive, send)


@dataclass(frozen=True)
class _Wishes:
    """Format of the answer, code of the recogniser, which times are wanted, and whether as events."""

    form: str
    code: str
    times: frozenset[str]
    stream: bool


@dataclass(frozen=True)
class _Job:
    wishes: _Wishes
    source: BinaryIO


async def _job(request: Request, service: Service, listeners: Listeners, holder: Holder, stack: AsyncExitStack) -> _Job:
    """What is to be written down; ``stack`` keeps the upload and the key's place. Raises HttpError."""
    settings = service.settings
    if service.admission.draining:
        raise HttpError(503, "restarting", "The server is about to restart.", {"Retry-After": "5"})
    most = holder.grant.streams
    if most is not None and holder.streams >= most:
        sentence = f"This key may have {most} requests at once; wait for one to end."
        raise HttpError(429, "too_many_streams", sentence, {"Retry-After": "1"})
    holder.streams += 1
    stack.callback(_leave, holder)
    try:
        async with asyncio.timeout(settings.upload_timeout):
            form = await read_form(
                request, settings.max_transcription_bytes, settings.idle_timeout, "recording", fields=32
            )
    except TimeoutError:
        raise HttpError(408, "too_slow", "The upload came too slowly; send it again.") from None
    stack.push_async_callback(form.close)
    try:
        wishes = _wishes(form, service, listeners)
        source, seconds = await _recording(form.get("file"), settings.max_transcription_seconds)
        service.admission.take(holder, round(CHARACTERS_A_SECOND * seconds))
    except SwaramError as error:
        raise to_http(error) from error
    stack.callback(listeners.take_place())
    return _Job(wishes, source)


def _leave(holder: Holder) -> None:
    holder.streams -= 1


def _unusable(error: SwaramError) -> HttpError:
    logger.error("transcription: %s", describe_fault(error))
    sentence = "The recogniser of this server cannot be used; its operator can see why."
    return HttpError(500, "internal", sentence)


async def _events(listeners: Listeners, job: _Job, record: _Recorder) -> AsyncIterator[bytes]:
    """Server-sent events: the words of each stretch, then the whole text."""
    parts: list[str] = []
    seconds, warning = 0.0, None
    try:
        async for words, recording in listeners.listen(job.wishes.code, job.source):
            seconds, warning = recording.seconds, recording.damage()
            if words:
                delta = " ".join(word.text for word in words)
                yield _event({"type": "transcript.text.delta", "delta": f" {delta}" if parts else delta})
                parts.append(delta)
    except SwaramError as error:
        fault = _unusable(error)
        yield _event({"type": "error", **error_body(fault.status, fault.code, fault.sentence)})
        return
    record.done(seconds)
    done: dict[str, Any] = {"type": "transcript.text.done", "text": " ".join(parts)}
    yield _event(done | ({"warning": warning} if warning else {}))


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _wishes(form: FormData, service: Service, listeners: Listeners) -> _Wishes:
    """What the form asks for. Raises HttpError, and RequestError for an unknown model."""
    model = form.get("model") or OWN_MODEL
    check_model(service, str(model))
    wanted = form.get("response_format") or "json"
    if wanted not in FORMATS:
        raise _refused("response_format", f"must be one of {', '.join(FORMATS)}")
    stream = str(form.get("stream") or "false").lower()
    if stream not in ("true", "1", "false", "0"):
        raise _refused("stream", "must be true or false")
    streams = stream in ("true", "1")
    if streams and wanted != "json":
        raise _refused("stream", "goes with the response_format json alone")
    for key, what in _NOT_GIVEN.items():
        if key in form or f"{key}[]" in form:
            raise _refused(key, f"asks for {what}, which there is not here; leave it out")
    language = form.get("language")
    if language is not None and not isinstance(language, str):
        raise _refused("language", "must be a code such as ml")
    times = {
        str(value) for key in ("timestamp_granularities[]", "timestamp_granularities") for value in form.getlist(key)
    }
    if times - {"segment", "word"}:
        raise _refused("timestamp_granularities", "must be segment or word")
    if times and wanted != "verbose_json":
        raise _refused("timestamp_granularities", "go with the response_format verbose_json alone")
    return _Wishes(str(wanted), listeners.choose(language), frozenset(times), streams)


def _refused(key: str, what: str) -> HttpError:
    return HttpError(422, "bad_parameter", f"The {key} {what}.", param=key)


async def _recording(file: Any, limit: float) -> tuple[BinaryIO, float]:
    """The uploaded file and its length in seconds: measured before it is heard, and never held decoded."""
    if not isinstance(file, UploadFile):
        raise HttpError(400, "no_file", "Send the recording as the multipart form field 'file'.")
    try:
        # No more than the limit is ever decoded: a small file may hold many hours.
        seconds = await asyncio.to_thread(Decoder(file.file, _MEASURED_RATE, RECORDING).measure, limit)
    except AudioError as error:
        raise HttpError(415, "bad_audio", f"{str(error).rstrip('.')}.") from error
    if seconds > limit:
        raise HttpError(413, "too_long", f"The recording is longer than {limit:g} seconds; send it in parts.")
    return file.file, seconds


def _written(heard: Transcript, wishes: _Wishes, recording: Decoder) -> Response:
    answer = _body(heard, wishes, recording)
    if damage := recording.damage():
        answer.headers["X-Warning"] = damage
    return answer


def _body(heard: Transcript, wishes: _Wishes, recording: Decoder) -> Response:
    if wishes.form == "text":
        return PlainTextResponse(heard.text + "\n")
    if wishes.form == "srt":
        return PlainTextResponse(subrip(heard), media_type="application/x-subrip")
    if wishes.form == "vtt":
        return PlainTextResponse(web_vtt(heard), media_type="text/vtt")
    usage = {"usage": {"type": "duration", "seconds": math.ceil(recording.seconds)}}
    if wishes.form == "json":
        return JSONResponse({"text": heard.text} | usage)
    language = LANGUAGES[wishes.code].name.lower()
    data = {"task": "transcribe", "language": language, **as_data(heard, recording.seconds), **usage}
    if "word" not in wishes.times:
        del data["words"]
    if wishes.times and "segment" not in wishes.times:
        del data["segments"]
    return JSONResponse(data)
