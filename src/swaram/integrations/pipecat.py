"""Pipecat: ``SwaramTTSService`` for a pipeline, with text that is still being written and the times of words.

    from swaram.integrations.pipecat import SwaramTTSService
    pipeline = Pipeline([..., SwaramTTSService(url="http://127.0.0.1:5000", language="ml"), ...])

For speech to text use Pipecat's OpenAI service with ``base_url``. Needs ``pipecat-ai``, of the extra ``[pipecat]``.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    ErrorFrame,
    Frame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TextAggregationMode, TTSService

from swaram.client import ClientError
from swaram.integrations.connection import Connector, RemoteSpeech


class SwaramTTSService(TTSService):
    """Speech from a swaram server.

    ``url``, ``key``: the server and its key. ``options``: voice, speaker, language, style, speed, pitch, seed and
    pause_scale as in ``start`` of the protocol, and whatever ``TTSService`` takes. Words of the model go to the server
    as they come; it finds the ends of sentences itself.
    """

    def __init__(
        self,
        *,
        url: str = "http://127.0.0.1:5000",
        key: str | None = None,
        voice: str | None = None,
        speaker: str | None = None,
        language: str | None = None,
        style: str | None = None,
        speed: float | None = None,
        pitch: float | None = None,
        seed: int | None = None,
        pause_scale: float | None = None,
        text_aggregation_mode: TextAggregationMode = TextAggregationMode.TOKEN,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            text_aggregation_mode=text_aggregation_mode,
            append_trailing_space=True,  # a sentence ends with a space
            push_text_frames=False,  # words are told as they are heard
            push_start_frame=True,
            settings=TTSSettings(model=None, voice=voice, language=None),
            **kwargs,
        )
        self._connector = Connector(url, key)
        self._options = {
            "speaker": speaker, "language": language, "style": style, "speed": speed, "pitch": pitch, "seed": seed,
            "pause_scale": pause_scale,
        }  # fmt: skip
        self._speeches: dict[str, RemoteSpeech] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}

    def can_generate_metrics(self) -> bool:
        """Yes: the time to the first sound, and characters."""
        return True

    @property
    def supports_processing_metrics(self) -> bool:
        """No: ``run_tts`` only sends the text."""
        return False

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Send text; its sound comes by another way."""
        try:
            speech = self._speeches.get(context_id)
            if speech is None:
                connection = await self._connector.get()
                voice = self._settings.voice
                speech = await connection.speak(
                    self.sample_rate, marks="word", voice=voice if isinstance(voice, str) else None, **self._options
                )
                self._speeches[context_id] = speech
                self._readers[context_id] = self.create_task(self._receive(context_id, speech))
            await speech.push(text)
            await self.start_tts_usage_metrics(text)
            yield None
        except ClientError as error:
            yield ErrorFrame(error=str(error))

    async def flush_audio(self, context_id: str | None = None) -> None:
        """The text of a turn is complete."""
        speech = self._speeches.get(context_id or self.get_active_audio_context_id() or "")
        if speech is not None:
            await speech.end()

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        """Somebody spoke: the request is cancelled on the server."""
        await self.stop_all_metrics()
        speech = self._speeches.get(context_id)
        if speech is not None:
            await speech.cancel()
        await super().on_audio_context_interrupted(context_id)

    async def _receive(self, context_id: str, speech: RemoteSpeech) -> None:
        try:
            async for message in speech.messages():
                if isinstance(message, bytes):
                    await self.stop_ttfb_metrics()
                    frame = TTSAudioRawFrame(message, self.sample_rate, 1, context_id=context_id)
                    await self.append_to_audio_context(context_id, frame)
                elif message["type"] == "mark":
                    words = [(word.text.strip(), word.start) for word in speech.timed(message)]
                    await self.add_word_timestamps(words, context_id)
        except ClientError as error:
            await self.push_error(error_msg=str(error))
        finally:
            self._speeches.pop(context_id, None)
            self._readers.pop(context_id, None)
        if self.audio_context_available(context_id):
            await self.append_to_audio_context(context_id, TTSStoppedFrame(context_id=context_id))
            await self.remove_audio_context(context_id)

    async def stop(self, frame: EndFrame) -> None:
        """The pipeline has ended."""
        await super().stop(frame)
        await self._connector.close()

    async def cancel(self, frame: CancelFrame) -> None:
        """The pipeline was stopped."""
        await super().cancel(frame)
        await self._connector.close()

    async def cleanup(self) -> None:
        """Let go of what is left."""
        await super().cleanup()
        for reader in list(self._readers.values()):
            await self.cancel_task(reader)
        await self._connector.close()
