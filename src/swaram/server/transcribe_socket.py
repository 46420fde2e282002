"""``WS /v1/transcribe``: samples in while somebody speaks; words that may change, and settled ones, out."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Literal

import numpy as np
import soxr
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.websockets import WebSocket

from swaram.errors import SwaramError
from swaram.recognition import Recognizer
from swaram.recognition.captions import word_data
from swaram.recognition.live import LiveTranscript
from swaram.recognition.recognizer import Word
from swaram.server.auth import serve_socket
from swaram.server.errors import HttpError
from swaram.server.keys import Holder
from swaram.server.listening import Listeners
from swaram.server.logs import describe_fault
from swaram.server.protocol import PROTOCOL_VERSION, Close, ProtocolError, RequestError, parse
from swaram.server.service import Service
from swaram.server.transcribe_http import CHARACTERS_A_SECOND
from swaram.server.websocket import Gone, Socket

logger = logging.getLogger("swaram.server")

_EVERY = 0.4  # seconds of new sound, at least, between two looks at it
_REST = 1.5  # times what a look took, at least, until the next: one speaker leaves the threads to others as well
_MOST_UNHEARD = 30.0  # seconds of sound that may wait: more than that, and the client sends faster than speech


class Begin(BaseModel):
    """The first message: what is coming."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    type: Literal["start"]
    language: Annotated[str, Field(max_length=20)] | None = None
    sample_rate: Annotated[int, Field(ge=8000, le=48_000)] = 16_000


