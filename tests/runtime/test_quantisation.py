"""Weights in eight bits and tables that are computed: the models say what they said before."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from swaram.runtime.fourier_tables import compute_tables
from swaram.runtime.quantisation import store_bytes, widen
from swaram.runtime.rules import check_model

OPERATORS = ("MatMul", "Conv", "ConvTranspose", "Gather", "Gemm")


def model(nodes, weights: dict[str, np.ndarray], shape, kind=TensorProto.FLOAT) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * (len(shape) + (kind == TensorProto.INT64)))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def run(made: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(made, full_check=True)
    check_model("a test", "model.onnx", made.SerializeToString())
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def random(*shape: int) -> np.ndarray:
    """Weights whose rows have very different sizes, as trained ones have."""
    generator = np.random.default_rng(7)
    values = generator.standard_normal(shape) * np.exp(generator.standard_normal((shape[0], *[1] * (len(shape) - 1))))
    return values.astype(np.float32)


CASES = {
    "MatMul": (helper.make_node("MatMul", ["x", "w"], ["y"]), (96, 80), (1, 5, 96), 1),
    "Conv": (helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1]), (80, 32, 3), (1, 32, 9), 0),
    "ConvTranspose": (helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2]), (40, 32, 4), (1, 40, 9), 1),
    "Gemm": (helper.make_node("Gemm", ["x", "w"], ["y"]), (96, 80), (5, 96), 1),
    "Gemm transposed": (helper.make_node("Gemm", ["x", "w"], ["y"], transB=1), (80, 96), (5, 96), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_weight_in_bytes_computes_as_the_rounded_weight_does(case):
    node, shape, given, outputs = CASES[case]
    weight = random(*shape)
    x = np.random.default_rng(1).standard_normal(given).astype(np.float32)
    stored = model([node], {"w": weight}, given)
    store_bytes(stored, OPERATORS)
    (whole,) = [t for t in stored.graph.initializer if t.data_type == TensorProto.INT8]
    assert np.abs(numpy_helper.to_array(whole)).max(tuple(set(range(len(shape))) - {outputs})).min() == 127
    size = stored.ByteSize()
    heard = run(stored, x)
    widen(stored)
    (rounded,) = [numpy_helper.to_array(t) for t in stored.graph.initializer]
    largest = np.abs(weight).max(tuple(set(range(len(shape))) - {outputs}), keepdims=True)
    assert np.all(np.abs(rounded - weight) <= 0.501 * largest / 127)
    assert np.allclose(heard, run(stored, x), rtol=1e-5, atol=1e-5)
    assert size < 0.35 * stored.ByteSize()


def test_a_table_of_embeddings_is_scaled_row_by_row():
    stored = model([helper.make_node("Gather", ["w", "x"], ["y"])], {"w": random(200, 64)}, (1, 4), TensorProto.INT64)
    x = np.array([[0, 3, 199, 7]])
    before = run(stored, x)
    store_bytes(stored, OPERATORS)
    assert np.all(np.abs(run(stored, x) - before) <= 0.501 * np.abs(before).max(-1, keepdims=True) / 127)


def test_small_weights_and_those_used_elsewhere_stay_as_they_are():
    small = model([CASES["MatMul"][0]], {"w": random(8, 8)}, (1, 5, 8))
    content = small.SerializeToString()
    store_bytes(small, OPERATORS)
    assert small.SerializeToString() == content
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Add", ["a", "w"], ["y"])]
    shared = model(nodes, {"w": random(80, 80)}, (80, 80))
    content = shared.SerializeToString()
    store_bytes(shared, OPERATORS)
    assert shared.SerializeToString() == content


def test_storing_twice_changes_nothing_more():
    stored = model([CASES["Conv"][0]], {"w": random(80, 32, 3)}, (1, 32, 9))
    store_bytes(stored, OPERATORS)
    once = {t.name: numpy_helper.to_array(t) for t in stored.graph.initializer}
    store_bytes(stored, OPERATORS)
    twice = {t.name: numpy_helper.to_array(t) for t in stored.graph.initializer}
    assert once.keys() == twice.keys()
    assert np.array_equal(once["w_bytes"], twice["w_bytes"]) and np.allclose(
        once["w_scale"], twice["w_scale"], rtol=1e-6
    )


def tables(size: int) -> dict[str, np.ndarray]:
    """As the decoders have them: of the transform and of its inverse, whole and without the first sample."""
    bins = size // 2 + 1
    angles = 2 * np.pi / size * np.outer(np.arange(bins), np.arange(bins))
    factors = np.full(bins, 2.0 / size)
    factors[[0, -1]] = 1.0 / size
    sines = -np.sin(angles) * factors
    sines[:, [0, -1]] = 0
    return {
        "cosines": np.cos(angles).astype(np.float32),
        "inverse cosines": (np.cos(angles) * factors).astype(np.float32),
        "inverse sines": sines.astype(np.float32),
        "inner sines": np.sin(angles)[1 : bins - 1].astype(np.float32),
    }


@pytest.mark.parametrize("size", [256, 600, 1024])
@pytest.mark.parametrize("name", list(tables(8)))
@pytest.mark.parametrize("constant", [False, True])
def test_a_computed_table_is_the_stored_one(size, name, constant):
    table = tables(size)[name]
    node, weights = helper.make_node("MatMul", ["x", "t"], ["y"]), {"t": table}
    nodes = [node]
    if constant:
        nodes = [helper.make_node("Constant", [], ["t"], value=numpy_helper.from_array(table, "t")), node]
        weights = {}
    made = model(nodes, weights, (len(table), len(table)))
    x = np.eye(len(table), dtype=np.float32)
    before, size_before = run(made, x), made.ByteSize()
    assert compute_tables(made) == 1
    assert np.abs(run(made, x) - before).max() <= 2e-7 * np.abs(before).max()
    assert made.ByteSize() < 0.2 * size_before


def test_a_matrix_that_only_looks_like_a_table_stays():
    almost = tables(256)["cosines"].copy()
    almost[3, 5] += 1e-3
    for other in (almost, random(129, 129), np.zeros((129, 129), np.float32)):
        made = model([helper.make_node("MatMul", ["x", "t"], ["y"])], {"t": other}, (129, 129))
        before = run(made, np.eye(129, dtype=np.float32))
        compute_tables(made)
        assert np.array_equal(run(made, np.eye(129, dtype=np.float32)), before)
