"""Steps: what every kind of worker offers to a request, and the kind that computes in threads of this process."""

import ctypes
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from swaram.server.scheduler import Job, Scheduler
from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.synthesis import SpeechStream, StreamFormat

EVERY_SECONDS = 60.0


def find_trim() -> Callable[[int], int] | None:
    """glibc's ``malloc_trim``, or None where the C library is another one."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def give_back(stopped: threading.Event, every: float = EVERY_SECONDS) -> None:
    """Begin to give free memory back every so many seconds, in a thread of its own, until ``stopped`` is set."""
    trim = find_trim()
    if trim is None:
        return

    def work() -> None:
        while not stopped.wait(every):
            trim(0)

    threading.Thread(target=work, name="memory", daemon=True).start()


# What each method of a SpeechStream is called in the metrics.
STAGES = {"feed": "normalize", "prepare": "frontend", "render": "decode", "finish": "encode"}


class Steps(Protocol):
    """One request on some worker; ``seconds`` is the computing it has cost so far."""

    @property
    def seconds(self) -> float:
        """Seconds of computing so far."""

    async def run(self, deadline: float, method: str, *arguments: Any) -> Any:
        """Run a method of the request's SpeechStream, the earliest deadline first. Raises what it raises."""

    def close(self) -> None:
        """Forget the request; steps that wait are dropped."""


class Workers(Protocol):
    """Whoever computes."""

    @property
    def waiting(self) -> int:
        """Steps that wait for a worker."""

    def open(self, voice: str, request: SpeechRequest, form: StreamFormat) -> Steps:
        """Begin a request."""

    async def load(self, voice: str, path: Path) -> None:
        """Make a voice ready wherever this kind of worker needs one of its own. Raises SwaramError."""

    def unload(self, voice: str) -> None:
        """Begin no more requests with a voice; those that run go on."""

    def close(self) -> None:
        """Stop computing."""


class ThreadWorkers:
    """Computes in threads of this process: nothing is copied, and a voice is in memory once."""

    def __init__(self, engines: dict[str, Engine], scheduler: Scheduler) -> None:
        self._engines, self._scheduler = engines, scheduler

    @property
    def waiting(self) -> int:
        """Steps that no thread has begun."""
        return self._scheduler.waiting

    def open(self, voice: str, request: SpeechRequest, form: StreamFormat) -> Steps:
        """Begin a request."""
        return _ThreadSteps(self._scheduler, SpeechStream(self._engines[voice], request, form))

    async def load(self, voice: str, path: Path) -> None:
        """Nothing to do: the engines are shared."""

    def unload(self, voice: str) -> None:
        """Nothing to do: the engines are shared."""

    def close(self) -> None:
        """Let the threads end."""
        self._scheduler.close()


class _ThreadSteps:
    def __init__(self, scheduler: Scheduler, stream: SpeechStream) -> None:
        self._scheduler, self._stream = scheduler, stream
        self._job = Job()

    @property
    def seconds(self) -> float:
        return self._job.seconds

    async def run(self, deadline: float, method: str, *arguments: Any) -> Any:
        step = partial(getattr(self._stream, method), *arguments)
        return await self._scheduler.run(self._job, deadline, STAGES[method], step)

    def close(self) -> None:
        self._job.closed = True
