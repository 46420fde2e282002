"""An ONNX graph that can be changed without the ``onnx`` package, which serving does not have.

Nodes are read and written one by one; weights, and everything else that is left as it is, is copied as bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from swaram.runtime.wire import content, fields, signed, text, varints, write_field, write_packed

# onnx.proto: numbers of the fields that are read or written.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_WEIGHT, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE = 1, 2, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 3, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_INTEGER, _ATTRIBUTE_TEXT, _ATTRIBUTE_TENSOR = 1, 3, 4, 5
_ATTRIBUTE_GRAPHS, _ATTRIBUTE_INTEGERS, _ATTRIBUTE_TYPE = (6, 11), 8, 20
_TYPE_INTEGER, _TYPE_INTEGERS = 2, 7
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
FLOAT, INT64 = 1, 7
_KINDS = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}


@dataclass
class Node:
    """An operation; to change one, make another. ``attributes``: each as the bytes of its message, by name; ``nested``:
    it holds graphs."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, bytes] = field(default_factory=dict)
    name: str = ""
    domain: str = ""
    nested: bool = False
    raw: bytes = b""  # its message, where it was read and is not changed

    def integers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """The integers of an attribute, one or several."""
        found: list[int] = []
        for number, value in fields(memoryview(self.attributes.get(name, b""))):
            if number == _ATTRIBUTE_INTEGER:
                found.append(signed(value))
            elif number == _ATTRIBUTE_INTEGERS:
                found += [signed(v) for v in varints(value)] if isinstance(value, memoryview) else [signed(value)]
        return found or list(default)

    def string(self, name: str, default: str = "") -> str:
        """The text of an attribute."""
        parts = fields(memoryview(self.attributes.get(name, b"")))
        return next((text(value) for number, value in parts if number == _ATTRIBUTE_TEXT), default)

    def changed(
        self, inputs: Sequence[str] | None = None, outputs: Sequence[str] | None = None, **integers: Sequence[int]
    ) -> "Node":
        """The same operation with other names, and with these lists of integers as attributes."""
        attributes = self.attributes | {name: _integers(name, values) for name, values in integers.items()}
        inputs, outputs = inputs or self.inputs, outputs or self.outputs
        return Node(self.operator, list(inputs), list(outputs), attributes, "", self.domain)

    def encode(self) -> bytes:
        """The node's message."""
        if self.raw:
            return self.raw
        parts = [write_field(_NODE_INPUT, name) for name in self.inputs]
        parts += [write_field(_NODE_OUTPUT, name) for name in self.outputs]
        parts += [write_field(_NODE_NAME, self.name), write_field(_NODE_OPERATOR, self.operator)]
        parts += [write_field(_NODE_ATTRIBUTE, attribute) for attribute in self.attributes.values()]
        return b"".join([*parts, write_field(_NODE_DOMAIN, self.domain)])


