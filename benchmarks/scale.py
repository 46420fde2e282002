"""Queues, admission and autoscaling simulated from recorded service times, and held against a real server.

    python benchmarks/scale.py record --voices voices
    python benchmarks/scale.py check --voices voices --workers 1 --streams 4 8 --seconds 20
    python benchmarks/scale.py plan

``record`` runs the steps of requests one by one and writes what each took. ``check`` lets the same listeners come to a
real server and to the simulated one. ``plan`` asks the simulation what many listeners take. Steps wait and are paced as
``server/speech_job.py`` and ``server/scheduler.py`` do it; who may begin is decided by the server's own ``Admission``,
how many replicas there are by ``cluster/autoscaling.py``.
"""

import argparse
import asyncio
import heapq
import itertools
import json
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import serving

from swaram.cluster.autoscaling import pressure, wanted
from swaram.server import admission as admission_module
from swaram.server.admission import Admission
from swaram.server.metrics import Metrics
from swaram.server.protocol import RequestError
from swaram.server.settings import ServerSettings

TIMES = Path(__file__).with_name("service_times.json")
FIRST_SOUND_TARGET, LEAST_LEAD = 0.1, 0.5  # as in server/speech_job.py


def record(voices: str, clock: Callable[[], float] = time.thread_time, turns: int = 4) -> dict[str, Any]:
    """Requests as lists of their steps: seconds of computing each, and of each window the seconds of sound it gives.

    ``clock``: by the processor's, what a core of its own would take; by that on the wall, with whatever else runs.
    """

    def timed(work: Callable[[], Any]) -> tuple[float, Any]:
        begun = clock()
        given = work()
        return round(clock() - begun, 5), given

    from swaram.audio.encoders import open_encoder
    from swaram.audio.flac import to_integers
    from swaram.voice.library import known_packages, open_engine
    from swaram.voice.request import SpeechRequest

    name, found = next(iter(known_packages(voices).items()))
    engine = open_engine(found.path, name)
    requests = []
    for turn, text in itertools.product(range(turns), serving.SENTENCES):
        synthesis = engine.begin(SpeechRequest(seed=turn), "none")
        rate = engine.voice.sample_rate
        encoder = open_encoder("flac", rate, 16, rate)
        told: dict[str, Any] = {"normalize": timed(lambda s=synthesis, t=text: s.feed(t, True))[0], "passages": []}
        for index in range(synthesis.passages):
            seconds, prepared = timed(lambda s=synthesis, i=index: s.prepare(i))
            passage: dict[str, Any] = {"frontend": seconds, "windows": []}
            for window, samples in enumerate(prepared.window_samples):
                took, _ = timed(
                    lambda s=synthesis, e=encoder, i=index, w=window: e.encode(to_integers(s.render(i, w), 16))
                )
                passage["windows"].append([round(samples / rate, 4), round(took, 5)])
            told["passages"].append(passage)
        told["encode"] = timed(encoder.finish)[0]
        requests.append(told)
    return {"voice": name, "requests": requests}


