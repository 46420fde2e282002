"""Carried state: a model over frames, rewritten so that it goes on where it stopped, frame for frame.

A convolution needs a few frames before and after the ones that it makes. Where a long input is cut into windows these
would be computed anew in each. Here the graph itself is changed: each convolution takes the last frames of its own
input from the window before, and gives those for the next one; what looks ahead comes out that much later. Operations
that are not understood (an inverse transform that overlaps its frames, a source of harmonics) stay together and are run
over a few frames more. What each layer keeps, and how late it is, follows from the graph, so that a model of any origin
can be rewritten, or is left as it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from swaram.runtime.graph import FLOAT, INT64, Graph, Node, needed, taken
from swaram.runtime.layers import Carry, Layers, Switch, Timed
from swaram.runtime.probe import Probe, ProbeError
from swaram.runtime.wire import content, fields


class CarryError(ValueError):
    """A graph that stays as it is: windows with margins do for it."""


@dataclass(frozen=True)
class Head:
    """Inputs that are also taken ``late`` frames later, with frames around them that are cut off of the results."""

    inputs: tuple[str, ...]
    back: int
    ahead: int
    late: int
    rates: tuple[int, ...]


@dataclass(frozen=True)
class Output:
    """``rate`` entries a frame along ``axis``; all but the last ``behind`` of them are there after each window."""

    name: str
    axis: int
    rate: int
    behind: int


@dataclass(frozen=True)
class CarriedGraph:
    """A rewritten model.

    ``inputs``: those over frames, ``lates``: those of them that are taken once more, so many frames later; ``ahead``:
    frames beyond its own that a window needs. Where the last operations are
    run over more frames, these come ``delay`` frames late and are ``context`` frames more than the window's own.
    """

    model: bytes
    inputs: tuple[str, ...]
    lates: tuple[tuple[str, int], ...]
    carries: tuple[Carry, ...]
    switches: tuple[Switch, ...]
    head: Head | None
    outputs: tuple[Output, ...]
    ahead: int
    context: int
    delay: int


def carry_state(
    model: bytes, timed: Mapping[str, int | None], outputs: Collection[str], left: int, right: int
) -> CarriedGraph:
    """Rewrite a model. ``timed``: its inputs [1, channels, frames], or [1, frames] where there are no channels;
    ``left``, ``right``: frames before and after on which its ``outputs`` depend.

    Raises CarryError where it cannot be rewritten, or depends on more than ``left`` and ``right`` frames.
    """
    try:
        rewriting = _Rewriting(Graph.read(model), timed, list(outputs), left=left, right=right)
        made = rewriting.result()
        if len(rewriting.reaches) > 1:  # all that is made in front is cut alike
            reach = tuple(map(max, *rewriting.reaches))
            made = _Rewriting(
                Graph.read(model), timed, list(outputs), left=left, right=right, reaches={reach}, measured=True
            ).result()
        return made
    except (ProbeError, IndexError, KeyError, StopIteration) as error:
        raise CarryError(str(error)) from error


@dataclass
class _Rewriting(Layers):
    left: int = 0
    right: int = 0
    reaches: set[tuple[int, int]] = field(default_factory=set)  # frames back and ahead, of what is made in front
    measured: bool = False
    heads: set[str] = field(default_factory=set)
    head_late: int | None = None

    def result(self) -> CarriedGraph:
        graph = self.graph
        if any(node.nested for node in graph.nodes):
            raise CarryError("it holds graphs inside of operations")
        self.depending = self._depending()
        for node in self.depending:
            for name in node.inputs:
                self.takers.setdefault(name, []).append(node)
        names = [name for node in self.depending for name in (*node.inputs, *node.outputs) if name]
        shapes = {name: (1, None) if width is None else (1, width, None) for name, width in self.timed.items()}
        self.probe = Probe(graph, dict.fromkeys(self.timed, 1), shapes)
        self.seen = self.probe.look(dict.fromkeys([*self.timed, *names]))
        for name in self.timed:
            self.known[name] = Timed(self.seen[name].axis, 1, raw=True)  # type: ignore[arg-type]
        ids = {id(node) for node in self.depending}
        for node in graph.nodes:
            if id(node) in ids:
                self._place(node)
            else:
                self.nodes.append(node)
        return self._finish()

    def _depending(self) -> list[Node]:
        """The nodes that hang on a timed input."""
        names, found = set(self.timed), []
        for node in self.graph.nodes:
            if names.intersection(node.inputs):
                names.update(node.outputs)
                found.append(node)
        return found

    # Each operation, in order.

    def _place(self, node: Node) -> None:
        """Put a node into the new graph as what it is, or leave it for later."""
        if node.operator == "Shape" or all(
            name in self.sizes for name in node.inputs if name in self.sizes or self._moves(name)
        ):
            if node.operator == "ConstantOfShape" and self.seen[node.outputs[0]].axis is not None:
                self.filled[node.outputs[0]] = _fill(node)
            else:
                self.sizes.update(node.outputs)
            return
        self._name_heads(node)
        moving = [name for name in node.inputs if self._moves(name)]
        if any(name in self.opaque for name in moving) or not self.understood(node, moving):
            raw = all(self.opaque.get(name, False) or self._is_raw(name) for name in moving)
            self.opaque.update(dict.fromkeys(node.outputs, raw))

    def _moves(self, name: str) -> bool:
        return name in self.known or name in self.opaque

    def _is_raw(self, name: str) -> bool:
        return name in self.known and self.known[name].raw

    def _name_heads(self, node: Node) -> None:
        """What is made of inputs alone, and not understood, ends where it meets what has gone through the layers."""
        moving = [name for name in node.inputs if self._moves(name)]
        if all(self.opaque.get(name, False) or self._is_raw(name) for name in moving):
            return
        if not any(self.opaque.get(name, False) and self._is_wanted(name) for name in moving):
            return
        ready = [name for name, raw in self.opaque.items() if raw and self._is_wanted(name)]
        if self.measured:
            (reach,) = self.reaches
        else:
            back, ahead = self.probe.reach(ready)
            reach = (back + 1, ahead + 1)  # one to spare, as it was measured
            self.reaches.add(reach)
        for name in ready:
            seen = self.seen[name]
            self.heads.add(name)
            del self.opaque[name]
            late = reach[1] if self.head_late is None else self.head_late
            self.known[name] = Timed(seen.axis or 0, seen.rate, late * seen.rate, reach[0] * seen.rate)

    def _behind(self, name: str, behind: int) -> str:
        """What is made in front can itself be made as late as where it first meets a layer."""
        if name in self.heads and self.head_late is None:
            rate = self.known[name].rate
            self.head_late = behind // rate
            for head in self.heads:
                self.known[head] = replace(self.known[head], behind=self.head_late * self.known[head].rate)
        return super()._behind(name, behind)

    def _is_wanted(self, name: str) -> bool:
        """Whether a tensor grows by whole frames, and operations that are still to come take it."""
        seen = self.seen[name]
        takers = self.takers.get(name, [])
        return seen.axis is not None and not seen.extra and any(not self._placed(node) for node in takers)

    def _placed(self, node: Node) -> bool:
        name = node.outputs[0]
        return self._moves(name) or name in self.sizes or name in self.filled

    # What was left for later, and the whole.

    def _finish(self) -> CarriedGraph:
        body = list(self.known)
        missing = [name for name in self.targets if name in self.opaque]
        outputs: list[Output] = []
        context = delay = ahead = 0
        if missing:
            tail = needed(self.depending, missing, body)
            cuts = [name for name in taken(tail) if name in self.known]
            if any(self.known[name].pad != (0, 0) for name in cuts):
                raise CarryError("its last operations cannot be told from its layers")
            if len(missing) != len(self.targets) or any(self.seen[name].extra for name in missing):
                raise CarryError("its outputs end in different ways")
            context, delay, ahead = self._tail(tail, cuts, missing)
            for name in missing:
                outputs.append(
                    Output(name, self.seen[name].axis or 0, self.seen[name].rate, ahead * self.seen[name].rate)
                )
        else:
            for name in self.targets:
                known = self.known[name]
                if known.pad != (0, 0) or known.back // known.rate > self.left:
                    raise CarryError("its layers reach further than its margins")
                outputs.append(Output(name, known.axis, known.rate, known.behind))
            ahead = max(-(-output.behind // output.rate) for output in outputs)
            if ahead > self.right:
                raise CarryError("its layers look further ahead than its margins")
        return self._written(outputs, context, delay, ahead)

    def _tail(self, tail: list[Node], cuts: list[str], missing: list[str]) -> tuple[int, int, int]:
        """Run the last operations over some frames more; return how many more, how late, and how far ahead that is."""
        known = [self.known[name] for name in cuts]
        delay = max(-(-k.behind // k.rate) for k in known)
        spare = int(any(k.rate > 1 for k in known))
        before = self.left - min(k.back // k.rate for k in known) + spare
        after = self.right - min(k.behind // k.rate for k in known)
        if min(before, after) < 0 or max(k.back // k.rate for k in known) > self.left or delay > self.right + spare:
            raise CarryError("its layers reach further than its margins")
        if spare or len({k.behind for k in known}) > 1:  # nearer than that: exactly, and what comes from the front
            shapes = {name: self.seen[name].shape for name in cuts}
            graph = Graph(self._still() + tail, self.graph.weights, {}, {}, self.graph.around)
            rates = {name: of.rate for name, of in zip(cuts, known, strict=True)}
            reach = Probe(graph, rates, shapes).reach(missing)
            before, after = min(before, reach[0] + 1), min(after, reach[1] + 1)
        names = {}
        for name, of in zip(cuts, known, strict=True):
            wait, extra = delay * of.rate - of.behind, (before + after) * of.rate
            given = self._carried(name, 0, wait + extra, wait) if wait + extra else name
            names[name] = self._slice(given, of.axis, 0, -wait) if wait else given
        self.nodes += [node.changed([names.get(name, name) for name in node.inputs]) for node in tail]
        return before + after, delay, delay + after

    def _head(self) -> Head | None:
        """The operations in front, over frames on both sides, whose results join what the layers make."""
        if not self.heads:
            return None
        nodes = needed(self.graph.nodes, self.heads, self.timed)
        moving = {name for node in self.depending for name in node.outputs} | set(self.timed)
        nodes = [node for node in nodes if moving.intersection(node.outputs)]
        inputs = [name for name in taken(nodes) if name in self.timed]
        front = []
        for node in nodes:
            names = [f"head/{name}" if name in moving else name for name in node.inputs]
            front.append(node.changed(names, [f"head/{name}" for name in node.outputs]))
        for name in inputs:
            self.graph.declare_input(f"head/{name}", FLOAT, self.seen[name].shape)
        rates = sorted({self.known[name].rate for name in self.heads})
        for rate in rates:
            for side in ("start", "end"):
                self.graph.declare_input(f"head/{side}/{rate}", INT64, [1])
        for name in self.heads:
            known = self.known[name]
            span = [f"head/start/{known.rate}", f"head/end/{known.rate}", self._integers(known.axis)]
            front.append(Node("Slice", [f"head/{name}", *span], [name]))
        still = self._still()
        ids = set(map(id, still))
        self.nodes = [*still, *front, *[node for node in self.nodes if id(node) not in ids]]
        (reach,) = self.reaches if len(self.reaches) == 1 else {(0, 0)}  # rewritten once more where there are several
        return Head(tuple(inputs), *reach, reach[1] if self.head_late is None else self.head_late, tuple(rates))

    def _still(self) -> list[Node]:
        """The nodes that hang on no frame."""
        ids = set(map(id, self.depending))
        return [node for node in self.graph.nodes if id(node) not in ids]

    def _written(self, outputs: list[Output], context: int, delay: int, ahead: int) -> CarriedGraph:
        head = self._head()
        graph = self.graph
        nodes = needed(self.nodes, self.targets)
        made = {name for node in nodes for name in node.outputs}
        carries = [(carry, keep) for name, (carry, keep) in self.carries.items() if name in made]
        used = set(taken(nodes))
        given = {name: value for name, value in graph.outputs.items() if name in self.targets}
        written = Graph(nodes + [keep for _, keep in carries], {}, {}, given, graph.around)
        taking = set(taken(written.nodes))
        written.weights = {name: value for name, value in graph.weights.items() if name in taking}
        written.inputs = {name: value for name, value in graph.inputs.items() if name in used}
        for carry, _ in carries:
            written.declare_output(f"{carry.name}/next")
        switches = [switch for switch in self.switches if switch.name in used]
        return CarriedGraph(
            written.encode(),
            tuple(name for name in self.timed if name in used),
            tuple((name, wait) for name, wait in self.lates if f"late/{wait}/{name}" in used),
            tuple(carry for carry, _ in carries),
            tuple(switches),
            head,
            tuple(outputs),
            ahead,
            context,
            delay,
        )


def _fill(node: Node) -> float:
    """The value of a ConstantOfShape: 0 where none is stated, else that of its tensor."""
    for number, value in fields(memoryview(node.attributes.get("value", b""))):
        if number == 5:
            raw = next((content(v) for n, v in fields(content(value)) if n == 9), None)
            if raw is not None and len(raw) == 4:
                return float(np.frombuffer(raw, np.float32)[0])
            raise CarryError("a tensor of one value is not of float32")
    return 0.0
