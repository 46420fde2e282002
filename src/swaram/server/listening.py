"""The recognisers of a server: opened when first needed, and run beside those who speak, never before them."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar

from swaram.audio.decode import Decoder
from swaram.recognition import Recognizer, Transcript
from swaram.recognition.package import known_code, list_recognizers
from swaram.recognition.recognizer import Word
from swaram.server.errors import HttpError
from swaram.server.service import Service

T = TypeVar("T")

RECORDING = "the recording"


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

    @property
    def languages(self) -> list[str]:
        """Codes of the languages that can be written down."""
        return list(self._folders)

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

    def take_place(self) -> Callable[[], None]:
        """A place among those who wait, given back by what this returns. Raises HttpError 429 when too many wait."""
        if self.waiting >= self._limit:
            sentence = "As many recordings wait to be written down as the server takes; try again soon."
            raise HttpError(429, "overloaded", sentence, {"Retry-After": "5"})
        self.waiting += 1

        def leave() -> None:
            self.waiting -= 1

        return leave

    async def transcribe(self, code: str, source: BinaryIO) -> tuple[Transcript, Decoder]:
        """The text, and what was decoded; off the event loop."""
        recognizer = await self.compute(self.recognizer, code)
        recording = Decoder(source, recognizer.features.sample_rate, RECORDING)
        return await self.compute(recognizer.hear, recording.pieces()), recording

    async def listen(self, code: str, source: BinaryIO) -> AsyncIterator[tuple[list[Word], Decoder]]:
        """The words as they are written down, stretch by stretch, and what was decoded so far."""
        recognizer = await self.compute(self.recognizer, code)
        recording = Decoder(source, recognizer.features.sample_rate, RECORDING)
        stretches = recognizer.listen(recording.pieces())
        while (words := await self.compute(next, stretches, None)) is not None:
            yield words, recording

    async def compute(self, work: Callable[..., T], *arguments: Any) -> T:
        """What ``work`` returns, on the threads that write down."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def recognizer(self, code: str) -> Recognizer:
        """The recogniser of a language that ``choose`` gave; opening it may take a second."""
        with self._lock:
            if code not in self._open:
                self._open[code] = Recognizer.load(self._folders[code])
            return self._open[code]

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lower_priority() -> None:
    """Those who are listened to come first: a thread's own niceness, where the system has such a thing."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
