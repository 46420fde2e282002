"""Worker processes as the server sees them: each stream stays on one, and one that dies is started again.

A fault in native code, or the memory killer, takes one process and its streams; the others go on.
"""

import asyncio
import contextlib
import itertools
import logging
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from swaram.server.protocol import RequestError
from swaram.server.scheduler import StepReport
from swaram.server.worker_process import work
from swaram.server.workers import STAGES, Steps
from swaram.voice.errors import VoiceError
from swaram.voice.request import SpeechRequest
from swaram.voice.synthesis import StreamFormat

logger = logging.getLogger("swaram.server")

_START_SECONDS = 60.0


class WorkerFault(Exception):
    """An internal error in a worker, described without values; ``description`` is for the log."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


def _lost() -> RequestError:
    return RequestError("worker_lost", "The worker that was speaking has died; ask again.", 1.0)


class ProcessWorkers:
    """``count`` processes. Raises VoiceError when they cannot start."""

    def __init__(
        self, count: int, voices: Path | None, report: Callable[[StepReport], None], restarted: Callable[[], None]
    ) -> None:
        self._processes = [_Process(voices, report, restarted) for _ in range(count)]
        for process in self._processes:
            process.wait_until_ready()

    @property
    def waiting(self) -> int:
        """Steps that have been asked for and not answered."""
        return sum(process.waiting for process in self._processes)

    @property
    def pids(self) -> list[int]:
        """The processes' ids."""
        return [process.pid for process in self._processes]

    def open(self, voice: str, request: SpeechRequest, form: StreamFormat) -> Steps:
        """Begin a request on the process that has the fewest."""
        ready = [process for process in self._processes if process.ready] or self._processes
        return min(ready, key=lambda process: process.streams).open(voice, request, form)

    async def load(self, voice: str, path: Path) -> None:
        """Open a voice on every process, beside the streams that they compute. Raises RequestError, VoiceError."""
        await asyncio.gather(*(process.load(voice, path) for process in self._processes))

    def unload(self, voice: str) -> None:
        """Forget a voice on every process."""
        for process in self._processes:
            process.unload(voice)

    def close(self) -> None:
        """Stop the processes."""
        for process in self._processes:
            process.close()


class _Process:
    def __init__(
        self, voices: Path | None, report: Callable[[StepReport], None], restarted: Callable[[], None]
    ) -> None:
        self._voices, self._report, self._restarted = voices, report, restarted
        self._names = itertools.count()
        self._calls: dict[int, tuple[asyncio.Future[Any], asyncio.AbstractEventLoop, ProcessSteps | None, str]] = {}
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._closing = False
        self.streams = 0
        self.generation = 0
        self._start()

    def _start(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._child = context.Process(target=work, args=(theirs, self._voices), daemon=True)
        self._child.start()
        theirs.close()
        self._connection = ours
        threading.Thread(target=self._listen, args=(ours,), daemon=True).start()

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    @property
    def waiting(self) -> int:
        return len(self._calls)

    @property
    def pid(self) -> int:
        return self._child.pid or 0

    def wait_until_ready(self) -> None:
        if not self._ready.wait(_START_SECONDS):
            self.close()
            raise VoiceError("A worker process could not start; see whether the voices are sound with voice check.")

    def open(self, voice: str, request: SpeechRequest, form: StreamFormat) -> "ProcessSteps":
        number = next(self._names)
        self.send(self.generation, ("open", number, voice, request, form))
        self.streams += 1
        return ProcessSteps(self, number, self.generation)

    def send(self, generation: int, message: tuple[Any, ...]) -> None:
        if generation != self.generation or not self.ready:
            raise _lost()
        try:
            self._connection.send(message)
        except OSError as error:
            raise _lost() from error

    def call(
        self, steps: "ProcessSteps", deadline: float, method: str, arguments: tuple[Any, ...]
    ) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        call = next(self._names)
        with self._lock:
            self._calls[call] = (future, loop, steps, method)
        try:
            self.send(steps.generation, ("step", steps.number, call, deadline, method, arguments))
        except RequestError:
            self._calls.pop(call, None)
            raise
        return future

    def load(self, voice: str, path: Path) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        call = next(self._names)
        with self._lock:
            self._calls[call] = (future, loop, None, "load")
        try:
            self.send(self.generation, ("load", call, voice, path))
        except RequestError:  # one that is starting again opens everything that is there
            self._calls.pop(call, None)
            future.set_result(None)
        return future

    def unload(self, voice: str) -> None:
        with contextlib.suppress(RequestError):
            self.send(self.generation, ("unload", 0, voice))

    def forget(self, steps: "ProcessSteps") -> None:
        self.streams -= 1
        with self._lock:
            for call in [call for call, entry in self._calls.items() if entry[2] is steps]:
                del self._calls[call]
        with contextlib.suppress(RequestError):
            self.send(steps.generation, ("close", steps.number))

    def _listen(self, connection: Connection) -> None:
        try:
            connection.recv()
            self._ready.set()
            while True:
                call, result, fault, wait, seconds = connection.recv()
                with self._lock:
                    entry = self._calls.pop(call, None)
                if entry is not None and entry[2] is None:
                    self._settle(entry[0], entry[1], result, _error(fault))
                elif entry is not None and entry[2] is not None:
                    entry[2].seconds += seconds
                    report = StepReport(STAGES[entry[3]], wait, seconds)
                    self._settle(entry[0], entry[1], result, _error(fault), report)
        except (EOFError, OSError):
            self._mourn()

    def _settle(
        self,
        future: asyncio.Future[Any],
        loop: asyncio.AbstractEventLoop,
        result: Any,
        error: Exception | None,
        report: StepReport | None = None,
    ) -> None:
        def settle() -> None:
            if report is not None:
                self._report(report)
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle)

    def _mourn(self) -> None:
        """The process is gone: say so to its streams, and start another one."""
        was_ready = self._ready.is_set()
        self._ready.clear()
        with self._lock:
            self.generation += 1
            calls, self._calls = list(self._calls.values()), {}
        for future, loop, _, _ in calls:
            self._settle(future, loop, None, _lost())
        self._connection.close()
        self._child.join(5)
        if self._closing or not was_ready:  # one that never came up would only die again
            return
        logger.warning("a worker process died (exit code %s) and is started again", self._child.exitcode)
        self._restarted()
        self._start()

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._connection.send(("stop", 0))
        self._child.join(5)
        if self._child.is_alive():
            self._child.kill()


class ProcessSteps:
    """One request on one process; after the process's death every step says so."""

    def __init__(self, process: _Process, number: int, generation: int) -> None:
        self._process, self.number, self.generation = process, number, generation
        self.seconds = 0.0
        self._closed = False

    async def run(self, deadline: float, method: str, *arguments: Any) -> Any:
        """Run a step there."""
        if self._closed:
            raise asyncio.CancelledError
        return await self._process.call(self, deadline, method, arguments)

    def close(self) -> None:
        """Forget the request there."""
        if not self._closed:
            self._closed = True
            self._process.forget(self)


def _error(fault: tuple[str, str] | None) -> Exception | None:
    if fault is None:
        return None
    code, sentence = fault
    return WorkerFault(sentence) if code == "internal" else RequestError(code, sentence)
