"""The messages of the protocol, version 1 (docs/protocol.md): what clients may say, and how errors are told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from swaram.errors import SwaramError
from swaram.validation import first_fault, message

PROTOCOL_VERSION = 1
MAX_LEXICON = 1000  # entries of one request


class Close(IntEnum):
    """Close codes of the WebSockets."""

    NORMAL = 1000
    POLICY = 1008
    INTERNAL = 1011
    RESTART = 1012
    OVERLOADED = 1013
    BAD_MESSAGE = 4400
    UNAUTHORISED = 4401
    FORBIDDEN = 4403
    IDLE = 4408
    TOO_LARGE = 4413
    RATE = 4429


class ProtocolError(SwaramError):
    """A message that the protocol does not know; the socket is closed with ``close``."""

    def __init__(self, code: str, sentence: str, close: Close = Close.BAD_MESSAGE) -> None:
        super().__init__(sentence)
        self.code, self.close = code, close


class RequestError(SwaramError):
    """A request that cannot be served; the socket stays open for others."""

    def __init__(self, code: str, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.code, self.retry_after = code, retry_after


@contextmanager
def about(key: str) -> Iterator[None]:
    """Note on an error that comes out of the block which key of a request it is about (``error.key``)."""
    try:
        yield
    except SwaramError as error:
        vars(error).setdefault("key", key)
        raise


RequestId = Annotated[str, Field(min_length=1, max_length=64)]
# What this server understands beyond the first form of version 1, said in ``hello``.
FEATURES = ("contexts", "continues", "character_marks", "sample_rate", "given_out")


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Start(_Message):
    """Begin a request. With ``text`` it is complete; without, ``text`` and ``end`` messages follow.

    Requests of one ``context`` are served one after the other, those of several side by side. One that ``continues``
    takes what it leaves out from the last one of its context, and its speech goes on from there.
    """

    type: Literal["start"]
    request_id: RequestId | None = None
    context: RequestId | None = None
    continues: bool = False
    voice: Annotated[str, Field(max_length=200)] | None = None
    speaker: Annotated[str, Field(max_length=200)] | int | None = None
    language: Annotated[str, Field(max_length=20)] | None = None
    style: Annotated[str, Field(max_length=200)] | None = None
    speed: float = 1.0
    pitch: float = 0.0
    seed: int = 0
    pause_scale: float = 1.0
    format: Literal["flac", "pcm", "wav", "opus", "mp3", "aac", "mulaw", "alaw"] = "flac"
    bits: Literal[16, 24] = 16
    sample_rate: int | None = None
    marks: Literal["none", "word", "symbol", "character"] = "word"
    pace: bool = True
    ssml: bool | None = None
    lexicon: Annotated[dict[str, str], Field(max_length=MAX_LEXICON)] | None = None
    text: str | None = None


class Text(_Message):
    """The next piece of a request's text."""

    type: Literal["text"]
    request_id: RequestId | None = None
    context: RequestId | None = None
    text: str


class Flush(_Message):
    """Speak what has come so far without waiting for the end of the sentence."""

    type: Literal["flush"]
    request_id: RequestId | None = None
    context: RequestId | None = None


class End(_Message):
    """No more text follows."""

    type: Literal["end"]
    request_id: RequestId | None = None
    context: RequestId | None = None


class Cancel(_Message):
    """Stop a request, those of a context, or all where none is named."""

    type: Literal["cancel"]
    request_id: RequestId | None = None
    context: RequestId | None = None


class Ping(_Message):
    """Answered by ``pong``."""

    type: Literal["ping"]


class Begin(_Message):
    """Optional first message of a conversion: float and 32-bit samples are accepted where ``lossy``."""

    type: Literal["start"]
    lossy: bool = False


class Finish(_Message):
    """Ends a conversion: no more bytes follow."""

    type: Literal["end"]


SpeakMessage = Annotated[Start | Text | Flush | End | Cancel | Ping, Field(discriminator="type")]
ConvertMessage = Annotated[Begin | Finish, Field(discriminator="type")]
SPEAK: TypeAdapter[Any] = TypeAdapter(SpeakMessage)
CONVERT: TypeAdapter[Any] = TypeAdapter(ConvertMessage)


def parse(adapter: TypeAdapter[Any], text: str) -> Any:
    """One client message. Raises ProtocolError, naming the key but never repeating the client's values."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("bad_json", "The message is not JSON; send one JSON object in each message.") from None
    if not isinstance(data, dict):
        raise ProtocolError("bad_json", "The message is not a JSON object; send an object with a type.")
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        raise ProtocolError("bad_message", _sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    fault = first_fault(error)
    kinds = ("start", "text", "flush", "end", "cancel", "ping")
    where = [str(part) for part in fault["loc"]]
    key = next((part for part in where if part not in kinds or len(where) == 1), "type")
    if fault["type"] == "union_tag_not_found":
        return "The message has no type; give it one, such as start."
    if fault["type"] == "union_tag_invalid":
        return "The message's type is not known; see the protocol for the ones that are."
    if fault["type"] == "extra_forbidden":
        return f"The message has a key that its type does not know: {where[-1][:40]!r}."
    if fault["type"] == "missing":
        return f"The message lacks the key {where[-1]!r}."
    return f"The message's key {where[1] if len(where) > 1 else key!r} is wrong: {message(fault)}."
