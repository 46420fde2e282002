"""Matrices in eight bits on disk: whole numbers of -127 to 127, and one scale for each output."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MINIMUM_SIZE = 4096  # elements; smaller ones stay as they are
LIMIT = 127


def store_bytes(graph: onnx.ModelProto) -> None:
    """Replace the constant second factors of matrix products by bytes, a cast and a product, in place.

    The runtime does both once, when it opens the model; computing stays in single precision.
    """
    matrices = {node.input[1] for node in graph.graph.node if node.op_type == "MatMul"}
    before = []
    for tensor in list(graph.graph.initializer):
        array = numpy_helper.to_array(tensor)
        if tensor.name not in matrices or array.ndim != 2 or array.size < MINIMUM_SIZE:
            continue
        whole, scale = whole_and_scale(array, axis=0)
        names = [f"{tensor.name}_{part}" for part in ("bytes", "scale", "cast")]
        graph.graph.initializer.remove(tensor)
        graph.graph.initializer.extend(
            [numpy_helper.from_array(whole, names[0]), numpy_helper.from_array(scale, names[1])]
        )
        before.append(helper.make_node("Cast", [names[0]], [names[2]], to=TensorProto.FLOAT))
        before.append(helper.make_node("Mul", [names[2], names[1]], [tensor.name]))
    nodes = [*before, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


def whole_and_scale(matrix: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 of the same shape, and float32 scales with ``axis`` of length one."""
    scale = np.maximum(np.abs(matrix).max(axis, keepdims=True) / LIMIT, 1e-12).astype(np.float32)
    return np.rint(matrix / scale).astype(np.int8), scale
