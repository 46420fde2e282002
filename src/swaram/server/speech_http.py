"""Speech over plain HTTP, in the form that OpenAI's clients know: ``POST /v1/audio/speech``, ``GET /v1/models``."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response, StreamingResponse

from swaram.audio.encoders import HEADLESS, HIGHEST_RATE, LOWEST_RATE, MEDIA_TYPES
from swaram.errors import SwaramError
from swaram.server.auth import authenticate
from swaram.server.errors import HttpError, to_http
from swaram.server.names import check_model, find_speaker, known_models, voice_header
from swaram.server.protocol import MAX_LEXICON, RequestError, Start, about
from swaram.server.service import Service
from swaram.server.speaking import Message, Speaking
from swaram.validation import first_problem

PCM_RATE = 24_000  # Hz: what players of this form take headerless samples for
_NAMES = {"speaker": "voice", "format": "response_format"}  # what this form calls the keys of ``start``


class SpeechBody(BaseModel):
    """What OpenAI's clients send; keys that mean nothing here are ignored."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    input: Annotated[str, Field(description="The text, at most as long as the server's limit.")]
    model: Annotated[str, Field(max_length=200, description="swaram, or the name of a voice.")] = "swaram"
    voice: Annotated[
        str | dict[str, Any] | None, Field(description="A voice, a speaker of the model's voice, or voice/speaker.")
    ] = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm", "mulaw", "alaw"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    pitch: Annotated[float, Field(ge=-12, le=12, description="In semitones.")] = 0.0
    stream_format: Literal["audio", "sse"] | None = None
    language: Annotated[str, Field(max_length=20)] | None = None
    style: Annotated[str, Field(max_length=200)] | None = None
    instructions: Annotated[str | None, Field(description="The name of a style; other instructions are refused.")] = (
        None
    )
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    ssml: Annotated[bool | None, Field(description="Whether the text is SSML; by itself, if its root is <speak>.")] = (
        None
    )
    lexicon: Annotated[
        dict[str, str] | None, Field(max_length=MAX_LEXICON, description="Words and how to spell them.")
    ] = None
    sample_rate: Annotated[
        int | None,
        Field(
            ge=LOWEST_RATE,
            le=HIGHEST_RATE,
            description="In Hz; by default 24000 of pcm, 8000 of mulaw and alaw, the voice's own of others.",
        ),
    ] = None


def add_speech(app: FastAPI, service: Service, errors: dict[int | str, dict[str, Any]]) -> None:
    """Add the addresses to an application."""

    def model_object(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "owned_by": "swaram", "created": 0}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The voices as models."""
        return {"object": "list", "data": [model_object(name) for name in known_models(service)]}

    @app.get("/v1/models/{model}", responses=errors)
    async def model(model: str) -> dict[str, Any]:
        """One of the models, or a model of OpenAI's that is answered as one."""
        try:
            check_model(service, model)
        except SwaramError as error:
            raise to_http(error) from error
        return model_object(model)

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
        speaking = begin_speech(request, body, service, marks="none")
        return await _answer(body, speaking)


def begin_speech(request: Request, body: SpeechBody, service: Service, marks: Literal["none", "word"]) -> Speaking:
    """A request of this form, being spoken. Raises HttpError."""
    holder = authenticate(request, service)
    limit = service.settings.max_request_characters
    if len(body.input) > limit:
        sentence = f"The text has more than {limit} characters; send it in parts."
        raise HttpError(400, "text_too_long", sentence, param="input")
    rate = PCM_RATE if body.response_format == "pcm" else None
    try:
        check_model(service, body.model)
        asked = body.voice.get("id") if isinstance(body.voice, dict) else body.voice
        voice, speaker = find_speaker(service, asked, body.model, body.language)
        start = Start(
            type="start", voice=voice, speaker=speaker, language=body.language, style=_style(body, service, voice),
            speed=body.speed, pitch=body.pitch, seed=body.seed, format=body.response_format,
            sample_rate=body.sample_rate or rate, marks=marks, pace=False, text=body.input,
            ssml=body.ssml, lexicon=body.lexicon,
        )  # fmt: skip
        return Speaking(service, holder, start, request.scope.get("swaram.request_id", "http"))
    except ValidationError as error:
        raise HttpError(422, "bad_request", f"{first_problem(error)}.") from None
    except SwaramError as error:
        raise to_http(error, _NAMES) from error


def _style(body: SpeechBody, service: Service, voice: str) -> str | None:
    """The style asked for, also where ``instructions`` name one. Raises RequestError for any other instructions."""
    wanted = (body.instructions or "").strip()
    if not wanted:
        return body.style
    styles = service.engines[voice].voice.manifest.styles
    if wanted.casefold() in (style.casefold() for style in styles):
        return wanted
    offered = f"name one of its styles ({', '.join(styles)})" if styles else "leave the instructions out"
    with about("instructions"):
        raise RequestError("unsupported_parameter", f"The voice {voice} takes no free instructions; {offered}.")


def media_type(body: SpeechBody, speaking: Speaking) -> str:
    """``Content-Type`` of the sound; of samples without a header with all that is needed to play them."""
    kind = MEDIA_TYPES[body.response_format]
    if body.response_format not in HEADLESS:
        return kind
    bits = ";bits=16" if body.response_format == "pcm" else ""
    return f"{kind};rate={speaking.started['sample_rate']};channels=1{bits}"


async def _answer(body: SpeechBody, speaking: Speaking) -> Response:
    messages = speaking.messages()
    first = [message async for message in first_message(messages)]
    headers = voice_header(speaking.controls)
    if body.stream_format == "sse":
        events = _events(first, messages, len(body.input))
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)
    kind = media_type(body, speaking)
    if body.stream_format is None and body.response_format in ("flac", "wav"):
        # Readers of files want the length at the beginning, which is known only at the end.
        every = [*first, *[message async for message in messages]]
        return Response(whole_file(every), media_type=kind, headers=headers)
    return StreamingResponse(_sound(first, messages), media_type=kind, headers=headers)


async def first_message(messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
    """Everything up to the first bytes, on which the status of an answer depends. Raises HttpError."""
    try:
        async for message in messages:
            yield message
            if isinstance(message, bytes):
                return
    except SwaramError as error:
        raise to_http(error, _NAMES) from error


def whole_file(messages: list[Message]) -> bytes:
    """All that was sent as a file, whose header states its length."""
    sound = b"".join(message for message in messages if isinstance(message, bytes))
    header = base64.b64decode(next(m["header"] for m in messages if isinstance(m, dict) and m["type"] == "done"))
    return header + sound[len(header) :]


# A fault in the middle ends the connection, so that nobody takes a part for the whole.
async def _sound(first: list[Message], rest: AsyncIterator[Message]) -> AsyncIterator[bytes]:
    for message in first:
        if isinstance(message, bytes):
            yield message
    async for message in rest:
        if isinstance(message, bytes):
            yield message


async def _events(first: list[Message], rest: AsyncIterator[Message], characters: int) -> AsyncIterator[bytes]:
    samples = 0

    async def everything() -> AsyncIterator[Message]:
        for message in first:
            yield message
        async for message in rest:
            yield message

    async for message in everything():
        if isinstance(message, bytes):
            yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(message).decode()})
        elif message["type"] == "done":
            samples = message["samples"]
    usage = {"input_tokens": characters, "output_tokens": samples, "total_tokens": characters + samples}
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
