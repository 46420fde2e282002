"""What lies between a model's inputs and outputs: the shapes of everything that grows with time, by running it twice.

No rules of shapes are needed: the runtime itself says what each operation makes of a few frames, and of a few more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime

from swaram.runtime.graph import FLOAT, Graph, Node, needed, taken

_FEW, _MORE = 7, 12
_MOST_FRAMES = 1024
# Values in which an output that hangs on an input shows it: what is logarithmic or periodic wants them positive.
_POSITIVE = frozenset({"pitch"})


@dataclass(frozen=True)
class Seen:
    """A tensor at two lengths.

    ``shape``: with None at ``axis``, which has ``rate`` entries a frame and ``extra`` more.
    """

    shape: tuple[int | None, ...]
    axis: int | None
    rate: int
    extra: int
    values: np.ndarray | None  # of small tensors of integers that are the same at both lengths


class ProbeError(ValueError):
    """A graph that cannot be looked into."""


class Probe:
    """Runs a graph with other outputs. ``rates``: of its inputs over time, entries in a frame; their length is the one
    that is left open, batch aside. ``shapes``: of inputs that are not declared as they are.
    """

    def __init__(
        self, graph: Graph, rates: Mapping[str, int], shapes: Mapping[str, Sequence[int | None]] | None = None
    ) -> None:
        # As it is now: whoever asks may change the graph in the meantime.
        self._graph = Graph(list(graph.nodes), dict(graph.weights), dict(graph.inputs), {}, graph.around)
        self._rates = rates
        for name, shape in (shapes or {}).items():
            self._graph.declare_input(name, FLOAT, shape)
        self._shapes = {name: self._shape(name) for name in self._graph.inputs}

    def look(self, names: Iterable[str]) -> dict[str, Seen]:
        """These tensors, each as it is at two lengths."""
        names = list(dict.fromkeys(names))
        session = self._session(names)
        few, more = (session.run(None, self._feed(session, frames, 0)) for frames in (_FEW, _MORE))
        return {name: _seen(a, b) for name, a, b in zip(names, few, more, strict=True)}

    def reach(self, names: Iterable[str]) -> tuple[int, int]:
        """On how many frames of the inputs, before and after its own, a frame of ``names`` hangs.

        All frames before a place are changed, and it is seen how far behind it something changes; and the other way
        round. Each of the names must grow by whole frames.
        """
        names = list(names)
        session, frames = self._session(names), 64
        while True:
            base, other, place = self._feed(session, frames, 1), self._feed(session, frames, 2), frames // 2
            back = ahead = 0
            heard = session.run(None, base)
            for early in (True, False):
                mixed = dict(base)
                for name in set(self._rates).intersection(base):
                    first, last = (other, base) if early else (base, other)
                    axis, cut = self._shapes[name].index(None), place * self._rates[name]
                    halves = np.split(first[name], [cut], axis)[0], np.split(last[name], [cut], axis)[1]
                    mixed[name] = np.concatenate(halves, axis)
                for before, after in zip(heard, session.run(None, mixed), strict=True):
                    axis = next(i for i, size in enumerate(before.shape) if size and size % frames == 0)
                    rate = before.shape[axis] // frames
                    changed = np.flatnonzero((before != after).any(tuple(i for i in range(before.ndim) if i != axis)))
                    if not len(changed):
                        continue
                    if early:
                        back = max(back, -(-(int(changed.max()) + 1 - place * rate) // rate))
                    else:
                        ahead = max(ahead, -(-(place * rate - int(changed.min())) // rate))
            if max(back, ahead) < place - 1:
                return back, ahead
            frames *= 2
            if frames > _MOST_FRAMES:
                raise ProbeError("something hangs on all frames at once")

    def _session(self, names: list[str]) -> onnxruntime.InferenceSession:
        whole = self._graph
        nodes = needed(whole.nodes, names)
        used = {*taken(nodes), *names}
        weights, inputs = ({n: v for n, v in part.items() if n in used} for part in (whole.weights, whole.inputs))
        graph = Graph(nodes, weights, inputs, {}, whole.around)
        for number, name in enumerate(names):  # a weight or an input may be asked for as well
            graph.nodes.append(Node("Identity", [name], [f"probe/{number}"]))
            graph.declare_output(f"probe/{number}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        return onnxruntime.InferenceSession(graph.encode(), options, providers=["CPUExecutionProvider"])

    def _shape(self, name: str) -> list[int | None]:
        shape = self._graph.input_shape(name)
        shape[0] = 1 if shape[0] is None else shape[0]
        if name not in self._rates and len(shape) == 3 and shape[1] is None:
            shape[1] = self._width(name)
        if shape.count(None) != (name in self._rates):
            raise ProbeError(f"the shape of {name} is not known")
        return shape

    def _width(self, name: str) -> int | None:
        """The channels of an input, from the convolution that takes it."""
        for node in self._graph.nodes:
            if node.inputs[:1] == [name] and node.operator == "Identity":
                return self._width(node.outputs[0])
            if node.inputs[:1] == [name] and node.operator == "Conv":
                shape = self._graph.weight_shape(self._stored(node.inputs[1]))
                return shape[1] if shape else None
        return None

    def _stored(self, name: str) -> str:
        """The weight behind another that is widened from it."""
        makers = {output: node for node in self._graph.nodes for output in node.outputs}
        while name in makers and makers[name].operator in ("Cast", "Mul"):
            name = makers[name].inputs[0]
        return name

    def _feed(self, session: onnxruntime.InferenceSession, frames: int, seed: int) -> dict[str, np.ndarray]:
        random = np.random.default_rng(seed)
        feed = {}
        for name in (given.name for given in session.get_inputs()):
            grown = frames * self._rates.get(name, 1)
            sizes = [grown if size is None else size for size in self._shapes[name]]
            values = random.uniform(80, 400, sizes) if name in _POSITIVE else random.standard_normal(sizes)
            feed[name] = values.astype(np.float32)
        return feed


def _seen(few: np.ndarray, more: np.ndarray) -> Seen:
    few, more = np.asarray(few), np.asarray(more)
    grows = [i for i, (a, b) in enumerate(zip(few.shape, more.shape, strict=True)) if a != b]
    small = few.dtype.kind in "iu" and few.size <= 64 and np.array_equal(few, more)
    values = few if small and not grows else None
    if len(grows) != 1:
        return Seen(tuple(few.shape), None, 0, 0, values)
    axis = grows[0]
    rate, rest = divmod(more.shape[axis] - few.shape[axis], _MORE - _FEW)
    shape = tuple(None if i == axis else size for i, size in enumerate(few.shape))
    return Seen(shape, None if rest else axis, rate, few.shape[axis] - rate * _FEW, None)
