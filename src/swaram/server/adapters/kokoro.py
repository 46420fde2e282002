"""What clients of Kokoro-FastAPI and Open WebUI ask for beside OpenAI's form: lists of voices, speech with words."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from swaram.errors import SwaramError
from swaram.languages import get_language
from swaram.server.errors import to_http
from swaram.server.names import known_models, voice_header
from swaram.server.service import Service
from swaram.server.speaking import Message, Speaking
from swaram.server.speech_http import SpeechBody, begin_speech, first_message, media_type, whole_file


class CaptionedBody(SpeechBody):
    """The body of ``POST /dev/captioned_speech``."""

    stream: Annotated[bool, Field(description="One JSON object a line as the sound is made, or one for all.")] = True
    return_timestamps: bool = True
    lang_code: Annotated[str, Field(max_length=20, description="As language; Kokoro's letters are ignored.")] | None = (
        None
    )


def add_kokoro(app: FastAPI, service: Service, errors: dict[int | str, dict[str, Any]]) -> None:
    """Add the addresses to an application."""

    @app.get("/health")
    async def health() -> dict[str, str]:
        """What clients of Kokoro-FastAPI ask first."""
        return {"status": "healthy"}

    @app.get("/v1/test")
    async def test() -> dict[str, str]:
        """By this wyoming-openai knows that it may ask for the voices."""
        return {"status": "ok"}

    @app.get("/v1/audio/voices")
    async def voices() -> dict[str, Any]:
        """Every speaker by the name that ``voice`` takes."""
        return {"voices": list(_voices(service))}

    @app.get("/v1/audio/models")
    async def models() -> dict[str, Any]:
        """The models that speak."""
        return {"models": [{"id": name, "name": name} for name in known_models(service)]}

    answers = {
        200: {"description": "Sound and words.", "content": {"application/json": {}, "application/x-ndjson": {}}},
        **errors,
    }

    @app.post("/dev/captioned_speech", response_class=Response, responses=answers)
    async def captioned(request: Request, body: CaptionedBody) -> Response:
        """Speak a text; sound in base64, and when each word of the text is heard."""
        if body.lang_code and len(body.lang_code) > 1 and body.language is None:
            body = body.model_copy(update={"language": body.lang_code})
        speaking = begin_speech(request, body, service, marks="word" if body.return_timestamps else "none")
        captions = _Captions(body, speaking)
        messages = speaking.messages()
        first = [message async for message in first_message(messages)]
        headers = voice_header(speaking.controls)
        if body.stream:
            lines = _lines(captions, first, messages)
            return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)
        try:
            every = [*first, *[message async for message in messages]]
        except SwaramError as error:
            raise to_http(error) from error
        for message in every:
            captions.read(message)
        return JSONResponse(captions.write(whole_file(every)), headers=headers)


def _voices(service: Service) -> Iterator[dict[str, str]]:
    for name, engine in service.engines.items():
        languages = ", ".join(get_language(code).name for code in engine.voice.languages)
        speakers = engine.voice.manifest.speakers
        for full, gender in [(f"{name}/{s.name}", s.gender) for s in speakers] or [(name, "")]:
            yield {"id": full, "name": full, "language": languages, "gender": gender}


class _Captions:
    """Words that were announced and not yet written."""

    def __init__(self, body: CaptionedBody, speaking: Speaking) -> None:
        self._text, self._rate = body.input, speaking.started["sample_rate"]
        self._kind = media_type(body, speaking)
        self._words: list[dict[str, Any]] = []

    def read(self, message: Message) -> None:
        """Take the words of a ``mark``."""
        if isinstance(message, bytes) or message["type"] != "mark":
            return
        for start, end, first, last in message["words"]:
            times = {"start_time": round(first / self._rate, 3), "end_time": round(last / self._rate, 3)}
            self._words.append({"word": self._text[start:end], **times})

    def write(self, sound: bytes) -> dict[str, Any]:
        """One object of the answer."""
        words, self._words = self._words, []
        return {"audio": base64.b64encode(sound).decode(), "audio_format": self._kind, "timestamps": words}


async def _lines(captions: _Captions, first: list[Message], rest: AsyncIterator[Message]) -> AsyncIterator[bytes]:
    for message in first:
        captions.read(message)
    yield _line(captions.write(b"".join(m for m in first if isinstance(m, bytes))))
    async for message in rest:
        captions.read(message)
        if isinstance(message, bytes):
            yield _line(captions.write(message))


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"
