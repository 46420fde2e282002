"""Speech to text over HTTP, in the form that OpenAI's clients know: ``POST /v1/audio/transcriptions``."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, ParamSpec, TypeVar

from fastapi import FastAPI, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, PlainTextResponse, Response

from swaram.audio.decode import Decoder
from swaram.audio.files import AudioError
from swaram.errors import SwaramError
from swaram.languages import LANGUAGES
from swaram.recognition import Recognizer, Transcript
from swaram.recognition.captions import as_data, subrip, web_vtt
from swaram.recognition.package import known_code, list_recognizers
from swaram.server.auth import authenticate
from swaram.server.convert import read_form
from swaram.server.errors import HttpError
from swaram.server.keys import Holder
from swaram.server.logs import describe_fault
from swaram.server.service import Service
from swaram.server.speech_http import to_http

logger = logging.getLogger("swaram.server")

P = ParamSpec("P")
T = TypeVar("T")

PATH = "/v1/audio/transcriptions"
FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
# A key's characters a minute also limit what it may have written down: about so many are spoken in a second.
CHARACTERS_A_SECOND = 14
_NAME = "the recording"
_MEASURED_RATE = 16_000
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
                        "model": {"type": "string", "description": "Any name; there is one recogniser a language."},
                        "language": {"type": "string", "description": "Code, such as ml; where there are several."},
                        "response_format": {"type": "string", "enum": list(FORMATS), "default": "json"},
                        "timestamp_granularities[]": {
                            "type": "array",
                            "items": {"type": "string", "enum": ["segment", "word"]},
                        },
                    },
                },
            }
        },
    }
}


class Listeners:
    """The recognisers of a server, opened when first needed, and the threads that compute with them.

    The threads have a lower priority than those that speak. Raises RecognizerError for a folder that cannot be used.
    """

    def __init__(self, service: Service) -> None:
        settings = service.settings
        self._folders = list_recognizers(settings.recognizers)
        self._open: dict[str, Recognizer] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(
            max(1, settings.workers // 2), thread_name_prefix="swaram-listen", initializer=_lower_priority
        )
        self._limit = settings.max_queued_transcriptions
        self.waiting = 0

    def choose(self, language: str | None) -> str:
        """The code of the recogniser to use. Raises HttpError 501, 404 or 400."""
        if not self._folders:
            raise HttpError(501, "no_recognizer", "This server has no recogniser, so it cannot write speech down.")
        there = ", ".join(self._folders)
        if not language:
            if len(self._folders) > 1:
                raise HttpError(400, "no_language", f"Say the language of the recording: one of {there}.")
            return next(iter(self._folders))
        code = known_code(language)
        if code not in self._folders:
            raise HttpError(
                404, "no_recognizer", f"There is no recogniser for that language; there is one for {there}."
            )
        return code

    async def transcribe(self, code: str, source: BinaryIO) -> tuple[Transcript, Decoder]:
        """The text, and what was decoded; off the event loop. Raises HttpError 429 when too many wait."""
        if self.waiting >= self._limit:
            sentence = "As many recordings wait to be written down as the server takes; try again soon."
            raise HttpError(429, "overloaded", sentence, {"Retry-After": "5"})
        self.waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._listen, code, source)
        finally:
            self.waiting -= 1

    async def compute(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What ``work`` returns, on the threads that write down."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments, **named))

    @property
    def languages(self) -> list[str]:
        """The codes of the languages that can be written down."""
        return list(self._folders)

    def recognizer(self, code: str) -> Recognizer:
        """The recogniser of a language that ``choose`` gave; opening it may take a second."""
        with self._lock:
            recognizer = self._open.get(code)
            if recognizer is None:
                recognizer = self._open[code] = Recognizer.load(self._folders[code])
        return recognizer

    def _listen(self, code: str, source: BinaryIO) -> tuple[Transcript, Decoder]:
        recognizer = self.recognizer(code)
        recording = Decoder(source, recognizer.features.sample_rate, _NAME)
        return recognizer.hear(recording.pieces()), recording

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lower_priority() -> None:
    """Those who are listened to come first: a thread's own niceness, where the system has such a thing."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def add_transcriptions(app: FastAPI, service: Service, errors: dict[int | str, dict[str, Any]]) -> Listeners:
    """Add the address to an application; whoever closes the service closes what this returns."""
    listeners = Listeners(service)
    answers = {200: {"description": "The text.", "content": {"application/json": {}, "text/plain": {}}}, **errors}

    @app.post(PATH, openapi_extra=_FORM, response_class=Response, responses=answers)
    async def transcriptions(request: Request) -> Response:
        """Write down what is said in a recording."""
        holder = authenticate(request, service)
        began = time.monotonic()
        outcome = "failed"
        try:
            answer, seconds = await _answer(request, service, listeners, holder)
            outcome = "done"
        finally:
            service.metrics.transcribed.labels(outcome).inc()
        facts = {"seconds_of_audio": round(seconds, 2), "seconds": round(time.monotonic() - began, 3)}
        logger.info("transcription", extra={"facts": facts})
        return answer

    return listeners


