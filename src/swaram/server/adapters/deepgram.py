"""Deepgram's socket for speech, ``/deepgram/v1/speak``: Speak, Flush, Clear and Close in, samples and Flushed out."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.websockets import WebSocket

from swaram import __version__
from swaram.errors import SwaramError
from swaram.server.adapters.session import TextSession
from swaram.server.keys import Holder
from swaram.server.names import find_speaker
from swaram.server.protocol import Close, ProtocolError, RequestError, Start
from swaram.server.service import Service
from swaram.server.speaking import Message

PATH = "/deepgram/v1/speak"
_FORMATS = {"linear16": "pcm", "mulaw": "mulaw", "alaw": "alaw"}
_RATE = 24_000  # Hz, of linear16 where none is asked for


class DeepgramSession(TextSession):
    """One client. Every Flush is answered by Flushed once all text before it is spoken, every Clear by Cleared."""

    def __init__(self, websocket: WebSocket, service: Service, holder: Holder) -> None:
        super().__init__(websocket, service, holder)
        self._sequence = 0

    async def open(self) -> None:
        """Say who speaks."""
        await super().open()
        start = self.start()
        named = {"model_name": f"{start.voice}/{start.speaker}" if start.speaker else start.voice}
        told = {"type": "Metadata", "request_id": self.request_id, "model_version": __version__, "model_uuid": ""}
        await self.socket.send_json(told | named)

    def start(self) -> Start:
        """From the address: ``model`` (a voice, or a name of Deepgram's), ``encoding``, ``sample_rate``, ``speed``."""
        query = self.query
        encoding = query.get("encoding", "linear16")
        if encoding not in _FORMATS:
            raise RequestError("bad_request", f"The encoding must be one of {', '.join(_FORMATS)}.")
        voice, speaker = find_speaker(self.service, query.get("model"), query.get("model"), query.get("language"))
        rate = number(query.get("sample_rate"), "sample_rate", int)
        return Start(
            type="start", voice=voice, speaker=speaker, language=query.get("language"), format=_FORMATS[encoding],
            sample_rate=rate or (_RATE if encoding == "linear16" else None), marks="none", pace=False,
            speed=number(query.get("speed"), "speed", float) or 1.0,
        )  # fmt: skip

    async def handle(self, message: dict[str, Any]) -> None:
        """Speak, Flush, Clear or Close."""
        match message.get("type"):
            case "Speak":
                text = message.get("text")
                if not isinstance(text, str):
                    raise RequestError("bad_message", "A Speak message has a text.")
                self.write(text)
            case "Flush":
                self.finish(self._flushed)
            case "Clear":
                self.drop()
                await self._number({"type": "Cleared"})
            case "Close":
                self.finish(self._close, always=True)
            case _:
                raise ProtocolError("bad_message", "The message's type must be Speak, Flush, Clear or Close.")

    async def sound(self, started: dict[str, Any], messages: AsyncIterator[Message]) -> None:
        """Binary messages of samples."""
        async for message in messages:
            if isinstance(message, bytes):
                await self.socket.send_bytes(message)
            elif message["type"] == "warning":
                await self.socket.send_json({"type": "Warning", "code": "TEXT", "description": message["message"]})

    async def refuse(self, error: SwaramError, last: bool = False) -> None:
        """A Warning where the connection goes on, else an Error."""
        code = getattr(error, "code", "bad_request")
        self.service.metrics.errors.labels(code).inc()
        kind = "Error" if last else "Warning"
        await self.socket.send_json({"type": kind, "code": code.upper(), "description": str(error)})

    async def _flushed(self) -> None:
        await self._number({"type": "Flushed"})

    async def _number(self, message: dict[str, Any]) -> None:
        await self.socket.send_json(message | {"sequence_id": self._sequence})
        self._sequence += 1

    async def _close(self) -> None:
        await self.socket.close(Close.NORMAL)


def number(text: str | None, name: str, kind: type) -> Any:
    """A number in an address, or None where it is not there. Raises RequestError."""
    try:
        return None if text is None else kind(text)
    except ValueError:
        raise RequestError("bad_request", f"The {name} must be a number.") from None
