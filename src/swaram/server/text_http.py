"""Text before it is spoken: which languages there are, and what the front end makes of a text, step by step."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from swaram.errors import SwaramError
from swaram.languages import LANGUAGES, Language, get_language
from swaram.server.auth import authenticate
from swaram.server.errors import HttpError
from swaram.server.protocol import MAX_LEXICON
from swaram.server.service import Service
from swaram.server.speech_http import to_http
from swaram.text.frontend import TextFrontend
from swaram.text.lexicon import Lexicon
from swaram.text.notices import Notices
from swaram.text.traced import TracedText

PATH = "/v1/text"
_MOST_WAITING = 16


class TextBody(BaseModel):
    """A text, its language, and words to be spelled otherwise, as in a request for speech."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(description="At most as long as the server's limit for a message.")]
    language: Annotated[str, Field(max_length=20, description="A code, a tag or a name, such as ml.")]
    lexicon: Annotated[
        dict[str, str] | None,
        Field(max_length=MAX_LEXICON, description="Words and how to spell them; the server's own come after."),
    ] = None


def add_text(app: FastAPI, service: Service, recognizers: list[str], errors: dict[int | str, dict[str, Any]]) -> None:
    """Add the two addresses to an application; ``recognizers`` are the languages that the server writes down."""
    turn = asyncio.Semaphore()  # one at a time: those who listen come first
    waiting = 0

    @app.get("/v1/languages")
    async def languages() -> dict[str, Any]:
        """The languages that swaram reads, their scripts, the voices here that speak them, and which it writes down."""
        return {
            "languages": [
                describe(language, service) | {"recognizer": language.code in recognizers}
                for language in LANGUAGES.values()
            ]
        }

    @app.post(PATH, responses=errors)
    async def text(request: Request, body: TextBody) -> dict[str, Any]:
        """What would be spoken: every step, which rule read what, the sentences, and what was dropped or assumed."""
        nonlocal waiting
        holder = authenticate(request, service)
        limit = service.settings.max_message_characters
        if len(body.text) > limit:
            raise HttpError(400, "text_too_long", f"The text has more than {limit} characters; send it in parts.")
        try:
            language = get_language(body.language)
            lexicons = [*([Lexicon(body.lexicon)] if body.lexicon else []), *service.lexicons]
            service.admission.take(holder, len(body.text))
        except SwaramError as error:
            raise to_http(error) from error
        whole = body.text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent back
        if waiting >= _MOST_WAITING:
            raise HttpError(429, "overloaded", "Many texts wait to be explained; try again soon.", {"Retry-After": "1"})
        waiting += 1
        try:
            async with turn:
                return await asyncio.to_thread(explain, whole, language, lexicons)
        finally:
            waiting -= 1


def describe(language: Language, service: Service) -> dict[str, Any]:
    """One language as the list tells it; ``ranges`` are the Unicode ranges of its scripts, both ends included."""
    return {
        "code": language.code,
        "name": language.name,
        "native_name": language.native_name,
        "direction": language.direction,
        "scripts": [{"name": script.name, "ranges": script.ranges} for script in language.scripts],
        "voices": [name for name, engine in service.engines.items() if language.code in engine.voice.languages],
    }


def explain(text: str, language: Language, lexicons: Sequence[Lexicon] = ()) -> dict[str, Any]:
    """A text's way through the front end as plain data; positions count the characters of ``text``.

    Of ``lexicons`` the earlier come before the later.
    """
    frontend = TextFrontend(language)
    traced, steps = TracedText(text), []
    for name, step in frontend.steps(Notices(), lexicons):
        traced = step(traced)
        steps.append({"step": name, "text": traced.text})
    analysis = frontend.analyse(text, lexicons)
    return {
        "language": language.code,
        "steps": steps,
        "rules": [entry._asdict() for entry in frontend.explain(text, lexicons)],
        "sentences": [
            {
                "text": sentence.text,
                "start": sentence.origins[0],
                "end": sentence.origins[-1] + 1,
                "pause_after": sentence.pause_after,
            }
            for sentence in analysis.sentences
        ],
        "notices": [notice._asdict() for notice in analysis.notices],
    }
