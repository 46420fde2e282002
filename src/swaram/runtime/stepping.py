"""A model with carried state at work: window after window, each from where the one before has stopped."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from swaram.runtime.carried import CarriedGraph
from swaram.runtime.session import open_session


@dataclass
class Progress:
    """How far one sequence of frames has come: ``given`` out, ``taken`` in, and what is kept for the next window."""

    given: int = 0
    taken: int = 0
    kept: list[np.ndarray] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    waiting: list[np.ndarray] = field(default_factory=list)


class Stepper:
    """Runs a rewritten model. Runs may come from several threads, those of one ``Progress`` one after another."""

    def __init__(self, graph: CarriedGraph, threads: int = 1) -> None:
        self._graph = graph
        self._session = open_session(graph.model, threads, keep_memory=True)
        self._takes = {given.name for given in self._session.get_inputs()}
        self._names = [output.name for output in graph.outputs] + [f"{carry.name}/next" for carry in graph.carries]

    @property
    def ahead(self) -> int:
        """Frames beyond a window that must be known to make it."""
        return self._graph.ahead

    def step(
        self,
        progress: Progress,
        end: int,
        total: int,
        frames: Callable[[str, int, int], np.ndarray],
        constant: dict[str, np.ndarray],
    ) -> list[np.ndarray]:
        """The outputs of frames ``progress.given`` to ``end``, of ``total``, in the order in which they were named.

        ``frames``: of an input, from one frame to another, time last; they are asked for up to ``end`` + ``ahead``.
        ``constant``: the inputs that are the same for all frames. Raises what onnxruntime raises.
        """
        high = min(total, end + self._graph.ahead)
        if high > progress.taken:
            self._run(progress, high, total, frames, constant)
        parts = []
        for number, output in enumerate(self._graph.outputs):
            count = (end - progress.given) * output.rate
            waiting = progress.waiting[number]
            parts.append(_cut(waiting, 0, count, output.axis))
            progress.waiting[number] = _cut(waiting, count, waiting.shape[output.axis], output.axis)
        progress.given = end
        return parts

    def _run(
        self,
        progress: Progress,
        high: int,
        total: int,
        frames: Callable[[str, int, int], np.ndarray],
        constant: dict[str, np.ndarray],
    ) -> None:
        graph, low = self._graph, progress.taken
        first, last = low == 0, high == total

        def later(wait: int) -> tuple[int, int]:
            return max(0, low - wait), total if last else high - wait

        feed = {name: frames(name, low, high) for name in graph.inputs}
        feed |= {f"late/{wait}/{name}": frames(name, *later(wait)) for name, wait in graph.lates}
        feed |= {name: value for name, value in constant.items() if name in self._takes}
        for number, carry in enumerate(graph.carries):
            feed[carry.name] = _zeros(carry.shape, carry.begin) if first else progress.kept[number]
            if carry.end:
                feed[f"{carry.name}/end"] = _zeros(carry.shape, carry.end if last else 0)
        for switch in graph.switches:
            holds = last if switch.of_last else first
            feed[switch.name] = np.array([switch.then if holds else switch.otherwise], np.int64)
        if graph.head:
            head = graph.head
            begins, ends = later(head.late)
            whole, end = max(0, begins - head.back), min(high, ends + head.ahead)
            feed |= {f"head/{name}": frames(name, whole, end) for name in head.inputs}
            for rate in head.rates:
                feed[f"head/start/{rate}"] = np.array([(begins - whole) * rate], np.int64)
                feed[f"head/end/{rate}"] = np.array([(ends - whole) * rate], np.int64)
        results = self._session.run(self._names, feed)
        count = len(graph.outputs)
        progress.kept = [] if last else results[count:]
        if first:
            progress.made = [0] * count
        overlap = graph.context or graph.delay
        before = max(0, low - graph.delay - graph.context)
        for number, (output, made) in enumerate(zip(graph.outputs, results, strict=False)):
            fresh = total * output.rate if last else high * output.rate - output.behind
            start = progress.made[number] - before * output.rate if overlap else 0  # what was made before
            made = _cut(made, start, start + fresh - progress.made[number], output.axis)
            progress.made[number] = fresh
            if first:
                progress.waiting.append(made)
            else:
                progress.waiting[number] = np.concatenate([progress.waiting[number], made], output.axis)
        progress.taken = high


def _cut(values: np.ndarray, start: int, end: int, axis: int) -> np.ndarray:
    return values[(slice(None),) * axis + (slice(start, end),)]


def _zeros(shape: tuple[int | None, ...], count: int) -> np.ndarray:
    return np.zeros([count if size is None else size for size in shape], np.float32)
