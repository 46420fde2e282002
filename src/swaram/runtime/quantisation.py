"""Weights in eight bits on disk: whole numbers of -127 to 127, and one scale for each output channel."""

from collections.abc import Collection

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MINIMUM_SIZE = 4096  # elements; smaller ones stay as they are
LIMIT = 127
# By operator: which input is the weight, and which of its axes are the outputs.
_WEIGHTS = {"MatMul": (1, (1,)), "Conv": (1, (0,)), "ConvTranspose": (1, (1,)), "Gather": (0, (0,)), "Gemm": (1, (1,))}


def store_bytes(graph: onnx.ModelProto, operators: Collection[str] = ("MatMul",)) -> None:
    """Replace large constant weights of these operators by bytes, a cast and a product, in place.

    ``operators``: of MatMul, Conv, ConvTranspose, Gemm, Gather (a table of embeddings). The runtime does cast and
    product once, when it opens the model; computing stays in single precision. Weights in half precision are widened.
    """
    widen(graph)
    axes = _output_axes(graph, operators)
    before = []
    for tensor in list(graph.graph.initializer):
        if tensor.name not in axes or tensor.data_type != TensorProto.FLOAT:
            continue
        array = numpy_helper.to_array(tensor)
        if array.size < MINIMUM_SIZE or array.ndim < 2:
            continue
        whole, scale = whole_and_scale(array, axis=tuple(set(range(array.ndim)) - set(axes[tensor.name])))
        names = [f"{tensor.name}_{part}" for part in ("bytes", "scale", "cast")]
        graph.graph.initializer.remove(tensor)
        graph.graph.initializer.extend(
            [numpy_helper.from_array(whole, names[0]), numpy_helper.from_array(scale, names[1])]
        )
        before.append(helper.make_node("Cast", [names[0]], [names[2]], to=TensorProto.FLOAT))
        before.append(helper.make_node("Mul", [names[2], names[1]], [tensor.name]))
    put_before(graph, before)


def whole_and_scale(weight: np.ndarray, axis: int | tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """int8 of the same shape, and float32 scales with ``axis`` of length one."""
    scale = np.maximum(np.abs(weight).max(axis, keepdims=True) / LIMIT, 1e-12).astype(np.float32)
    return np.rint(weight / scale).astype(np.int8), scale


def widen(graph: onnx.ModelProto) -> None:
    """Turn stored weights that are cast or scaled when the model is opened into plain float32 weights, in place."""
    stored = {tensor.name: tensor for tensor in graph.graph.initializer}
    values: dict[str, np.ndarray] = {}
    small = (TensorProto.FLOAT16, TensorProto.INT8)
    for node in list(graph.graph.node):
        name = node.input[0] if node.input else ""
        if node.op_type == "Cast" and name in stored and stored[name].data_type in small:
            values[node.output[0]] = numpy_helper.to_array(stored[name]).astype(np.float32)
        elif node.op_type == "Mul" and name in values and node.input[1] in stored:
            values[node.output[0]] = values.pop(name) * numpy_helper.to_array(stored[node.input[1]])
            graph.graph.initializer.remove(stored[node.input[1]])
        else:
            continue
        graph.graph.node.remove(node)
        if name in stored:
            graph.graph.initializer.remove(stored[name])
    graph.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())


def put_before(graph: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Put nodes in front of all others, in place."""
    others = list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend([*nodes, *others])


def _output_axes(graph: onnx.ModelProto, operators: Collection[str]) -> dict[str, tuple[int, ...]]:
    """The axes of outputs of every weight that these operators, and nothing else, use."""
    axes: dict[str, tuple[int, ...]] = {}
    others = set()
    for node in graph.graph.node:
        place, outputs = _WEIGHTS.get(node.op_type, (-1, ()))
        if node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute):
            outputs = (0,)
        for number, name in enumerate(node.input):
            if node.op_type in operators and number == place and axes.get(name, outputs) == outputs:
                axes[name] = outputs
            else:
                others.add(name)
    return {name: outputs for name, outputs in axes.items() if name not in others}
