"""The weights of an exported model, under the names that they had in the module it was exported from."""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from swaram.runtime.quantisation import widen


def named_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Every weight of an ONNX model that still knows where it came from, float32, as its module had it.

    An export keeps ``model.LAYER.weight`` as the name of most tensors. A linear layer's weight loses its name and is
    stored transposed; the node that multiplies by it, ``/LAYER/MatMul``, still says which layer it is. Weights in
    bytes or in half precision are widened. Raises OSError and google.protobuf's DecodeError.
    """
    model = onnx.load(path)
    widen(model)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found = {name.removeprefix("model."): value for name, value in stored.items() if name.startswith("model.")}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in stored and node.name.endswith("/MatMul"):
            layer = node.name.removeprefix("/").removesuffix("/MatMul").replace("/", ".")
            found[f"{layer}.weight"] = stored[node.input[1]].T
    return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}
