"""ElevenLabs' socket for text that is being written: base64 sound with the time of every character.

``/elevenlabs/v1/text-to-speech/{voice_id}/stream-input``.
"""

import base64
from collections.abc import AsyncIterator
from typing import Any

from starlette.websockets import WebSocket

from swaram.errors import SwaramError
from swaram.server.adapters.deepgram import number
from swaram.server.adapters.session import TextSession
from swaram.server.keys import Holder
from swaram.server.names import find_speaker
from swaram.server.protocol import Close, ProtocolError, RequestError, Start
from swaram.server.service import Service
from swaram.server.speaking import Message

PATH = "/elevenlabs/v1/text-to-speech/{voice_id:path}/stream-input"
_DEFAULT = "mp3_44100_128"
_FORMATS = {"mp3": "mp3", "pcm": "pcm", "ulaw": "mulaw", "alaw": "alaw", "opus": "opus", "wav": "wav"}


class ElevenLabsSession(TextSession):
    """One text on one socket: pieces of it in, an empty one ends it."""

    def __init__(self, websocket: WebSocket, service: Service, holder: Holder) -> None:
        super().__init__(websocket, service, holder)
        self._voice: str = websocket.path_params["voice_id"]
        self._speed = 1.0

    def start(self) -> Start:
        """From the address: the voice, ``output_format``, ``language_code``, ``seed``; the speed from the settings."""
        query = self.query
        asked = query.get("output_format", _DEFAULT)
        form, _, rest = asked.partition("_")
        rate = rest.partition("_")[0]
        if form not in _FORMATS or not rate.isdecimal():
            forms = ", ".join(_FORMATS)
            raise RequestError("bad_request", f"The output_format must be one of {forms}, then _ and the rate in Hz.")
        language = query.get("language_code")
        voice, speaker = find_speaker(self.service, self._voice, self._voice, language)
        return Start(
            type="start", voice=voice, speaker=speaker, language=language, format=_FORMATS[form], sample_rate=int(rate),
            speed=self._speed, seed=number(query.get("seed"), "seed", int) or 0, marks="character", pace=False,
        )  # fmt: skip

    async def handle(self, message: dict[str, Any]) -> None:
        """A piece of text, with settings in the first one; an empty piece ends the text."""
        text, settings = message.get("text"), message.get("voice_settings") or {}
        if not isinstance(text, str) or not isinstance(settings, dict):
            raise ProtocolError("bad_message", "A message has a text, and voice_settings that are an object.")
        speed = settings.get("speed")
        if isinstance(speed, int | float):  # counts where nothing is spoken yet
            self._speed = float(speed)
        if text == "":
            self.finish(self._final)
            return
        self.write(text, flush=message.get("flush") is True)

    async def sound(self, started: dict[str, Any], messages: AsyncIterator[Message]) -> None:
        """Each piece of sound in base64; with the first one of a passage, the times of its characters."""
        alignment: dict[str, list[Any]] | None = None
        rate = started["sample_rate"]
        place = sample = 0  # where the alignment before has ended
        async for message in messages:
            if isinstance(message, bytes):
                sound = base64.b64encode(message).decode()
                told = {"audio": sound, "isFinal": None, "alignment": alignment, "normalizedAlignment": alignment}
                await self.socket.send_json(told)
                alignment = None
            elif message["type"] == "mark":
                # Its times count from where the alignment before has ended, as their clients add them up.
                characters = message["characters"]
                pause, gap = (
                    (characters[0][2] if characters else message["start_sample"]) - sample,
                    max(1, message["start"] - place),
                )
                edges = [sample + pause * i // gap for i in range(gap + 1)]
                between = [[place + i, place + i + 1, edges[i], edges[i + 1]] for i in range(message["start"] - place)]
                alignment = self._aligned(between + characters, sample, rate)
                place, sample = message["end"], message["end_sample"]

    def _aligned(self, marks: list[list[int]], origin: int, rate: int) -> dict[str, list[Any]]:
        starts = [round(1000 * (first - origin) / rate) for _, _, first, _ in marks]
        ends = [round(1000 * (last - origin) / rate) for _, _, _, last in marks]
        return {
            "chars": [self.text[start:end] for start, end, _, _ in marks],
            "charStartTimesMs": starts,
            "charDurationsMs": [end - start for start, end in zip(starts, ends, strict=True)],
        }

    async def refuse(self, error: SwaramError, last: bool = False) -> None:
        """Any fault ends the text, and the connection with it."""
        code = getattr(error, "code", "bad_request")
        self.service.metrics.errors.labels(code).inc()
        await self.socket.send_json({"message": str(error), "error": code, "code": int(Close.POLICY)})
        await self.socket.close(Close.POLICY, reason=str(error))

    async def _final(self) -> None:
        await self.socket.send_json({"audio": None, "isFinal": True})
        await self.socket.close(Close.NORMAL)
