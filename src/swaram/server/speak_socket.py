"""``WS /v1/speak``: text in, whole FLAC frames out; requests one after the other, or side by side in contexts."""

import asyncio
import itertools
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.websockets import WebSocket

from swaram.errors import SwaramError
from swaram.server.keys import Holder
from swaram.server.logs import describe_fault
from swaram.server.protocol import (
    SPEAK,
    Cancel,
    Close,
    End,
    Flush,
    Ping,
    ProtocolError,
    RequestError,
    Start,
    Text,
    parse,
)
from swaram.server.service import Service
from swaram.server.speech_job import Sink, SpeechJob
from swaram.server.websocket import Gone, Socket
from swaram.voice.synthesis import Ending

logger = logging.getLogger("swaram.server")

_REMEMBERED = 64  # contexts whose last request can be continued
_INHERITED = {
    "voice", "speaker", "language", "style", "speed", "pitch", "seed", "pause_scale", "format", "bits", "sample_rate",
    "marks", "pace", "lexicon",
}  # fmt: skip


@dataclass
class _Line:
    """The requests of one context, or of none: the one being served and those that wait for it."""

    queue: deque[SpeechJob] = field(default_factory=deque)
    current: SpeechJob | None = None
    task: asyncio.Task[None] | None = None
    worker: asyncio.Task[None] | None = None
    admitted: bool = False

    def all(self) -> list[SpeechJob]:
        """In the order in which they are served."""
        return ([self.current] if self.current else []) + list(self.queue)


@dataclass
class _Last:
    """The last request of a context: how it was asked for, and where its speech ended."""

    start: Start
    ending: Ending | None = None


