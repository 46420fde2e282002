"""A worker process: one thread listens to the server, one computes the step with the earliest deadline."""

import heapq
import itertools
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from swaram.errors import SwaramError
from swaram.server.logs import describe_fault
from swaram.server.protocol import RequestError
from swaram.server.workers import give_back
from swaram.voice.engine import Engine
from swaram.voice.library import served_packages
from swaram.voice.request import SpeechRequest
from swaram.voice.synthesis import SpeechStream, StreamFormat
from swaram.voice.voice import Voice


def work(connection: Connection, voices: Path | None) -> None:
    """Serve until the connection ends. The first message out is ("ready",)."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the server decides when its workers stop
        signal.signal(number, signal.SIG_IGN)
    engines = dict(_sound_engines(voices))
    give_back(threading.Event())
    connection.send(("ready",))
    Worker(connection, engines).run()


def _sound_engines(voices: Path | None) -> Iterator[tuple[str, Engine]]:
    """An engine for every voice that can be opened: the server has said what is wrong with the others."""
    for name, path in served_packages(voices).items():
        with suppress(SwaramError):
            yield name, _open_engine(name, path)


def _open_engine(name: str, path: Path) -> Engine:
    engine = Engine(Voice.open(path).named(name))
    engine.warm_up()
    return engine


class _Gone:
    """In place of a stream whose voice is not here any more: every step says so."""

    def __getattr__(self, method: str) -> Any:
        def refuse(*_: Any) -> None:
            raise RequestError("unknown_voice", "The voice was taken away just now; choose another one.")

        return refuse


class Worker:
    """The streams of one process, and their waiting steps."""

    def __init__(self, connection: Connection, engines: dict[str, Engine]) -> None:
        self._connection, self._engines = connection, engines
        self._streams: dict[int, SpeechStream | _Gone] = {}
        self._sending = threading.Lock()
        self._queue: list[tuple[float, int, float, int, int, str, tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._ended = False

    def run(self) -> None:
        """Compute until the server is gone."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            with self._changed:
                while not self._queue and not self._ended:
                    self._changed.wait()
                if self._ended:
                    return
                _, _, since, call, number, method, arguments = heapq.heappop(self._queue)
                stream = self._streams.get(number)
            if stream is not None:
                self._step(call, since, stream, method, arguments)

    def _step(
        self, call: int, since: float, stream: SpeechStream | _Gone, method: str, arguments: tuple[Any, ...]
    ) -> None:
        begun = time.monotonic()
        fault = result = None
        try:
            result = getattr(stream, method)(*arguments)
        except SwaramError as error:
            fault = (getattr(error, "code", "bad_request"), str(error))
        except Exception as error:
            fault = ("internal", describe_fault(error))
        self._answer((call, result, fault, begun - since, time.monotonic() - begun))

    def _answer(self, message: tuple[Any, ...]) -> None:
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            self._ended = True

    def _load(self, call: int, voice: str, path: Path) -> None:
        """Beside the streams, which are computed meanwhile."""
        fault = None
        try:
            self._engines[voice] = _open_engine(voice, path)
        except SwaramError as error:
            fault = (getattr(error, "code", "bad_request"), str(error))
        except Exception as error:
            fault = ("internal", describe_fault(error))
        self._answer((call, None, fault, 0.0, 0.0))

    def _listen(self) -> None:
        try:
            while True:
                kind, number, *rest = self._connection.recv()
                with self._changed:
                    self._take(kind, number, rest)
                    self._changed.notify()
        except (EOFError, OSError):
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _take(self, kind: str, number: int, rest: list[Any]) -> None:
        if kind == "open":
            voice, request, form = rest
            self._streams[number] = self._open(voice, request, form)
        elif kind == "load":
            threading.Thread(target=self._load, args=(number, *rest), daemon=True).start()
        elif kind == "unload":
            self._engines.pop(rest[0], None)
        elif kind == "stop":
            self._ended = True
        elif kind == "close":
            self._streams.pop(number, None)
        else:
            call, deadline, method, arguments = rest
            entry = (deadline, next(self._order), time.monotonic(), call, number, method, arguments)
            heapq.heappush(self._queue, entry)

    def _open(self, voice: str, request: SpeechRequest, form: StreamFormat) -> SpeechStream | _Gone:
        engine = self._engines.get(voice)
        return _Gone() if engine is None else SpeechStream(engine, request, form)
