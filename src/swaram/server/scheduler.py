"""The scheduler: all steps of all streams, the one with the earliest deadline first, on a few worker threads.

A deadline is the moment when a listener would run out of sound; a new stream's is a tenth of a second after it came,
so that its first window goes before those of all streams that still have sound to play. onnxruntime and the FLAC encoder let go of
the interpreter lock while they compute, so that threads use all cores.
"""

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
_Entry = tuple[float, int, "Job", Callable[[], Any], asyncio.Future[Any], asyncio.AbstractEventLoop]


class Job:
    """A stream as the scheduler sees it: its waiting steps are dropped once it is closed."""

    def __init__(self) -> None:
        self.closed = False
        self.seconds = 0.0


class Scheduler:
    """Worker threads over one queue that is ordered by deadline (``time.monotonic`` seconds)."""

    def __init__(self, workers: int) -> None:
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

    async def run(self, job: Job, deadline: float, step: Callable[[], T]) -> T:
        """Run a step on a worker. Raises what the step raises, ``CancelledError`` where the job is closed."""
        if job.closed:
            raise asyncio.CancelledError
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._changed:
            heapq.heappush(self._queue, (deadline, next(self._order), job, step, future, loop))
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
                settle = partial(_resolve, future, step())
            except BaseException as fault:
                settle = partial(_reject, future, fault)
            job.seconds += time.perf_counter() - begun
            _call(loop, settle)
            del job, step, future, loop, settle  # a waiting worker holds nobody's samples


def _resolve(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _reject(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _call(loop: asyncio.AbstractEventLoop, settle: Callable[[], Any]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it everybody who waited
        loop.call_soon_threadsafe(settle)