class SpeakSession:
    """One client on ``/v1/speak``: a receiving task, a speaking task for each context, and a watch over all."""

    def __init__(self, websocket: WebSocket, service: Service, holder: Holder) -> None:
        settings = service.settings
        self._holder = holder
        self._service, self._settings = service, settings
        self._socket = Socket(websocket, settings.idle_timeout, settings.stall_timeout, self._is_busy)
        self._lines: dict[str | None, _Line] = {}
        self._last: OrderedDict[str | None, _Last] = OrderedDict()
        self._contexts: dict[SpeechJob, str | None] = {}
        self._names = itertools.count(1)
        # Only where contexts are used, clients must be told whose sound comes next.
        self._side_by_side = False
        self._sounding: SpeechJob | None = None
        self._turn = asyncio.Lock()

    def _is_busy(self) -> bool:
        return any(line.current is not None and not line.current.waits_for_text for line in self._lines.values())

    async def run(self) -> None:
        """Serve until the client leaves, breaks the protocol, or stays silent."""
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tasks = [asyncio.create_task(work()) for work in (self._receive, self._socket.watch, self._expire)]
        try:
            await self._socket.send_json(self._service.hello())
            await asyncio.wait([*tasks, self._broken], return_when=asyncio.FIRST_COMPLETED)
        except Gone:
            pass
        finally:
            for job in self._all():
                job.close()
            tasks += [line.worker for line in self._lines.values() if line.worker is not None]
            for task in tasks:
                task.cancel()
            self._broken.cancel()
            results = await asyncio.gather(*tasks, self._broken, return_exceptions=True)
            for line in self._lines.values():
                self._leave(line)
        for fault in results:
            if isinstance(fault, ProtocolError):
                await self._socket.close(fault.close, fault.code, str(fault))
                return
        for fault in results:
            if isinstance(fault, Exception) and not isinstance(fault, Gone):
                logger.error("speak: internal error: %s", describe_fault(fault))
                await self._socket.close(Close.INTERNAL, "internal", "Something went wrong in the server.")
                return
        await self._socket.close(Close.NORMAL)

    async def go_away(self, seconds: float) -> None:
        """Tell the client that the server restarts; a socket without a request is closed at once."""
        with suppress(Gone):
            await self._socket.send_json({"type": "goaway", "seconds": seconds})
        if not self._all():
            await self._socket.close(Close.RESTART, "restarting", "The server restarts; connect again in a moment.")

    async def _expire(self) -> None:
        await asyncio.sleep(self._settings.session_timeout)
        raise ProtocolError("session_over", "The session has reached its longest time; connect again.", Close.IDLE)

    async def _receive(self) -> None:
        async for message in self._socket.receive():
            if isinstance(message, bytes):
                raise ProtocolError("binary", "This socket takes JSON text messages; binary ones are for /v1/convert.")
            if len(message) > self._settings.max_message_bytes:
                limit = self._settings.max_message_bytes
                raise ProtocolError("too_large", f"The message is larger than {limit} bytes.", Close.TOO_LARGE)
            parsed = parse(SPEAK, message)
            try:
                await self._handle(parsed)
            except SwaramError as error:
                named = (getattr(parsed, key, None) for key in ("request_id", "context"))
                await self._tell(error, *named)

    async def _handle(self, message: Any) -> None:
        match message:
            case Start():
                await self._begin(message)
            case Text():
                self._check_length(message.text)
                job = self._find(message)
                self._service.admission.take(self._holder, len(message.text))
                job.push(message.text)
            case Flush():
                self._find(message).push(flush=True)
            case End():
                self._find(message).push(end=True)
            case Cancel():
                await self._cancel(message)
            case Ping():
                await self._socket.send_json({"type": "pong", "time": round(time.time(), 3)})

    def _check_length(self, text: str) -> None:
        limit = self._settings.max_message_characters
        if len(text) > limit:
            raise RequestError("text_too_long", f"A message holds at most {limit} characters; send the text in parts.")

    async def _begin(self, start: Start) -> None:
        request_id = start.request_id or f"request-{next(self._names)}"
        if any(job.request_id == request_id for job in self._all()):
            raise RequestError("request_id_taken", "A request of this id is still being served; choose another id.")
        if sum(len(line.queue) for line in self._lines.values()) >= self._settings.max_queued_requests:
            raise RequestError("too_many_requests", "Too many requests wait on this socket; wait for a done.", 1.0)
        line = self._lines.get(start.context)
        if line is None:
            if len(self._lines) >= self._settings.max_contexts:
                raise RequestError("too_many_contexts", "Too many contexts speak on this socket; wait for a done.", 1.0)
            line = self._lines[start.context] = _Line()
        try:
            self._enter(line, len(start.text or ""))  # first: a refusal must cost next to nothing
            start = self._continued(start)
            job, started = self._service.begin(request_id, start)
            if start.text is not None:
                job.push(start.text, end=True)
        except SwaramError:
            if not line.all():
                self._leave(line)
                del self._lines[start.context]
            raise
        self._remember(start, job)
        line.queue.append(job)
        self._side_by_side = self._side_by_side or start.context is not None
        await self._tell_about(job, started)
        if line.worker is None:
            line.worker = asyncio.create_task(self._speak(start.context, line))
            line.worker.add_done_callback(self._note_fault)

    def _continued(self, start: Start) -> Start:
        """The request with all that it takes over from the one that it continues."""
        last = self._last.get(start.context)
        if not start.continues or last is None:
            return start
        inherited = _INHERITED - start.model_fields_set
        return start.model_copy(update={key: getattr(last.start, key) for key in inherited})

    def _remember(self, start: Start, job: SpeechJob) -> None:
        self._contexts[job] = start.context
        last = self._last.setdefault(start.context, _Last(start))
        last.start = start.model_copy(update={"voice": job.voice, "text": None})
        self._last.move_to_end(start.context)
        while len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)

    def _note_fault(self, worker: asyncio.Task[None]) -> None:
        if not worker.cancelled() and (fault := worker.exception()) and not self._broken.done():
            self._broken.set_exception(fault)

    def _enter(self, line: _Line, characters: int) -> None:
        admission, service = self._service.admission, self._service
        if line.admitted:
            admission.take(self._holder, characters)
            return
        admission.admit(self._holder, characters, service.scheduler.waiting)
        admission.enter(self._holder)
        line.admitted = True

    def _leave(self, line: _Line) -> None:
        if line.admitted:
            self._service.admission.leave(self._holder)
            line.admitted = False

    def _all(self) -> list[SpeechJob]:
        return [job for line in self._lines.values() for job in line.all()]

    def _meant(self, message: Text | Flush | End | Cancel) -> list[SpeechJob]:
        """The requests that a message is about, in the order in which they were begun."""
        named, context = message.request_id, message.context
        return [
            job
            for job, its in self._contexts.items()
            if named in (None, job.request_id) and (context is None or context == its)
        ]

    def _find(self, message: Text | Flush | End) -> SpeechJob:
        meant = self._meant(message)
        if not meant:
            raise RequestError("unknown_request", "No such request is being served; send start first.")
        return meant[-1]

    async def _cancel(self, message: Cancel) -> None:
        meant = self._meant(message)
        if not meant:
            raise RequestError("unknown_request", "No such request is being served; it may have ended already.")
        waiting = []
        for job in meant:
            job.close()
            line = self._lines[self._contexts[job]]
            if job is line.current:
                if line.task is not None:
                    line.task.cancel()
                continue
            line.queue.remove(job)
            waiting.append(job)
        for line in self._lines.values():
            if not line.all():
                self._leave(line)
        for job in waiting:
            await self._tell_cancelled(job)
            self._contexts.pop(job, None)

    async def _speak(self, context: str | None, line: _Line) -> None:
        """Serve the requests of a context, one after the other, until none is left."""
        try:
            while line.queue:
                job = line.current = line.queue.popleft()
                last = self._last.get(context)
                try:
                    await self._speak_one(job, line, last)
                finally:
                    job.close()
                    line.current = line.task = None
                    self._contexts.pop(job, None)
                    if last is not None:
                        last.ending = job.ending
                    self._socket.last_heard = time.monotonic()
        finally:
            self._leave(line)
            line.worker = None
            if self._lines.get(context) is line:
                del self._lines[context]

    async def _speak_one(self, job: SpeechJob, line: _Line, last: _Last | None) -> None:
        if job.continues and last is not None:
            job.follow(last.ending)
        line.task = task = asyncio.create_task(job.run(Sink(partial(self._tell_about, job), self._bytes_of(job))))
        begun = time.monotonic()
        outcome = "disconnected"
        try:
            await asyncio.wait([task])
            fault = None if task.cancelled() else task.exception()
            outcome = "cancelled" if task.cancelled() else "failed" if fault else "done"
        finally:
            task.cancel()
            self._service.record(job, outcome, time.monotonic() - begun)
        if task.cancelled():
            await self._tell_cancelled(job)
            return
        if isinstance(fault, Gone):
            raise fault
        if isinstance(fault, SwaramError):
            await self._tell(fault, job.request_id, self._contexts.get(job))
        elif fault is not None:
            logger.error("speak: internal error: %s", describe_fault(fault))
            sentence = "Something went wrong in the server while speaking; try again."
            await self._tell(RequestError("internal", sentence), job.request_id, self._contexts.get(job))

    async def _tell_about(self, job: SpeechJob, message: dict[str, Any]) -> None:
        """Send a message about a request, which says its context where it has one."""
        context = self._contexts.get(job)
        await self._socket.send_json(message if context is None else message | {"context": context})

    def _bytes_of(self, job: SpeechJob) -> Callable[[bytes], Awaitable[None]]:
        async def send(data: bytes) -> None:
            if not self._side_by_side:
                await self._socket.send_bytes(data)
                return
            async with self._turn:
                if self._sounding is not job:
                    self._sounding = job
                    await self._tell_about(job, {"type": "audio", "request_id": job.request_id})
                await self._socket.send_bytes(data)

        return send

    async def _tell_cancelled(self, job: SpeechJob) -> None:
        await self._tell_about(job, {"type": "cancelled", "request_id": job.request_id, **job.given_out()})

    async def _tell(self, error: SwaramError, request_id: str | None, context: str | None = None) -> None:
        code = getattr(error, "code", "bad_request")
        self._service.metrics.errors.labels(code).inc()
        message = {"type": "error", "code": code, "message": str(error)}
        for key, value in (("request_id", request_id), ("context", context)):
            if value is not None:
                message[key] = value
        if (retry_after := getattr(error, "retry_after", None)) is not None:
            message["retry_after"] = retry_after
        await self._socket.send_json(message)
