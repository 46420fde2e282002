"""What each operation of a graph becomes when its state is carried from window to window.

A tensor over time is known up to a number of entries before the end of the window. Where two meet, the earlier one
waits for the later one; where a convolution takes one, its last entries are kept for the next window.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from swaram.runtime.graph import FLOAT, INT64, Graph, Node, integer_attribute, needed, taken
from swaram.runtime.probe import Seen

_UNARY = frozenset(
    """
    Abs Cast Ceil Clip Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Mish Neg Reciprocal Relu
    Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Tanh
    """.split()  # noqa: SIM905
)
_JOINING = frozenset(("Add", "Sub", "Mul", "Div", "Max", "Min", "Mean", "Sum", "Pow", "PRelu", "Where"))
_ACROSS = frozenset(("Slice", "Gather", "Split", "ReduceSum", "ReduceMean", "Softmax"))  # along an axis that they name
_ALONG = _ACROSS | {"Unsqueeze", "Squeeze", "Transpose"}
_NEUTRAL = {("Mul", 1.0), ("Add", 0.0), ("Sub", 0.0), ("Div", 1.0)}
_ALL = np.iinfo(np.int64).max
# Where a frame has more entries than this, copying what layers keep costs more than computing a few frames anew.
_HIGHEST_RATE = 16


@dataclass(frozen=True)
class Carry:
    """Entries that a window takes from the one before; zeros ``begin`` the first window and ``end`` the last."""

    name: str
    shape: tuple[int | None, ...]
    axis: int
    begin: int
    end: int


@dataclass(frozen=True)
class Switch:
    """An integer that is one in a first (or last) window and another in all others."""

    name: str
    of_last: bool
    then: int
    otherwise: int


@dataclass(frozen=True)
class Timed:
    """A tensor over time: entry n is known up to ``rate`` x frames - ``behind``, and depends on ``back`` before it.

    ``pad``: zeros that the next convolution finds around it; ``raw``: made of inputs alone, and nothing behind.
    """

    axis: int
    rate: int
    behind: int = 0
    back: int = 0
    pad: tuple[int, int] = (0, 0)
    raw: bool = False


@dataclass
class Layers:
    """A graph that is put together anew, operation by operation; what was found out of it, and how far it has come."""

    graph: Graph
    timed: Mapping[str, int | None]
    targets: list[str]
    nodes: list[Node] = field(default_factory=list)
    known: dict[str, Timed] = field(default_factory=dict)
    opaque: dict[str, bool] = field(default_factory=dict)  # not understood; whether it hangs on raw inputs alone
    sizes: set[str] = field(default_factory=set)  # numbers that follow from a length
    filled: dict[str, float] = field(default_factory=dict)  # tensors of one value
    carries: dict[str, tuple[Carry, Node]] = field(default_factory=dict)
    switches: list[Switch] = field(default_factory=list)
    joined: dict[str, list[tuple[str, int, int, int]]] = field(default_factory=dict)
    later: dict[tuple[str, int], str] = field(default_factory=dict)
    takers: dict[str, list[Node]] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    depending: list[Node] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    lates: list[tuple[str, int]] = field(default_factory=list)  # inputs that are also taken so many frames later
    number: int = 0

    def _fresh(self, what: str) -> str:
        self.number += 1
        return f"carried/{self.number}/{what}"

    def _put(self, operator: str, inputs: list[str], attributes: dict[str, bytes] | None = None) -> str:
        made = self._fresh(operator.lower())
        self.nodes.append(Node(operator, inputs, [made], attributes or {}))
        return made

    def _integers(self, *values: int) -> str:
        name = f"carried/integers/{'_'.join(map(str, values))}"
        if name not in self.graph.weights:
            self.graph.add_weight(name, np.array(values, np.int64))
        return name

    def _slice(self, name: str, axis: int, start: int | str, end: int | str) -> str:
        ends = [value if isinstance(value, str) else self._integers(value) for value in (start, end)]
        return self._put("Slice", [name, *ends, self._integers(axis)])

    def understood(self, node: Node, moving: list[str]) -> bool:
        operator = node.operator
        if any(name in self.known and self.known[name].pad != (0, 0) for name in moving) and operator != "Conv":
            return False
        lengths = {name for name in node.inputs if name in self.sizes or name in self.filled}
        if lengths and operator not in (_ALONG | {"Reshape"} if lengths <= self.sizes else _JOINING):
            return False
        if operator in _UNARY:
            return self._alike(node, moving)
        if operator in _JOINING:
            return self._join(node, moving)
        if operator == "Concat":
            return len(moving) == len(node.inputs) and self._alike(node, moving)
        if operator == "LayerNormalization":
            axis = node.integers("axis", [-1])[0]
            rank = len(self.seen[node.inputs[0]].shape)
            return self.known[node.inputs[0]].axis < axis % rank and self._alike(node, moving)
        if operator in ("MatMul", "Gemm"):
            return operator == "MatMul" and self._product(node, moving)
        if operator in _ALONG:
            return moving == node.inputs[:1] and self._along(node, moving)
        if operator in ("Reshape", "Flatten"):
            return moving == node.inputs[:1] and self._reshape(node)
        if operator == "Pad":
            return moving == node.inputs[:1] and self._pad(node)
        if operator in ("Conv", "ConvTranspose") and moving == node.inputs[:1]:
            return self._convolve(node) if operator == "Conv" else self._upsample(node)
        return False

    def _emit(self, node: Node, known: list[Timed], inputs: list[str] | None = None, **integers: list[int]) -> bool:
        """Put the node with these inputs; ``known`` says of each output what it is."""
        self.nodes.append(node.changed(inputs, node.outputs, **integers))
        self.known.update(zip(node.outputs, known, strict=True))
        return True

    def _made(self, name: str, like: Timed) -> Timed | None:
        """What a tensor is that has as many entries as ``like``; None where it has others."""
        seen = self.seen[name]
        if seen.axis is None or seen.rate != like.rate or seen.extra:
            return None
        return Timed(seen.axis, seen.rate, like.behind, like.back, raw=like.raw)

    def _together(self, node: Node, moving: list[str]) -> tuple[Timed, list[str]]:
        """The node's inputs, all as far behind as the one that is furthest."""
        known = [self.known[name] for name in moving]
        behind, back = max(k.behind for k in known), max(k.back for k in known)
        inputs = [self._behind(name, behind) if name in moving else self._scalar(name) for name in node.inputs]
        return Timed(known[0].axis, known[0].rate, behind, back, raw=all(k.raw for k in known)), inputs

    def _scalar(self, name: str) -> str:
        """A tensor of one value as that value: it fits every length."""
        if name not in self.filled:
            return name
        constant = f"carried/value/{self.filled[name]}"
        if constant not in self.graph.weights:
            self.graph.add_weight(constant, np.array(self.filled[name], np.float32))
        return constant

    def _alike(self, node: Node, moving: list[str]) -> bool:
        """Nothing happens along time."""
        if node.operator == "Concat":
            axis, rank = node.integers("axis")[0], len(self.seen[node.inputs[0]].shape)
            if any(self.known[name].axis == axis % rank for name in moving):
                return False
        if len({(self.known[name].axis, self.known[name].rate) for name in moving}) != 1:
            return False
        outputs = [self._made(name, self.known[moving[0]]) for name in node.outputs]
        if None in outputs:
            return False
        together, inputs = self._together(node, moving)
        return self._emit(node, [self._made(name, together) for name in node.outputs], inputs)  # type: ignore[misc]

    def _join(self, node: Node, moving: list[str]) -> bool:
        """Operands that are broadcast: time must lie at the same place from the end in all of them."""
        output = self.seen[node.outputs[0]]
        rank = len(output.shape)
        for name in node.inputs:
            shape = self.seen[name].shape
            place = (output.axis or 0) - (rank - len(shape))
            if name in moving:
                if self.known[name].axis != place or self.known[name].rate != output.rate:
                    return False
            elif name not in self.filled and place >= 0 and shape[place] != 1:
                return False
        if self._made(node.outputs[0], self.known[moving[0]]) is None:
            return False
        together, inputs = self._together(node, moving)
        known = [self._made(node.outputs[0], together)]
        fill = self.filled.get(node.inputs[-1])
        if len(node.inputs) == 2 and fill is not None and (node.operator, fill) in _NEUTRAL:
            self.nodes.append(Node("Identity", inputs[:1], node.outputs))
            self.known[node.outputs[0]] = known[0]  # type: ignore[assignment]
            return True
        return self._emit(node, known, inputs)  # type: ignore[arg-type]

    def _product(self, node: Node, moving: list[str]) -> bool:
        if len(moving) != 1:
            return False
        rank = len(self.seen[moving[0]].shape)
        summed = rank - 1 if moving[0] == node.inputs[0] else rank - 2
        return rank >= 2 and self.known[moving[0]].axis != summed and self._alike(node, moving)

    def _along(self, node: Node, moving: list[str]) -> bool:
        """Operations along another axis than time, or that move axes."""
        known, operator = self.known[moving[0]], node.operator
        axes = node.integers("axes") or node.integers("axis", [0] if operator in ("Gather", "Split") else [])
        place = {"Slice": 3, "ReduceSum": 1}.get(operator)
        if place is not None and len(node.inputs) > place:
            given = self.seen[node.inputs[place]].values
            axes = [] if given is None else given.reshape(-1).tolist()
        rank = len(self.seen[moving[0]].shape)
        if operator in _ACROSS and (not axes or known.axis in [axis % rank for axis in axes]):
            return False
        inputs = [moving[0]]
        for name in node.inputs[1:]:
            if name in self.sizes:
                values = self.seen[name].values
                if values is None:
                    return False
                constant = self._fresh("number")
                self.graph.add_weight(constant, values.astype(np.int64))
                name = constant
            inputs.append(name)
        outputs = [self._made(name, known) for name in node.outputs]
        return None not in outputs and self._emit(node, outputs, inputs)  # type: ignore[arg-type]

    def _reshape(self, node: Node) -> bool:
        """Other shapes around time, which must be the innermost axis before and after."""
        before, after = self.seen[node.inputs[0]], self.seen[node.outputs[0]]
        made = self._made(node.outputs[0], self.known[node.inputs[0]])
        if made is None or before.axis != len(before.shape) - 1 or after.axis != len(after.shape) - 1:
            return False
        shape = self._integers(*(-1 if size is None else size for size in after.shape))
        self.nodes.append(Node("Reshape", [node.inputs[0], shape], node.outputs))
        self.known[node.outputs[0]] = made
        return True

    def _pad(self, node: Node) -> bool:
        """Zeros around time that only convolutions find."""
        name, made = node.inputs[0], node.outputs[0]
        pads = self.seen[node.inputs[1]].values if len(node.inputs) > 1 else None
        filler = [name for name in node.inputs[2:] if name]
        takers = self.takers.get(made, [])
        known, rank = self.known[name], len(self.seen[name].shape)
        if pads is None or filler or node.string("mode", "constant") != "constant":
            return False
        if not takers or made in self.targets or any(taker.operator != "Conv" for taker in takers):
            return False
        others = [int(p) for i, p in enumerate(pads) if i % rank != known.axis]
        sides = int(pads[known.axis]), int(pads[known.axis + rank])
        if len(pads) != 2 * rank or any(others) or min(sides) < 0:
            return False
        self.nodes.append(Node("Identity", [name], [made]))
        self.known[made] = Timed(known.axis, known.rate, known.behind, known.back, sides, known.raw)
        return True

    def _convolve(self, node: Node) -> bool:
        known, output = self.known[node.inputs[0]], self.seen[node.outputs[0]]
        shape = node.integers("kernel_shape")
        pads = node.integers("pads", [0, 0])
        plain = node.integers("strides", [1]) == [1] and node.string("auto_pad", "NOTSET") == "NOTSET"
        if len(shape) != 1 or not plain or known.axis != 2 or output.extra or output.rate != known.rate:
            return False
        before, after = pads[0] + known.pad[0], pads[1] + known.pad[1]
        if before + after != (shape[0] - 1) * node.integers("dilations", [1])[0]:
            return False
        if before + after == 0:
            return self._emit(node, [Timed(2, known.rate, known.behind, known.back, raw=known.raw)])
        given = self._carried(node.inputs[0], before, before + after, after)
        made = Timed(2, known.rate, known.behind + after, known.back + before)
        return self._emit(node, [made], [given, *node.inputs[1:]], pads=[0, 0])

    def _upsample(self, node: Node) -> bool:
        """A transposed convolution: the entries that the frames after the window also make come with the next one."""
        known, output = self.known[node.inputs[0]], self.seen[node.outputs[0]]
        shape, stride = node.integers("kernel_shape"), node.integers("strides", [1])[0]
        pads, more = node.integers("pads", [0, 0]), node.integers("output_padding", [0])[0]
        plain = node.integers("dilations", [1]) == [1] and node.string("auto_pad", "NOTSET") == "NOTSET"
        if len(shape) != 1 or not plain or node.integers("output_shape") or known.axis != 2 or output.extra:
            return False
        over = shape[0] - stride
        if (
            output.rate > _HIGHEST_RATE
            or output.rate != stride * known.rate
            or over < 0
            or over != sum(pads) - more
            or pads[0] > over
        ):
            return False
        held = -(-shape[0] // stride) - 1
        given = self._carried(node.inputs[0], 0, held, 0) if held else node.inputs[0]
        made = self._fresh("whole")
        self.nodes.append(
            node.changed([given, *node.inputs[1:]], [made], pads=[0, 0], output_padding=[0], strides=[stride])
        )
        start = self._switch(False, pads[0], held * stride)
        end = self._switch(True, -(over - pads[0]) or _ALL, -over or _ALL)
        cut = self._slice(made, 2, start, end)
        self.nodes.append(Node("Identity", [cut], node.outputs))
        self.known[node.outputs[0]] = Timed(
            2, output.rate, stride * known.behind + pads[0], stride * known.back + shape[0] - 1 - pads[0]
        )
        return True

    def _switch(self, of_last: bool, then: int, otherwise: int) -> str:
        if then == otherwise:
            return self._integers(then)
        switch = Switch(self._fresh("switch"), of_last, then, otherwise)
        self.switches.append(switch)
        self.graph.declare_input(switch.name, INT64, [1])
        return switch.name

    def _carried(self, name: str, begin: int, size: int, end: int) -> str:
        """A tensor with its last ``size`` entries of the window before in front of it, ``begin`` zeros in front of the
        first window, and ``end`` zeros behind the last one."""
        for made, *others in self.joined.get(name, []):
            if others == [begin, size, end]:
                return made
        known = self.known[name]
        shape = self.seen[name].shape
        state, made = self._fresh("state"), self._fresh("with_state")
        parts = [state, name]
        self.graph.declare_input(state, FLOAT, shape)
        if end:
            parts.append(f"{state}/end")
            self.graph.declare_input(parts[-1], FLOAT, shape)
        self.nodes.append(Node("Concat", parts, [made], {"axis": integer_attribute("axis", known.axis)}))
        span = [self._integers(-size), self._integers(_ALL), self._integers(known.axis)]
        keep = Node("Slice", [made, *span], [f"{state}/next"])
        self.carries[made] = (Carry(state, shape, known.axis, begin, end), keep)
        self.joined.setdefault(name, []).append((made, begin, size, end))
        return made

    def _behind(self, name: str, behind: int) -> str:
        """A tensor that comes as late as the layers beside it."""
        known = self.known[name]
        wait = behind - known.behind
        if wait == 0:
            return name
        if (name, wait) not in self.later and known.raw and wait % known.rate == 0:
            self.later[name, wait] = self._from_later(name, wait // known.rate)
        if (name, wait) not in self.later:
            given = next((j for j in self.joined.get(name, []) if j[3] == wait and j[1] + j[3] == j[2]), None)
            made, begin = (given[0], given[1]) if given else (self._carried(name, 0, wait, wait), 0)
            self.later[name, wait] = self._slice(made, known.axis, begin, -wait)
        return self.later[name, wait]

    def _from_later(self, name: str, wait: int) -> str:
        """What is made of inputs alone, made of the same inputs ``wait`` frames later: nothing has to be kept."""
        prefix = f"late/{wait}/"
        moving = {made for node in self.depending for made in node.outputs} | set(self.timed)
        nodes = [
            node for node in needed(self.depending, [name], self.timed) if prefix + node.outputs[0] not in self.late
        ]
        for node in nodes:
            inputs = [prefix + given if given in moving else given for given in node.inputs]
            self.nodes.append(node.changed(inputs, [prefix + made for made in node.outputs]))
            self.late.update(self.nodes[-1].outputs)
        for given in [name, *taken(nodes)]:
            if given in self.timed and prefix + given not in self.graph.inputs:
                self.graph.declare_input(prefix + given, FLOAT, self.seen[given].shape)
                self.lates.append((given, wait))
        return prefix + name