async def _answer(request: Request, service: Service, listeners: Listeners, holder: Holder) -> tuple[Response, float]:
    settings = service.settings
    if service.admission.draining:
        raise HttpError(503, "restarting", "The server is about to restart.", {"Retry-After": "5"})
    most = holder.grant.streams
    if most is not None and holder.streams >= most:
        sentence = f"This key may have {most} requests at once; wait for one to end."
        raise HttpError(429, "too_many_streams", sentence, {"Retry-After": "1"})
    holder.streams += 1
    try:
        try:
            async with asyncio.timeout(settings.upload_timeout):
                form = await read_form(
                    request, settings.max_transcription_bytes, settings.idle_timeout, "recording", fields=32
                )
        except TimeoutError:
            raise HttpError(408, "too_slow", "The upload came too slowly; send it again.") from None
        try:
            form_of_answer, code, words = _wishes(form, listeners)
            source, seconds = await _recording(form.get("file"), settings.max_transcription_seconds)
            try:
                service.admission.take(holder, round(CHARACTERS_A_SECOND * seconds))
            except SwaramError as error:
                raise to_http(error) from error
            try:
                heard, recording = await listeners.transcribe(code, source)
            except SwaramError as error:
                logger.error("transcription: %s", describe_fault(error))
                sentence = "The recogniser of this server cannot be used; its operator can see why."
                raise HttpError(500, "internal", sentence) from error
        finally:
            await form.close()
    finally:
        holder.streams -= 1
    return _written(heard, form_of_answer, code, recording, words), recording.seconds


def _wishes(form: FormData, listeners: Listeners) -> tuple[str, str, set[str]]:
    """Format of the answer, language, and which times are wanted. Raises HttpError."""
    wanted = form.get("response_format") or "json"
    if wanted not in FORMATS:
        raise HttpError(422, "bad_parameter", f"The response_format must be one of {', '.join(FORMATS)}.")
    if form.get("stream") in ("true", "True", "1"):
        raise HttpError(422, "bad_parameter", "Transcripts are not streamed; leave stream out.")
    language = form.get("language")
    if language is not None and not isinstance(language, str):
        raise HttpError(422, "bad_parameter", "The language must be a code such as ml.")
    times = {
        str(value) for key in ("timestamp_granularities[]", "timestamp_granularities") for value in form.getlist(key)
    }
    if times - {"segment", "word"}:
        raise HttpError(422, "bad_parameter", "The timestamp_granularities must be segment or word.")
    return str(wanted), listeners.choose(language), times


async def _recording(file: Any, limit: float) -> tuple[BinaryIO, float]:
    """The uploaded file and its length in seconds: measured before it is heard, and never held decoded."""
    if not isinstance(file, UploadFile):
        raise HttpError(400, "no_file", "Send the recording as the multipart form field 'file'.")
    try:
        # No more than the limit is ever decoded: a small file may hold many hours.
        seconds = await asyncio.to_thread(Decoder(file.file, _MEASURED_RATE, _NAME).measure, limit)
    except AudioError as error:
        raise HttpError(415, "bad_audio", f"{str(error).rstrip('.')}.") from error
    if seconds > limit:
        raise HttpError(413, "too_long", f"The recording is longer than {limit:g} seconds; send it in parts.")
    return file.file, seconds


def _written(heard: Transcript, form: str, code: str, recording: Decoder, times: set[str]) -> Response:
    answer = _body(heard, form, code, recording, times)
    if damage := recording.damage():
        answer.headers["X-Warning"] = damage
    return answer


def _body(heard: Transcript, form: str, code: str, recording: Decoder, times: set[str]) -> Response:
    if form == "text":
        return PlainTextResponse(heard.text + "\n")
    if form == "srt":
        return PlainTextResponse(subrip(heard), media_type="application/x-subrip")
    if form == "vtt":
        return PlainTextResponse(web_vtt(heard), media_type="text/vtt")
    if form == "json":
        return JSONResponse({"text": heard.text})
    data = {"task": "transcribe", "language": LANGUAGES[code].name.lower(), **as_data(heard, recording.seconds)}
    if "word" not in times:
        del data["words"]
    if times and "segment" not in times:
        del data["segments"]
    return JSONResponse(data)
