"""A Model Context Protocol server: an assistant on this machine speaks into files and writes recordings down.

``swaram mcp`` runs it on standard input and output. Needs the package ``mcp``, of the extra ``[mcp]``.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from swaram import __version__
from swaram.api import Voice, load_recognizer, load_voice
from swaram.errors import SwaramError
from swaram.voice.library import list_voices

load_voice_once = lru_cache(maxsize=8)(load_voice)
load_recognizer_once = lru_cache(maxsize=8)(load_recognizer)


def make_server(folder: Path, voice: str | None = None) -> MCPServer[Any]:
    """A server that writes and reads files in ``folder`` alone; ``voice``: who speaks where none is asked for."""
    home = folder.resolve()
    server: MCPServer[Any] = MCPServer(
        "swaram", instructions="Speech for the languages of India: texts into sound files, recordings into text.",
        version=__version__,
    )  # fmt: skip

    def place(file: str) -> Path:
        path = (home / file).resolve()
        if not path.is_relative_to(home):
            raise ToolError(f"{file}: files lie in {home}; name one in there.")
        return path

    @server.tool(name="list_voices")
    def tell_voices() -> list[dict[str, Any]]:
        """The voices: their languages, speakers, styles and licence."""
        return [_described(one.name) for one in list_voices() if one.manifest is not None]

    @server.tool()
    def speak(
        text: Annotated[str, Field(description="In a language of the voice.", max_length=20_000)],
        file: Annotated[str, Field(description="To write: .flac, .wav, .mp3 or .opus.")] = "speech.flac",
        voice_name: Annotated[str | None, Field(description="One of list_voices.")] = voice,
        speaker: str | None = None,
        language: str | None = None,
        style: str | None = None,
        speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0,
    ) -> dict[str, Any]:
        """Speak a text into a sound file."""
        try:
            chosen = load_voice_once(voice_name)
            speech = chosen.speak(text, speaker=speaker, language=language, style=style, speed=speed)
            path = speech.save(place(file))
        except SwaramError as error:
            raise ToolError(str(error)) from None
        notices = [notice.message for notice in speech.notices]
        return {"file": str(path), "seconds": round(speech.duration, 2), "voice": chosen.name, "notices": notices}

    @server.tool()
    def transcribe(
        file: Annotated[str, Field(description="A recording of any format.")],
        language: Annotated[str | None, Field(description="Code, such as ml; where there are several.")] = None,
    ) -> dict[str, Any]:
        """Write down what is said in a recording, with the times of its words in seconds."""
        try:
            heard = load_recognizer_once(language).transcribe(place(file))
        except SwaramError as error:
            raise ToolError(str(error)) from None
        words = [{"word": word.text, "start": word.start, "end": word.end} for word in heard.words]
        return {"text": heard.text, "words": words}

    return server


def _described(name: str) -> dict[str, Any]:
    voice: Voice = load_voice_once(name)
    facts = ("languages", "speakers", "styles", "licence", "sample_rate")
    return {"name": name, **{fact: getattr(voice, fact) for fact in facts}}