class Finish(BaseModel):
    """Nothing more is said."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["end"]


TRANSCRIBE: TypeAdapter[Any] = TypeAdapter(Annotated[Begin | Finish, Field(discriminator="type")])


def add_live_transcription(app: FastAPI, service: Service, listeners: Listeners) -> None:
    """Add the socket to an application."""
    live: set[TranscribeSession] = set()

    @app.websocket("/v1/transcribe")
    async def transcribe(websocket: WebSocket) -> None:
        def session(holder: Holder) -> TranscribeSession:
            return TranscribeSession(websocket, service, listeners, holder, live)

        await serve_socket(websocket, service, session)


class TranscribeSession:
    """One speaker on one socket."""

    def __init__(
        self,
        websocket: WebSocket,
        service: Service,
        listeners: Listeners,
        holder: Holder,
        live: "set[TranscribeSession]",
    ) -> None:
        self._service, self._settings, self._listeners = service, service.settings, listeners
        self._holder, self._live = holder, live
        settings = service.settings
        self._socket = Socket(websocket, settings.idle_timeout, settings.stall_timeout, lambda: False)
        self._transcript: LiveTranscript | None = None
        self._resample: Callable[[np.ndarray, bool], np.ndarray] | None = None
        self._odd = b""
        self._came = asyncio.Event()
        self._ended = asyncio.Event()
        self._heard = self._paid = 0.0
        self._settled: list[Word] = []
        self._told: list[Word] = []

    async def run(self) -> None:
        """Write down until the speaker has ended, or say in one sentence why that cannot be."""
        tasks = [asyncio.create_task(work()) for work in (self._receive, self._socket.watch, self._expire)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        if self in self._live:
            self._live.discard(self)
            self._holder.streams -= 1
        faults = [fault for fault in results if isinstance(fault, Exception) and not isinstance(fault, Gone)]
        self._service.metrics.transcribed.labels("failed" if faults else "done").inc()
        for fault in faults:
            await self._refuse(fault)
            return
        await self._socket.close(Close.NORMAL)

    async def _refuse(self, fault: Exception) -> None:
        if isinstance(fault, ProtocolError):
            await self._socket.close(fault.close, fault.code, str(fault))
        elif isinstance(fault, HttpError):
            await self._socket.close(
                Close.OVERLOADED if fault.status == 429 else Close.BAD_MESSAGE, fault.code, str(fault)
            )
        elif isinstance(fault, RequestError):
            await self._socket.close(Close.RATE, fault.code, str(fault))
        else:
            logger.error("transcribe: internal error: %s", describe_fault(fault))
            await self._socket.close(Close.INTERNAL, "internal", "Something went wrong in the server.")

    async def go_away(self, seconds: float) -> None:
        """Tell the client that the server restarts."""
        with suppress(Gone):
            await self._socket.send_json({"type": "goaway", "seconds": seconds})

    async def _expire(self) -> None:
        await asyncio.sleep(self._settings.session_timeout)
        raise ProtocolError("session_over", "The session has reached its longest time; connect again.", Close.IDLE)

    async def _receive(self) -> None:
        await self._socket.send_json(
            {
                "type": "hello",
                "protocol": PROTOCOL_VERSION,
                "languages": self._listeners.languages,
                "limits": {
                    "message_bytes": self._settings.max_convert_message_bytes,
                    "seconds": self._settings.max_transcription_seconds,
                    "idle_seconds": self._settings.idle_timeout,
                },
            }
        )
        hearing: asyncio.Task[None] | None = None
        try:
            async for message in self._socket.receive():
                if isinstance(message, str):
                    command = parse(TRANSCRIBE, message)
                    if isinstance(command, Begin):
                        if self._transcript is not None:
                            raise ProtocolError("late_start", "The recording has begun; start comes once, before it.")
                        await self._begin(command)
                        hearing = asyncio.create_task(self._hear())
                        continue
                    if hearing is None:
                        raise ProtocolError("nothing_to_hear", "Nothing was said; send start and samples before end.")
                    self._take(b"", last=True)
                    await hearing
                    return
                if hearing is None:
                    raise ProtocolError("no_start", "Send start, with the sample_rate, before the samples.")
                if hearing.done():
                    await hearing
                self._take(message)
        finally:
            if hearing is not None:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)

    async def _begin(self, command: Begin) -> None:
        try:
            code = self._listeners.choose(command.language)
        except SwaramError as error:
            raise ProtocolError("bad_request", str(error)) from error
        most = self._holder.grant.streams
        if most is not None and self._holder.streams >= most:
            raise HttpError(429, "too_many_streams", f"This key may have {most} streams at once; wait for one to end.")
        if len(self._live) >= self._settings.max_queued_transcriptions:
            raise HttpError(429, "overloaded", "As many people are written down as the server takes; try again soon.")
        self._live.add(self)
        self._holder.streams += 1
        recognizer: Recognizer = await self._listeners.compute(self._listeners.recognizer, code)
        self._transcript = LiveTranscript(recognizer)
        rate = recognizer.features.sample_rate
        if command.sample_rate != rate:
            self._resample = soxr.ResampleStream(command.sample_rate, rate, 1, dtype="float32").resample_chunk
        self._rate = rate
        await self._socket.send_json({"type": "started", "language": code, "sample_rate": command.sample_rate})

    def _take(self, data: bytes, last: bool = False) -> None:
        transcript = self._transcript
        assert transcript is not None
        data = self._odd + data
        whole = len(data) - len(data) % 2
        self._odd = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / 32768
        transcript.feed(self._resample(samples, last) if self._resample else samples)
        limit = self._settings.max_transcription_seconds
        if transcript.seconds > limit:
            raise ProtocolError(
                "too_long", f"A recording holds at most {limit:g} seconds; begin another.", Close.TOO_LARGE
            )
        if transcript.seconds - self._heard > _MOST_UNHEARD:
            sentence = "The samples come faster than they can be written down; upload a recording as a file."
            raise ProtocolError("too_fast", sentence, Close.TOO_LARGE)
        while transcript.seconds - self._paid >= 1.0:
            self._paid += 1.0
            self._service.admission.take(self._holder, CHARACTERS_A_SECOND)
        if last:
            self._ended.set()
        self._came.set()

    async def _hear(self) -> None:
        transcript = self._transcript
        assert transcript is not None
        loop = asyncio.get_running_loop()
        while not self._ended.is_set():
            await self._came.wait()
            self._came.clear()
            if self._ended.is_set() or transcript.seconds - self._heard < _EVERY:
                continue
            began, self._heard = loop.time(), transcript.seconds
            settled, open_words = await self._listeners.compute(transcript.hear)
            await self._tell(settled, open_words)
            with suppress(TimeoutError):  # rest, unless the speaker ends meanwhile
                await asyncio.wait_for(self._ended.wait(), _REST * (loop.time() - began))
        await self._tell(await self._listeners.compute(transcript.finish), [])
        await self._socket.send_json(
            {
                "type": "done",
                "text": " ".join(word.text for word in self._settled),
                "seconds": round(transcript.seconds, 3),
            }
        )

    async def _tell(self, settled: list[Word], open_words: list[Word]) -> None:
        if settled:
            self._settled += settled
            await self._socket.send_json(_message("final", settled))
        if open_words != self._told:
            self._told = open_words
            await self._socket.send_json(_message("partial", open_words))


def _message(kind: str, words: list[Word]) -> dict[str, Any]:
    return {"type": kind, "text": " ".join(word.text for word in words), "words": [word_data(word) for word in words]}
