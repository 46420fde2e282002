"""The scheduler: all steps of all streams, the one with the earliest deadline first, on a few worker threads.

A deadline is the moment when a listener would run out of sound; a new stream's is a tenth of a second after it
came, so that its first window goes before those of all streams that still have sound to play. onnxruntime and the
FLAC encoder let go of the interpreter lock while they compute, so that threads use all cores.
"""

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
_Entry = tuple[float, int, "Job", "_Step", asyncio.Future[Any], asyncio.AbstractEventLoop]


class Job:
    """A stream as the scheduler sees it: its waiting steps are dropped once it is closed."""

    def __init__(self) -> None:
        self.closed = False
        self.seconds = 0.0


@dataclass(frozen=True)
class StepReport:
    """What a step was, how long it waited for a worker and how long it took, in seconds."""

    stage: str
    wait: float
    seconds: float


@dataclass(frozen=True)
class _Step:
    stage: str
    run: Callable[[], Any]
    since: float


class Scheduler:
    """Worker threads over one queue that is ordered by deadline (``time.monotonic`` seconds)."""

    def __init__(self, workers: int, report: Callable[[StepReport], None] = lambda _: None) -> None:
        self._report = report
        self._queue: list[_Entry] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"synthesis-{n}", daemon=True) for n in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Steps that no worker has begun."""
        return len(self._queue)

    async def run(self, job: Job, deadline: float, stage: str, step: Callable[[], T]) -> T:
        """Run a step on a worker. Raises what it raises, ``CancelledError`` where the job is closed."""
        if job.closed:
            raise asyncio.CancelledError
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._changed:
            entry = (deadline, next(self._order), job, _Step(stage, step, time.perf_counter()), future, loop)
            heapq.heappush(self._queue, entry)
            self._changed.notify()
        return await future

    def close(self) -> None:
        """Let the workers end; steps that wait are never run."""
        with self._changed:
            self._stopping = True
            self._queue.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._stopping:
                    self._changed.wait()
                if self._stopping:
                    return
                _, _, job, step, future, loop = heapq.heappop(self._queue)
            if job.closed:
                _call(loop, future.cancel)
                continue
            begun = time.perf_counter()
            try:
                settle = partial(_resolve, future, step.run())
            except BaseException as fault:
                settle = partial(_reject, future, fault)
            seconds = time.perf_counter() - begun
            job.seconds += seconds
            report = StepReport(step.stage, begun - step.since, seconds)
            _call(loop, partial(self._settle, settle, report))
            del job, step, future, loop, settle  # a waiting worker holds nobody's samples

    def _settle(self, settle: Callable[[], None], report: StepReport) -> None:
        settle()
        self._report(report)


def _resolve(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _reject(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _call(loop: asyncio.AbstractEventLoop, settle: Callable[[], Any]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it everybody who waited
        loop.call_soon_threadsafe(settle)
