"""LiveKit Agents: ``TTS`` for an agent's session, with text that is still being written and the times of words.

    from swaram.integrations.livekit import TTS
    session = AgentSession(tts=TTS(url="http://127.0.0.1:5000", language="ml"), ...)

For speech to text use LiveKit's OpenAI plugin with ``base_url``. Needs ``livekit-agents``, of the extra ``[livekit]``.
"""

import asyncio
from typing import Any

from livekit.agents import APIConnectionError, APIConnectOptions, APIError, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice.io import TimedString

from swaram.client import ClientError
from swaram.integrations.connection import Connector, RemoteSpeech, RequestRefused


class TTS(tts.TTS):
    """Speech from a swaram server.

    ``url``, ``key``: the server and its key. ``voice``, ``speaker``, ``language``, ``style``, ``speed``, ``pitch``,
    ``seed``, ``pause_scale``: as in ``start`` of the protocol; the server's defaults where left out. ``sample_rate``:
    in Hz, 8,000 to 48,000.
    """

    def __init__(
        self, *, url: str = "http://127.0.0.1:5000", key: str | None = None, sample_rate: int = 24_000, **options: Any
    ) -> None:
        capabilities = tts.TTSCapabilities(streaming=True, aligned_transcript=True)
        super().__init__(capabilities=capabilities, sample_rate=sample_rate, num_channels=1)
        self._connector = Connector(url, key)
        self._options = options

    @property
    def model(self) -> str:
        """The voice that is asked for."""
        return self._options.get("voice") or "swaram"

    @property
    def provider(self) -> str:
        """Who speaks."""
        return "swaram"

    def update_options(self, **options: Any) -> None:
        """Change how later requests are spoken."""
        self._options |= options

    async def begin(self) -> RemoteSpeech:
        """A request without text so far. Raises ClientError."""
        connection = await self._connector.get()
        return await connection.speak(self.sample_rate, marks="word", **self._options)

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """Speak a whole text."""
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> "SynthesizeStream":
        """Speak a text that is still being written."""
        return SynthesizeStream(tts=self, conn_options=conn_options)

    def prewarm(self) -> None:
        """Connect before the first text comes."""
        self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        try:
            await self._connector.get()
        except ClientError:
            return  # the first request tells why

    async def aclose(self) -> None:
        """Close the connection."""
        await self._connector.close()


class SynthesizeStream(tts.SynthesizeStream):
    """One utterance of the agent; closing it (an interruption) cancels the request on the server."""

    _tts: TTS

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        name = utils.shortuuid()
        output_emitter.initialize(
            request_id=name, sample_rate=self._tts.sample_rate, num_channels=1, mime_type="audio/pcm", stream=True
        )
        try:
            speech = await self._tts.begin()
            writing = asyncio.create_task(self._write(speech))
            try:
                await self._read(speech, output_emitter, name)
            finally:
                await utils.aio.cancel_and_wait(writing)
        except RequestRefused as error:
            if error.code == "nothing_to_say" and not any(character.isalnum() for character in speech.text):
                return  # signs alone are no fault of anybody
            raise APIError(str(error), retryable=error.retry_after is not None) from error
        except ClientError as error:
            raise APIConnectionError(str(error)) from error

    async def _write(self, speech: RemoteSpeech) -> None:
        async for piece in self._input_ch:
            if isinstance(piece, str):
                self._mark_started()
                await speech.push(piece)
            else:
                await speech.flush()
        await speech.end()

    async def _read(self, speech: RemoteSpeech, output_emitter: tts.AudioEmitter, name: str) -> None:
        begun = False
        async for message in speech.messages():
            if isinstance(message, bytes):
                output_emitter.push(message)
            elif message["type"] == "mark":
                if not begun:
                    output_emitter.start_segment(segment_id=name)
                    begun = True
                words = [TimedString(w.text, start_time=w.start, end_time=w.end) for w in speech.timed(message)]
                output_emitter.push_timed_transcript(words)
        output_emitter.end_segment()