@dataclass
class Graph:
    """A model's graph; ``weights``, ``inputs`` and ``outputs`` are names and messages."""

    nodes: list[Node]
    weights: dict[str, bytes]
    inputs: dict[str, bytes]
    outputs: dict[str, bytes]
    around: bytes  # the model's other fields

    @classmethod
    def read(cls, model: bytes) -> "Graph":
        """Read a model that ``rules.check_model`` has let through."""
        graph = cls([], {}, {}, {}, b"")
        for number, value in fields(memoryview(model)):
            if number == _MODEL_GRAPH:
                graph._read(content(value))
            else:
                graph.around += write_field(number, value)
        return graph

    def _read(self, data: memoryview) -> None:
        for number, value in fields(data):
            if number == _GRAPH_NODE:
                self.nodes.append(_read_node(content(value)))
            elif number == _GRAPH_WEIGHT:
                name = next(text(v) for n, v in fields(content(value)) if n == _TENSOR_NAME)
                self.weights[name] = bytes(content(value))
            elif number in (_GRAPH_INPUT, _GRAPH_OUTPUT):
                name = next(text(v) for n, v in fields(content(value)) if n == 1)
                (self.inputs if number == _GRAPH_INPUT else self.outputs)[name] = bytes(content(value))

    def encode(self) -> bytes:
        """The whole model, without declarations of what lies between inputs and outputs."""
        parts = [write_field(_GRAPH_NODE, node.encode()) for node in self.nodes]
        parts.append(write_field(_GRAPH_NAME, "graph"))
        parts += [write_field(_GRAPH_WEIGHT, weight) for weight in self.weights.values()]
        parts += [write_field(_GRAPH_INPUT, value) for value in self.inputs.values()]
        parts += [write_field(_GRAPH_OUTPUT, value) for value in self.outputs.values()]
        return self.around + write_field(_MODEL_GRAPH, b"".join(parts))

    def add_weight(self, name: str, values: np.ndarray) -> None:
        """Add a constant, float32 or int64."""
        parts = [write_packed(_TENSOR_DIMS, values.shape), write_field(_TENSOR_TYPE, _KINDS[values.dtype])]
        parts += [write_field(_TENSOR_NAME, name), write_field(_TENSOR_RAW, np.ascontiguousarray(values).tobytes())]
        self.weights[name] = b"".join(parts)

    def declare_input(self, name: str, kind: int, shape: Sequence[int | None]) -> None:
        """Declare an input; None stands for a length that varies."""
        dims = [write_field(1, b"" if size is None else write_field(1, size)) for size in shape]
        tensor = write_field(1, kind) + write_field(2, b"".join(dims))
        self.inputs[name] = write_field(1, name) + write_field(2, write_field(1, tensor))

    def declare_output(self, name: str) -> None:
        """Declare an output, whose type the runtime finds out."""
        self.outputs[name] = write_field(1, name)

    def input_shape(self, name: str) -> list[int | None]:
        """The declared shape of an input, None where a length varies."""
        path, parts = (2, 1, 2, 1), [memoryview(self.inputs[name])]
        for step in path:
            parts = [content(value) for part in parts for number, value in fields(part) if number == step]
        return [next((signed(v) for n, v in fields(part) if n == 1), None) for part in parts]

    def weight_shape(self, name: str) -> list[int]:
        """The shape of a stored weight; empty where there is none of that name."""
        shape: list[int] = []
        for number, value in fields(memoryview(self.weights.get(name, b""))):
            if number == _TENSOR_DIMS:
                shape += [signed(v) for v in varints(value)] if isinstance(value, memoryview) else [signed(value)]
        return shape


def _read_node(data: memoryview) -> Node:
    node = Node("", [], [], raw=bytes(data))
    for number, value in fields(data):
        if number == _NODE_INPUT:
            node.inputs.append(text(value))
        elif number == _NODE_OUTPUT:
            node.outputs.append(text(value))
        elif number == _NODE_NAME:
            node.name = text(value)
        elif number == _NODE_OPERATOR:
            node.operator = text(value)
        elif number == _NODE_DOMAIN:
            node.domain = text(value)
        elif number == _NODE_ATTRIBUTE:
            attribute = content(value)
            name = next(text(v) for n, v in fields(attribute) if n == _ATTRIBUTE_NAME)
            node.nested = node.nested or any(n in _ATTRIBUTE_GRAPHS for n, _ in fields(attribute))
            node.attributes[name] = bytes(attribute)
    return node


def _integers(name: str, values: Sequence[int]) -> bytes:
    kind = write_field(_ATTRIBUTE_TYPE, _TYPE_INTEGERS)
    return write_field(_ATTRIBUTE_NAME, name) + write_packed(_ATTRIBUTE_INTEGERS, values) + kind


def integer_attribute(name: str, value: int) -> bytes:
    """The message of an attribute that holds one integer."""
    parts = [write_field(_ATTRIBUTE_NAME, name), write_field(_ATTRIBUTE_INTEGER, value)]
    return b"".join([*parts, write_field(_ATTRIBUTE_TYPE, _TYPE_INTEGER)])


def needed(nodes: Sequence[Node], targets: Iterable[str], stops: Iterable[str] = ()) -> list[Node]:
    """The nodes that ``targets`` need, in order, not looking behind ``stops``."""
    stops = set(stops)
    wanted = set(targets) - stops
    kept: list[Node] = []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            kept.append(node)
            wanted.update(name for name in node.inputs if name and name not in stops)
    return kept[::-1]


def taken(nodes: Iterable[Node]) -> Iterator[str]:
    """The names that these nodes take and none of them makes, each once."""
    nodes = list(nodes)
    made = {name for node in nodes for name in node.outputs}
    yield from dict.fromkeys(name for node in nodes for name in node.inputs if name and name not in made)