class Clock:
    """Simulated time: processes are generators that yield a moment to wake at, or an ``Event`` to wait for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Iterator[Any]]] = []
        self._order = itertools.count()

    def start(self, process: Iterator[Any], at: float | None = None) -> None:
        """Begin a process now, or at a moment."""
        heapq.heappush(self._queue, (self.now if at is None else at, next(self._order), process))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, process = heapq.heappop(self._queue)
            waits = next(process, None)
            if isinstance(waits, Event):
                waits.waiting.append(process)
                if waits.done:
                    waits.fire(self)
            elif waits is not None:
                self.start(process, max(self.now, waits))


@dataclass
class Event:
    """Something that processes wait for."""

    done: bool = False
    waiting: list[Iterator[Any]] = field(default_factory=list)

    def fire(self, clock: Clock) -> None:
        """It has happened."""
        self.done = True
        for process in self.waiting:
            clock.start(process)
        self.waiting = []


@dataclass
class Seen:
    """What the listeners of one replica saw; times in seconds."""

    first: list[float] = field(default_factory=list)
    refused: int = 0
    underruns: int = 0
    sound: float = 0.0
    busy: float = 0.0


class Replica:
    """A server of so many workers: a queue by deadline, admission, and requests as listeners make them."""

    def __init__(self, clock: Clock, requests: list[dict[str, Any]], workers: int, chance: random.Random) -> None:
        self.clock, self.requests, self.workers, self.chance, self.seen = clock, requests, workers, chance, Seen()
        self._queue: list[tuple[float, int, str, float, Event]] = []
        self._order, self._free = itertools.count(), workers
        admission_module.time = SimpleNamespace(monotonic=lambda: clock.now)  # type: ignore[assignment]
        self.settings = ServerSettings(workers=workers)
        self.admission = Admission(self.settings, Metrics())
        self.admission.measure(statistics.fmean(map(factor, requests)), 1.0)
        self.holder: Any = SimpleNamespace(
            streams=0, grant=SimpleNamespace(streams=None, characters_per_minute=None), take=lambda _: 0.0
        )

    def step(self, deadline: float, stage: str, seconds: float) -> Event:
        """Queue a step; the event is when it is done."""
        done = Event()
        heapq.heappush(self._queue, (deadline, next(self._order), stage, seconds, done))
        self._begin()
        return done

    def _begin(self) -> None:
        while self._free and self._queue:
            _, _, stage, seconds, done = heapq.heappop(self._queue)
            self._free -= 1
            self.clock.start(self._work(stage, seconds, done))

    def _work(self, stage: str, seconds: float, done: Event) -> Iterator[Any]:
        yield self.clock.now + seconds
        self.seen.busy += seconds
        self._free += 1
        self.admission.measure_step(stage, seconds)
        done.fire(self.clock)
        self._begin()

    def speak(self, request: dict[str, Any], heard: list[float]) -> Iterator[Any]:
        """One request, paced for somebody who plays at once; ``heard`` gets first sound, and end of playing."""
        clock, asked, begun, sent, cost = self.clock, self.clock.now, None, 0.0, 0.0
        measured = (0.0, 0.0)

        def deadline() -> float:
            return asked + FIRST_SOUND_TARGET if begun is None else begun + sent

        yield self.step(deadline(), "normalize", request["normalize"])
        cost += request["normalize"]
        ahead = None
        for index, passage in enumerate(request["passages"]):
            yield ahead or self.step(deadline(), "frontend", passage["frontend"])
            cost, ahead = cost + passage["frontend"], None
            for sound, seconds in passage["windows"]:
                if begun is not None:
                    lead = max(self.settings.seconds_ahead - sound, LEAST_LEAD)
                    yield begun + sent - lead
                yield self.step(deadline(), "decode", seconds)
                cost += seconds
                if begun is None:
                    begun = clock.now
                    self.seen.first.append(begun - asked)
                    self.admission.note_start(begun - asked - cost)
                else:
                    left = begun + sent - clock.now
                    self.admission.note_margin(left)
                    self.seen.underruns += left < 0
                sent += sound
                if ahead is None and index + 1 < len(request["passages"]):
                    ahead = self.step(deadline(), "frontend", request["passages"][index + 1]["frontend"])
            self.admission.measure(cost - measured[0], sent - measured[1])
            measured = (cost, sent)
        yield self.step(deadline(), "encode", request["encode"])
        self.seen.sound += sent
        heard.append((begun or clock.now) + sent)

    def listener(self, until: float) -> Iterator[Any]:
        """Somebody who asks for one sentence after another, and tries again after a second when refused."""
        clock = self.clock
        while clock.now < until:
            try:
                self.admission.admit(self.holder, 0, len(self._queue))
            except RequestError:
                self.seen.refused += 1
                yield clock.now + 1.0
                continue
            self.admission.enter(self.holder)
            heard: list[float] = []
            yield from self.speak(self.chance.choice(self.requests), heard)
            self.admission.leave(self.holder)
            yield heard[0]


def factor(request: dict[str, Any]) -> float:
    """Seconds of computing for a second of sound."""
    windows = [window for passage in request["passages"] for window in passage["windows"]]
    cost = request["normalize"] + request["encode"] + sum(passage["frontend"] for passage in request["passages"])
    return (cost + sum(seconds for _, seconds in windows)) / sum(sound for sound, _ in windows)


def simulate(requests: list[dict[str, Any]], workers: int, streams: int, seconds: float, seed: int = 0) -> Seen:
    """So many listeners at one replica, who come at random moments of the first five seconds."""
    clock, chance = Clock(), random.Random(seed)
    replica = Replica(clock, requests, workers, chance)
    for _ in range(streams):
        clock.start(replica.listener(seconds), chance.uniform(0, min(5.0, streams / 10)))
    clock.run(seconds + 60)
    return replica.seen


def percentile(values: list[float], share: float) -> float:
    """Of seconds, as milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else float("nan")


