"""Tables of cosines and sines in a model, computed when it is opened instead of stored.

The table of a transform of n samples holds, at bin k and sample j, cos(2 pi k j / n) times a factor of the bin. All
n different cosines are stored once; the table is looked up in them, by k j modulo n.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from swaram.runtime.quantisation import put_before

MINIMUM_SIZE = 4096
_TOLERANCE = 2.0**-23  # of the largest value: the last bit of single precision


def compute_tables(graph: onnx.ModelProto) -> int:
    """Replace every stored table of cosines or sines by its computation, in place; return how many there were.

    A table is found by its values: [samples, n / 2 + 1], samples from 0 or 1 on, each column a multiple of the cosines
    or sines of that bin.
    """
    replaced = 0
    before: list[onnx.NodeProto] = []
    constants: list[tuple[str, onnx.TensorProto, Callable[[], None]]] = []
    for tensor in graph.graph.initializer:
        constants.append((tensor.name, tensor, partial(graph.graph.initializer.remove, tensor)))
    for node in graph.graph.node:
        if node.op_type == "Constant":
            constants.append((node.output[0], node.attribute[0].t, partial(graph.graph.node.remove, node)))
    for name, tensor, remove in constants:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < MINIMUM_SIZE:
            continue
        table = _as_table(numpy_helper.to_array(tensor))
        if table is not None:
            remove()
            before += _computed(graph, name, table)
            replaced += 1
    put_before(graph, before)
    return replaced


@dataclass(frozen=True)
class _Table:
    """``turn``: float32 [n], one turn of the wave; ``factors``: float32 [1, bins]; samples ``first`` to ``end``."""

    turn: np.ndarray
    factors: np.ndarray
    first: int
    end: int


def _as_table(array: np.ndarray) -> _Table | None:
    if array.ndim != 2 or array.shape[1] < 3 or not 0 <= array.shape[1] - array.shape[0] <= 2:
        return None
    samples, bins = array.shape
    size = 2 * (bins - 1)
    for wave in (np.cos, np.sin):
        turn = wave(2 * np.pi / size * np.arange(size))
        turn[np.abs(turn) < 1e-12] = 0
        turn = turn.astype(np.float32)
        for first in range(2 if samples < bins else 1):
            waves = turn[np.outer(np.arange(first, first + samples), np.arange(bins)) % size]
            places, columns = np.abs(waves).argmax(0), np.arange(bins)
            largest = waves[places, columns]
            factors = np.divide(array[places, columns], largest, where=largest != 0, out=np.zeros_like(largest))[None]
            if np.abs(waves * factors - array).max() <= _TOLERANCE * np.abs(array).max():
                return _Table(turn, factors, first, first + samples)
    return None


def _computed(graph: onnx.ModelProto, name: str, table: _Table) -> list[onnx.NodeProto]:
    bins, size = table.factors.shape[1], len(table.turn)
    numbers = {"zero": 0, "one": 1, "bins": bins, "size": size, "first": table.first, "end": table.end}
    constants = {key: np.array(number, np.int64) for key, number in numbers.items()}
    constants |= {"turn": table.turn, "factors": table.factors, "column": np.array([1], np.int64)}
    graph.graph.initializer.extend(numpy_helper.from_array(value, f"{name}_{key}") for key, value in constants.items())
    steps = [
        ("Range", ["zero", "bins", "one"], "across"),
        ("Range", ["first", "end", "one"], "samples"),
        ("Unsqueeze", ["samples", "column"], "down"),
        ("Mul", ["down", "across"], "product"),
        ("Mod", ["product", "size"], "place"),
        ("Gather", ["turn", "place"], "waves"),
    ]
    nodes = [helper.make_node(op, [f"{name}_{i}" for i in inputs], [f"{name}_{out}"]) for op, inputs, out in steps]
    return [*nodes, helper.make_node("Mul", [f"{name}_waves", f"{name}_factors"], [name])]
