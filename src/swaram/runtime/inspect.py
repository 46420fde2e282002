"""What an ONNX file declares, read without loading it: nodes, weights, and what lies outside of the file.

Serving has no ``onnx`` package, and onnxruntime looks only when it already allocates. So the few fields of
``onnx.proto`` that decide whether a model may be loaded are read here; weights are stepped over, not copied.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from swaram.runtime.wire import WireError, content, fields, integer, signed, text, varints

# onnx.proto: numbers of the fields that are looked at.
_MODEL_OPSETS, _MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 8, 7, 20, 25
_GRAPH_NODE, _GRAPH_WEIGHT, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE, _GRAPH_SPARSE = 1, 5, 11, 12, 13, 15
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_INTEGER, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 1, 3, 5, 6
_ATTRIBUTE_INTEGERS, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = 8, 10, 11, (22, 23)
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_OUTSIDE, _TENSOR_LOCATION = 1, 2, 8, 9, 13, 14
_TENSOR_LISTS = {4: 4, 5: 0, 6: 0, 7: 0, 10: 8, 11: 0}  # field: bytes of a packed element, 0 for varints

_RAW_SIZES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
_INTEGER_FORMATS = {6: "i", 7: "q"}
_MOST_INTEGERS = 64
_DEEPEST = 4


class OnnxFormatError(ValueError):
    """Bytes that are not an ONNX model."""


@dataclass
class Tensor:
    """A stored tensor: its declared shape, how many elements it really has, and small integers themselves."""

    name: str = ""
    dims: list[int] = field(default_factory=list)
    kind: int = 0
    elements: int = 0
    outside: bool = False
    integers: list[int] = field(default_factory=list)


@dataclass
class Node:
    """An operation: operator, domain, names of inputs and outputs, integer attributes."""

    operator: str = ""
    domain: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    integers: dict[str, list[int]] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)


@dataclass
class OnnxFile:
    """Everything that is judged: of the graph and of the graphs inside its nodes."""

    domains: set[str] = field(default_factory=set)
    nodes: list[Node] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    declared_dims: list[list[int]] = field(default_factory=list)
    has_functions: bool = False
    has_training: bool = False
    has_sparse: bool = False


def read_onnx(model: bytes) -> OnnxFile:
    """Read what a model declares. Raises OnnxFormatError where the bytes are no model."""
    found = OnnxFile()
    graphs = 0
    try:
        for number, value in fields(memoryview(model)):
            if number == _MODEL_GRAPH:
                graphs += 1
                _read_graph(content(value), found, 0)
            elif number == _MODEL_OPSETS:
                found.domains.add("".join(text(v) for n, v in fields(content(value)) if n == 1))
            elif number == _MODEL_FUNCTIONS:
                found.has_functions = True
            elif number == _MODEL_TRAINING:
                found.has_training = True
    except WireError as error:
        raise OnnxFormatError(str(error)) from error
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise OnnxFormatError("it ends in the middle or is damaged") from error
    if graphs != 1 or not found.nodes:
        raise OnnxFormatError("it holds no graph")
    return found


def _read_graph(data: memoryview, found: OnnxFile, depth: int) -> None:
    if depth > _DEEPEST:
        raise OnnxFormatError("its graphs are nested too deeply")
    for number, value in fields(data):
        if number == _GRAPH_NODE:
            found.nodes.append(_read_node(content(value), found, depth))
        elif number == _GRAPH_WEIGHT:
            found.weights.append(_read_tensor(content(value)))
        elif number in (_GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE):
            found.declared_dims.append(list(_declared(content(value))))
        elif number == _GRAPH_SPARSE:
            found.has_sparse = True


def _read_node(data: memoryview, found: OnnxFile, depth: int) -> Node:
    node = Node()
    for number, value in fields(data):
        if number == _NODE_INPUT:
            node.inputs.append(text(value))
        elif number == _NODE_OUTPUT:
            node.outputs.append(text(value))
        elif number == _NODE_OPERATOR:
            node.operator = text(value)
        elif number == _NODE_DOMAIN:
            node.domain = text(value)
        elif number == _NODE_ATTRIBUTE:
            _read_attribute(content(value), node, found, depth)
    return node


def _read_attribute(data: memoryview, node: Node, found: OnnxFile, depth: int) -> None:
    name, integers = "", []
    for number, value in fields(data):
        if number == _ATTRIBUTE_NAME:
            name = text(value)
        elif number == _ATTRIBUTE_INTEGER:
            integers.append(signed(value))
        elif number == _ATTRIBUTE_INTEGERS:
            integers += [signed(v) for v in varints(value)] if isinstance(value, memoryview) else [signed(value)]
        elif number in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
            node.tensors.append(_read_tensor(content(value)))
        elif number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
            _read_graph(content(value), found, depth + 1)
        elif number in _ATTRIBUTE_SPARSE:
            found.has_sparse = True
    node.integers[name] = integers


def _read_tensor(data: memoryview) -> Tensor:
    tensor, raw, listed = Tensor(), None, 0
    for number, value in fields(data):
        if number == _TENSOR_DIMS:
            tensor.dims += [signed(v) for v in varints(value)] if isinstance(value, memoryview) else [signed(value)]
        elif number == _TENSOR_TYPE:
            tensor.kind = integer(value)
        elif number == _TENSOR_NAME:
            tensor.name = text(value)
        elif number == _TENSOR_RAW:
            raw = content(value)
        elif number in (_TENSOR_OUTSIDE, _TENSOR_LOCATION):
            tensor.outside = tensor.outside or number == _TENSOR_OUTSIDE or bool(integer(value))
        elif number in _TENSOR_LISTS:
            values, count = _listed(value, _TENSOR_LISTS[number])
            listed += count
            tensor.integers += values
    if raw is None:
        tensor.elements = listed
        return tensor
    size = _RAW_SIZES.get(tensor.kind, 1)
    if len(raw) % size:
        raise OnnxFormatError("a weight is cut off")
    tensor.elements = len(raw) // size
    if tensor.kind in _INTEGER_FORMATS and tensor.elements <= _MOST_INTEGERS:
        tensor.integers = list(struct.unpack(f"<{tensor.elements}{_INTEGER_FORMATS[tensor.kind]}", raw))
    return tensor


def _listed(value: int | memoryview, size: int) -> tuple[list[int], int]:
    if not isinstance(value, memoryview):
        return [signed(value)], 1
    if size:
        return [], len(value) // size
    count = sum(byte < 0x80 for byte in value)
    return ([signed(v) for v in varints(value)] if count <= _MOST_INTEGERS else []), count


def _declared(value_info: memoryview) -> Iterator[int]:
    """The dimensions that are numbers: value_info.type.tensor_type.shape.dim.dim_value."""
    path = (2, 1, 2, 1)
    parts = [value_info]
    for step in path:
        parts = [content(value) for part in parts for number, value in fields(part) if number == step]
    for part in parts:
        for number, value in fields(part):
            if number == 1:
                yield signed(value)