def check(voices: str, workers: int, streams: list[int], seconds: float) -> list[dict[str, Any]]:
    """The same listeners at a real server and at the simulated one; the service times are recorded just before."""
    requests = record(voices, time.perf_counter)["requests"]
    rows = []
    with serving.serving(["--voices", voices, "--workers", str(workers)]) as (address, pid):
        for count in streams:
            real = asyncio.run(serving.measure(address, pid, count, seconds))
            seen = simulate(requests, workers, count, seconds)
            rows.append(
                {
                    "workers": workers,
                    "streams": count,
                    "real": {
                        "requests": real.requests - real.refused,
                        "refused": real.refused,
                        "first_p50_ms": real.first_p50_ms,
                        "first_p95_ms": real.first_p95_ms,
                        "underruns": real.underruns,
                        "cores": real.cpu_cores,
                        "others_cores": real.others_cores,
                    },
                    "simulated": {
                        "requests": len(seen.first),
                        "refused": seen.refused,
                        "first_p50_ms": round(percentile(seen.first, 0.5), 1),
                        "first_p95_ms": round(percentile(seen.first, 0.95), 1),
                        "underruns": seen.underruns,
                        "cores": round(seen.busy / seconds, 2),
                    },
                }
            )
    return rows


def replica_capacity(requests: list[dict[str, Any]], workers: int, seconds: float = 60.0) -> dict[str, Any]:
    """Most listeners whom one replica serves without refusing one in a hundred or an underrun, and what they see."""
    best: dict[str, Any] = {}
    low, high = 1, max(4, int(2 * workers / statistics.fmean(map(factor, requests))))
    while low <= high:
        streams = (low + high) // 2
        seen = simulate(requests, workers, streams, seconds)
        if seen.refused <= 0.01 * len(seen.first) and not seen.underruns:
            best = {
                "streams": streams,
                "first_p50_ms": round(percentile(seen.first, 0.5), 1),
                "first_p95_ms": round(percentile(seen.first, 0.95), 1),
                "cores": round(seen.busy / seconds, 2),
            }
            low = streams + 1
        else:
            high = streams - 1
    return {"workers": workers, **best}


def rush(capacity: int, listeners: int, ramp: float, start_seconds: float, spare: float, low: int) -> dict[str, Any]:
    """Listeners grow evenly from the middle of what ``low`` replicas hold to ``listeners`` within ``ramp`` seconds, by
    steps of a second: how many replicas the policy asks for, when they are there, and who finds no place.

    ``start_seconds``: from being asked for to serving; ``spare``: share of replicas kept beyond what is wanted.
    """
    ready, coming = low, []
    refused = peak = 0.0
    begun = low * capacity * 0.5
    for second in range(int(ramp + 300)):
        there = begun + (listeners - begun) * min(1.0, second / ramp)
        ready += sum(1 for at in coming if at <= second)
        coming = [at for at in coming if at > second]
        shut_out = max(0.0, there - ready * capacity)
        refused += shut_out
        peak = max(peak, shut_out)
        each = pressure(int(min(there, ready * capacity) / ready), capacity, 0.0, 0.15, int(shut_out / ready))
        target = math.ceil(wanted([each] * ready, low, 10**6) * (1 + spare))
        coming += [second + start_seconds] * max(0, target - ready - len(coming))
    return {
        "replicas": ready,
        "most_without_a_place": round(peak),
        "listener_seconds_without": round(refused),
        "share_without": round(refused / (listeners * (ramp + 300)), 4),
    }


def plan(requests: list[dict[str, Any]], start_seconds: float) -> dict[str, Any]:
    """What many listeners take, from the simulation of one replica and of its autoscaling."""
    factors = list(map(factor, requests))
    found: dict[str, Any] = {
        "computing_for_a_second_of_sound": round(statistics.fmean(factors), 4),
        "replicas": [replica_capacity(requests, workers) for workers in (1, 2, 4, 8)],
    }
    capacity = found["replicas"][-1]["streams"]
    for listeners, low in ((10_000, 8), (1_000_000, 8)):
        found[f"listeners_{listeners}"] = {
            "replicas_of_8": math.ceil(listeners / capacity),
            "cores": 8 * math.ceil(listeners / capacity),
            "ramp_10_minutes": rush(capacity, listeners, 600.0, start_seconds, 0.0, low),
            "ramp_10_minutes_with_a_quarter_spare": rush(capacity, listeners, 600.0, start_seconds, 0.25, low),
            "ramp_60_minutes": rush(capacity, listeners, 3600.0, start_seconds, 0.0, low),
        }
    return found


def main() -> None:
    """Read the command line; print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "check", "plan"))
    parser.add_argument("--voices", default="voices")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--streams", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--start-seconds", type=float, default=60.0, help="until a new replica serves")
    parser.add_argument("--times", type=Path, default=TIMES)
    chosen = parser.parse_args()
    if chosen.what == "record":
        chosen.times.write_text(json.dumps(record(chosen.voices)) + "\n")
        print(chosen.times)
    elif chosen.what == "check":
        print(json.dumps(check(chosen.voices, chosen.workers, chosen.streams, chosen.seconds), indent=1))
    else:
        print(json.dumps(plan(json.loads(chosen.times.read_text())["requests"], chosen.start_seconds), indent=1))


if __name__ == "__main__":
    main()
