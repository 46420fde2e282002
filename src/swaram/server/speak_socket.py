"""``WS /v1/speak``: text in, whole FLAC frames out; several requests on one socket, one after the other."""

import asyncio
import itertools
import logging
import time
from collections import deque
from contextlib import suppress
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

logger = logging.getLogger("swaram.server")


class SpeakSession:
    """One client on ``/v1/speak``: a receiving task, a speaking task, and a watch over both."""

    def __init__(self, websocket: WebSocket, service: Service, holder: Holder) -> None:
        settings = service.settings
        self._holder = holder
        self._admitted = False
        self._service, self._settings = service, settings
        self._socket = Socket(websocket, settings.idle_timeout, settings.stall_timeout, self._is_busy)
        self._queue: deque[SpeechJob] = deque()
        self._wake = asyncio.Event()
        self._current: SpeechJob | None = None
        self._task: asyncio.Task[None] | None = None
        self._names = itertools.count(1)

    def _is_busy(self) -> bool:
        return self._current is not None and not self._current.waits_for_text

    async def run(self) -> None:
        """Serve until the client leaves, breaks the protocol, or stays silent."""
        tasks = [asyncio.create_task(work()) for work in (self._receive, self._speak, self._socket.watch, self._expire)]
        try:
            await self._socket.send_json(self._service.hello())
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except Gone:
            pass
        finally:
            if self._current is not None:
                self._current.close()
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            self._leave()
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
                await self._tell(error, getattr(parsed, "request_id", None))

    async def _handle(self, message: Any) -> None:
        match message:
            case Start():
                await self._begin(message)
            case Text():
                self._check_length(message.text)
                job = self._find(message.request_id)
                self._service.admission.take(self._holder, len(message.text))
                job.push(message.text)
            case Flush():
                self._find(message.request_id).push(flush=True)
            case End():
                self._find(message.request_id).push(end=True)
            case Cancel():
                await self._cancel(message.request_id)
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
        if len(self._queue) >= self._settings.max_queued_requests:
            raise RequestError("too_many_requests", "Too many requests wait on this socket; wait for a done.", 1.0)
        self._enter(len(start.text or ""))  # first: a refusal must cost next to nothing
        try:
            job, started = self._service.begin(request_id, start)
            if start.text is not None:
                job.push(start.text, end=True)
        except SwaramError:
            if not self._all():
                self._leave()
            raise
        self._queue.append(job)
        await self._socket.send_json(started)
        self._wake.set()

    def _enter(self, characters: int) -> None:
        admission, service = self._service.admission, self._service
        if self._admitted:
            admission.take(self._holder, characters)
            return
        admission.admit(self._holder, characters, service.scheduler.waiting)
        admission.enter(self._holder)
        self._admitted = True

    def _leave(self) -> None:
        if self._admitted:
            self._service.admission.leave(self._holder)
            self._admitted = False

    def _all(self) -> list[SpeechJob]:
        return ([self._current] if self._current else []) + list(self._queue)

    def _find(self, request_id: str | None) -> SpeechJob:
        for job in reversed(self._all()):
            if request_id is None or job.request_id == request_id:
                return job
        raise RequestError("unknown_request", "No such request is being served; send start first.")

    async def _cancel(self, request_id: str | None) -> None:
        waiting = [s for s in self._queue if request_id in (None, s.request_id)]
        for job in waiting:
            self._queue.remove(job)
            job.close()
        current = self._current
        if current is not None and request_id in (None, current.request_id) and self._task is not None:
            current.close()
            self._task.cancel()
        elif not waiting:
            raise RequestError("unknown_request", "No such request is being served; it may have ended already.")
        if not self._all():
            self._leave()
        for job in waiting:
            await self._tell_cancelled(job)

    async def _speak(self) -> None:
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            self._current = self._queue.popleft()
            try:
                await self._speak_one(self._current)
            finally:
                self._current.close()
                self._current = self._task = None
                if not self._queue:
                    self._leave()
                self._socket.last_heard = time.monotonic()

    async def _speak_one(self, job: SpeechJob) -> None:
        self._task = asyncio.create_task(job.run(Sink(self._socket.send_json, self._socket.send_bytes)))
        begun = time.monotonic()
        outcome = "disconnected"
        try:
            await asyncio.wait([self._task])
            fault = None if self._task.cancelled() else self._task.exception()
            outcome = "cancelled" if self._task.cancelled() else "failed" if fault else "done"
        finally:
            self._task.cancel()
            self._service.record(job, outcome, time.monotonic() - begun)
        if self._task.cancelled():
            await self._tell_cancelled(job)
            return
        if isinstance(fault, Gone):
            raise fault
        if isinstance(fault, SwaramError):
            await self._tell(fault, job.request_id)
        elif fault is not None:
            logger.error("speak: internal error: %s", describe_fault(fault))
            sentence = "Something went wrong in the server while speaking; try again."
            await self._tell(RequestError("internal", sentence), job.request_id)

    async def _tell_cancelled(self, job: SpeechJob) -> None:
        await self._socket.send_json({"type": "cancelled", "request_id": job.request_id, **job.given_out()})

    async def _tell(self, error: SwaramError, request_id: str | None) -> None:
        code = getattr(error, "code", "bad_request")
        self._service.metrics.errors.labels(code).inc()
        message = {"type": "error", "code": code, "message": str(error)}
        if request_id is not None:
            message["request_id"] = request_id
        if (retry_after := getattr(error, "retry_after", None)) is not None:
            message["retry_after"] = retry_after
        await self._socket.send_json(message)
