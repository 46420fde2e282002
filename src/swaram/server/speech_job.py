"""One request: when each step of its synthesis is run, and what is sent, never far ahead of playback."""

import asyncio
import base64
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from swaram.audio.encoders import open_encoder
from swaram.audio.flac import to_integers
from swaram.server.admission import Admission
from swaram.server.metrics import Metrics
from swaram.server.protocol import RequestError, Start
from swaram.server.scheduler import Job, Scheduler
from swaram.server.settings import ServerSettings
from swaram.text.frontend import Notice
from swaram.voice.synthesis import Ending, Prepared, Synthesis
from swaram.voice.timings import Mark

P = ParamSpec("P")
T = TypeVar("T")

_MAX_WARNINGS = 50
# A new listener may wait this long, in seconds, before somebody whose sound is about to run out must.
_FIRST_SOUND_TARGET = 0.1
_LEAST_LEAD = 0.5  # seconds that a listener still has to play when the next window is begun


class Sink:
    """Where a request's messages go."""

    def __init__(
        self, send_json: Callable[[dict[str, Any]], Awaitable[None]], send_bytes: Callable[[bytes], Awaitable[None]]
    ) -> None:
        self.json, self.bytes = send_json, send_bytes


class SpeechJob:
    """One request: text is pushed in from the receiving side while ``run`` sends sound.

    Of FLAC, every binary message is one whole frame, and the first one the stream's 42-byte header.
    """

    def __init__(
        self,
        request_id: str,
        voice: str,
        start: Start,
        synthesis: Synthesis,
        sample_rate: int,
        scheduler: Scheduler,
        settings: ServerSettings,
        metrics: Metrics,
        admission: Admission,
        out_rate: int,
        controls: dict[str, Any],
    ) -> None:
        self.request_id, self.voice, self.format = request_id, voice, start.format
        self.controls, self.continues = controls, start.continues
        self.bytes_sent = 0
        self._start, self._synthesis, self._rate = start, synthesis, sample_rate
        self._out_rate = out_rate
        self._encoder = open_encoder(start.format, sample_rate, start.bits, out_rate)
        self._scheduler, self._job = scheduler, Job()
        self._settings, self._metrics, self._admission = settings, metrics, admission
        self._measured = (0.0, 0.0)
        self._inbox: asyncio.Queue[tuple[str, bool, bool]] = asyncio.Queue()
        self._ended = self._all_read = self._waits = False
        self._characters = self._warnings = 0
        self._asked: float | None = None
        self._clock: float | None = None
        self._heard: deque[Mark] = deque()
        self.samples_sent = self.words_sent = self.characters_sent = self._written = 0

    @property
    def characters(self) -> int:
        """Characters asked for so far."""
        return self._characters

    @property
    def seconds_sent(self) -> float:
        """Seconds of speech sent so far."""
        return self.samples_sent / self._rate

    @property
    def ending(self) -> Ending | None:
        """Where the speech ended, for a request that goes on from there."""
        return self._synthesis.ending

    def follow(self, ending: Ending | None) -> None:
        """Go on, before ``run``, from where another request has ended."""
        self._synthesis.follow(ending)

    def given_out(self) -> dict[str, Any]:
        """How much of the request was sent, and the controls it was spoken with.

        ``samples_sent`` at the rate that is sent, ``characters_sent`` of the text from its beginning, ``words_sent``;
        counted window by window.
        """
        return {
            "samples_sent": self._written,
            "characters_sent": self.characters_sent,
            "words_sent": self.words_sent,
            "controls": self.controls,
        }

    def _out(self, samples: int) -> int:
        """A position at the rate that is sent."""
        return samples if self._out_rate == self._rate else round(samples * self._out_rate / self._rate)

    @property
    def computing(self) -> float:
        """Seconds of computing so far."""
        return self._job.seconds

    @property
    def first_audio(self) -> float | None:
        """Seconds from the first text to the first frame sent."""
        return None if self._clock is None or self._asked is None else self._clock - self._asked

    def push(self, text: str = "", flush: bool = False, end: bool = False) -> None:
        """Text for this request. Raises RequestError when it is too long or comes after the end."""
        if self._ended:
            raise RequestError("after_end", "The request has already ended; start another one.")
        self._characters += len(text)
        if self._characters > self._settings.max_request_characters:
            limit = self._settings.max_request_characters
            raise RequestError("text_too_long", f"The text has more than {limit} characters; send it in parts.")
        self._ended = end
        if self._asked is None and text.strip():
            self._asked = time.monotonic()
        self._inbox.put_nowait((text, flush or end, end))

    async def run(self, sink: Sink) -> None:
        """Speak until the text ends. Raises SwaramError for what the user can mend."""
        ahead: asyncio.Task[Prepared] | None = None
        try:
            index = 0
            while await self._has_passage(index, sink):
                prepared = await (ahead or self._prepare(index))
                ahead = None
                await self._announce(index, prepared, sink)
                for window, samples in enumerate(prepared.window_samples):
                    await self._pace(samples)
                    frames = await self._step("decode", self._render, index, window)
                    self._count_underrun()
                    await self._send_frames(frames, sink)
                    self._count_words(samples)
                    if ahead is None and await self._has_passage(index + 1, sink, wait=False):
                        ahead = asyncio.create_task(self._prepare(index + 1))
                self.characters_sent = max(self.characters_sent, prepared.end)
                index += 1
                self._measure()
            if index == 0:
                raise RequestError("nothing_to_say", "The text holds no words that this voice can speak.")
            await self._finish(sink)
        finally:
            self.close()
            if ahead is not None:
                ahead.cancel()

    @property
    def waits_for_text(self) -> bool:
        """Whether nothing can be done before the client says more."""
        return self._waits

    def _measure(self) -> None:
        """Tell what the last passage cost."""
        computing, seconds = self.computing - self._measured[0], self.seconds_sent - self._measured[1]
        self._measured = (self.computing, self.seconds_sent)
        self._admission.measure(computing, seconds)

    def close(self) -> None:
        """Drop every step that has not begun."""
        self._job.closed = True

    async def _has_passage(self, index: int, sink: Sink, wait: bool = True) -> bool:
        while self._synthesis.passages <= index and not self._all_read:
            if not wait and self._inbox.empty():
                return False
            self._waits = self._inbox.empty()
            text, flush, end = await self._inbox.get()
            self._waits = False
            notices = await self._step("normalize", self._synthesis.feed, text, flush)
            self._all_read = end
            await self._warn(notices, sink)
        return self._synthesis.passages > index

    async def _warn(self, notices: list[Notice], sink: Sink) -> None:
        for notice in notices[: _MAX_WARNINGS - self._warnings]:
            self._warnings += 1
            place = {"start": notice.start, "end": notice.end}
            await sink.json({"type": "warning", "request_id": self.request_id, **place, "message": notice.message})

    async def _prepare(self, index: int) -> Prepared:
        return await self._step("frontend", self._synthesis.prepare, index)

    def _count_words(self, samples: int) -> None:
        self.samples_sent += samples
        self._written = self._encoder.samples  # of a resampled stream the last hundredths of a second are still to come
        while self._heard and self._out(self._heard[0].end_sample) <= self._written:
            self.characters_sent = max(self.characters_sent, self._heard.popleft().end)
            self.words_sent += 1

    async def _announce(self, index: int, prepared: Prepared, sink: Sink) -> None:
        self._heard.extend(prepared.words)
        if index == 0 and self._encoder.header:
            await sink.bytes(self._encoder.header)
        if self._start.marks == "none":
            return
        told = {
            "type": "mark",
            "request_id": self.request_id,
            "start": prepared.start,
            "end": prepared.end,
            "start_sample": self._out(prepared.start_sample),
            "end_sample": self._out(prepared.end_sample),
            f"{self._start.marks}s": self._listed(prepared.marks),
        }
        if self._start.marks == "character":
            told["words"] = self._listed(prepared.words)
        await sink.json(told)

    def _listed(self, marks: list[Mark]) -> list[list[int]]:
        return [[mark.start, mark.end, self._out(mark.start_sample), self._out(mark.end_sample)] for mark in marks]

    async def _pace(self, samples: int) -> None:
        """Wait until these samples keep the sender at most ``seconds_ahead`` of a listener who plays at once.

        A window that is longer than that is made while the listener still has something to play.
        """
        if self._clock is None or not self._start.pace:
            return
        ahead = self._settings.seconds_ahead
        lead = max(ahead - samples / self._rate, min(_LEAST_LEAD, ahead))  # what is still to play when it begins
        wait = self._clock + self.samples_sent / self._rate - lead - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)

    def _count_underrun(self) -> None:
        if self._clock is None:
            return
        left = self._clock + self.seconds_sent - time.monotonic()
        self._admission.note_margin(left)
        if left < 0:
            self._metrics.underruns.inc()

    def _render(self, index: int, window: int) -> list[bytes]:
        """Decode a window; return the frames that became complete."""
        return self._encoder.encode(to_integers(self._synthesis.render(index, window), self._start.bits))

    async def _step(self, stage: str, step: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a step on a worker, before those whose listeners have longer to wait; ``stage`` is for the metrics."""
        if self._clock is None:
            deadline = (self._asked or time.monotonic()) + _FIRST_SOUND_TARGET
        else:
            deadline = self._clock + self.samples_sent / self._rate
        return await self._scheduler.run(self._job, deadline, stage, partial(step, *arguments, **named))

    async def _send_frames(self, frames: list[bytes], sink: Sink) -> None:
        for frame in frames:
            await sink.bytes(frame)
            self.bytes_sent += len(frame)
            if self._clock is None:
                self._clock = time.monotonic()
                self._admission.note_start((self.first_audio or 0.0) - self.computing)

    async def _finish(self, sink: Sink) -> None:
        encoder = self._encoder
        await self._send_frames(await self._step("encode", encoder.finish), sink)
        seconds = encoder.samples / self._out_rate
        self.characters_sent = self._characters
        await sink.json(
            {
                "type": "done",
                "request_id": self.request_id,
                "samples": encoder.samples,
                "seconds": round(seconds, 3),
                "md5": encoder.md5,
                "header": base64.b64encode(encoder.final_header).decode(),
                "ttfa_ms": round(1000 * (self.first_audio or 0.0), 1),
                "real_time_factor": round(self.computing / seconds, 4) if seconds else None,
                "characters": self.characters_sent,
                "words": self.words_sent,
                "controls": self.controls,
            }
        )
