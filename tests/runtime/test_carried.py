"""Models that carry their state: joined windows are one pass of the model as it was, whatever its layers are."""

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from swaram.runtime.carried import CarriedGraph, CarryError, carry_state
from swaram.runtime.graph import Graph
from swaram.runtime.rules import check_model
from swaram.runtime.stepping import Progress, Stepper

CHANNELS = 6
SCHEDULES: list[Callable[[int], list[int]]] = [
    lambda frames: [frames],
    lambda frames: [*range(7, frames, 7), frames],
    lambda frames: [*range(1, frames), frames],
    lambda frames: [max(1, frames // 3), frames],
]
node = helper.make_node


class Model:
    """Nodes over x [1, CHANNELS, T], one after another, with random weights."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(4)

    def weight(self, *shape: int) -> str:
        return self.constant((self.random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32))

    def constant(self, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(values, f"w{len(self.weights)}"))
        return self.weights[-1].name

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def put(self, operator: str, *inputs: str, **attributes: object) -> str:
        self.nodes.append(node(operator, list(inputs), [f"n{len(self.nodes)}"], **attributes))
        return self.nodes[-1].output[0]

    def conv(self, x: str, kernel: int, dilation: int = 1, groups: int = 1, pads: Sequence[int] | None = None) -> str:
        reach = (kernel - 1) * dilation
        weight = self.weight(CHANNELS, CHANNELS // groups, kernel)
        pads = [reach // 2, reach - reach // 2] if pads is None else pads
        shape = {"kernel_shape": [kernel], "dilations": [dilation], "pads": pads, "group": groups, "strides": [1]}
        return self.put("Conv", x, weight, self.weight(CHANNELS), **shape)

    def encode(self, result: str) -> bytes:
        graph = helper.make_graph(
            [*self.nodes, node("Identity", [result], ["y"])],
            "test",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", CHANNELS, "frames"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return model.SerializeToString()


def residual(m: Model) -> str:
    x = m.conv("x", 3)
    for dilation in (1, 3):
        inner = m.conv(m.put("LeakyRelu", x, alpha=0.1), 5, dilation)
        x = m.put("Add", x, m.conv(m.put("Tanh", inner), 3))
    return x


def upsampling(m: Model) -> str:
    x = m.conv("x", 7)
    for stride, kernel, more in ((4, 8, 0), (3, 5, 0), (2, 2, 0), (2, 5, 1)):
        pads = [(kernel - stride + more) // 2, (kernel - stride + more) - (kernel - stride + more) // 2]
        weight = m.weight(CHANNELS, CHANNELS, kernel)
        shape = {"kernel_shape": [kernel], "strides": [stride], "pads": pads, "output_padding": [more]}
        x = m.put("ConvTranspose", x, weight, **shape)
        x = m.put("Add", x, m.conv(m.put("LeakyRelu", x), 3))
    return m.put("Reshape", m.conv(x, 7), m.integers(1, 2, CHANNELS // 2, -1))


def leaning(m: Model) -> str:
    x = m.conv(m.put("Pad", "x", m.integers(0, 0, 5, 0, 0, 1)), 7, pads=[0, 0])
    return m.put("Mul", m.conv(x, 3, groups=CHANNELS), m.put("Sigmoid", x))


def halves(m: Model) -> str:
    """As torch exports chunks, masks and flips: their places follow from shapes, and a mask of ones is filled."""
    size = m.put("Gather", m.put("Shape", "x"), m.integers(1), axis=0)
    middle = m.put("Div", size, m.integers(2))
    first = m.put("Slice", "x", m.integers(0), middle, m.integers(1))
    second = m.put("Slice", "x", middle, size, m.integers(1))
    turned = m.put("Slice", second, m.integers(-1), m.integers(-(2**63) + 1), m.integers(1), m.integers(-1))
    ones = m.put("ConstantOfShape", m.put("Shape", first), value=numpy_helper.from_array(np.ones(1, np.float32)))
    return m.conv(m.put("Concat", m.put("Mul", first, ones), turned, axis=1), 5)


def at_frame_rate(m: Model) -> str:
    """A block with normalisation and products over channels, then an overlapping sum that is not understood."""
    x = m.conv("x", 7, groups=CHANNELS)
    y = m.put("Transpose", x, perm=[0, 2, 1])
    y = m.put("LayerNormalization", y, m.weight(CHANNELS), m.weight(CHANNELS), axis=-1)
    y = m.put("MatMul", m.put("MatMul", y, m.weight(CHANNELS, 9)), m.weight(9, CHANNELS))
    x = m.put("Add", "x", m.put("Transpose", y, perm=[0, 2, 1]))
    early = m.put("Pad", m.conv(x, 5), m.integers(0, 0, 0, 0, 0, 2))
    late = m.put("Pad", x, m.integers(0, 0, 2, 0, 0, 0))
    return m.put("Slice", m.put("Add", early, late), m.integers(1), m.integers(-1), m.integers(2))


# Frames before and after on which an output depends.
MODELS = {
    residual: (11, 11),
    upsampling: (5, 5),
    leaning: (6, 2),
    halves: (2, 2),
    at_frame_rate: (5, 6),
}


def made(build: Callable[[Model], str]) -> bytes:
    model = Model()
    return model.encode(build(model))


def rewritten(model: bytes, reach: tuple[int, int]) -> CarriedGraph:
    return carry_state(model, {"x": CHANNELS}, ["y"], *reach)


def stepped(stepper: Stepper, x: np.ndarray, ends: list[int]) -> list[np.ndarray]:
    asked, progress, total = [0], Progress(), x.shape[2]

    def frames(_: str, low: int, high: int) -> np.ndarray:
        asked.append(high)
        return x[..., low:high]

    parts = []
    for end in ends:
        parts += stepper.step(progress, end, total, frames, {})
        assert max(asked) <= min(total, end + stepper.ahead)
    return parts


@pytest.mark.parametrize("build", MODELS)
def test_joined_windows_equal_one_pass(build):
    model = made(build)
    graph = rewritten(model, MODELS[build])
    check_model("a test", "model.onnx", graph.model)
    assert len(graph.carries) >= 1 and graph.ahead <= MODELS[build][1] + 1
    stepper = Stepper(graph)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for frames in (1, 2, 9, 40, 61):
        x = np.random.default_rng(frames).standard_normal((1, CHANNELS, frames)).astype(np.float32)
        (whole,) = session.run(None, {"x": x})
        axis = whole.ndim - 1
        for schedule in SCHEDULES:
            joined = np.concatenate(stepped(stepper, x, schedule(frames)), axis)
            assert joined.shape == whole.shape
            assert np.abs(joined - whole).max() < 2e-6 * max(1.0, float(np.abs(whole).max()))


def test_a_frame_is_computed_once(monkeypatch):
    """Of a long input in many windows a layer sees each frame once, and what it keeps."""
    model = made(residual)
    stepper = Stepper(rewritten(model, MODELS[residual]))
    x = np.zeros((1, CHANNELS, 400), np.float32)
    given = []
    progress = Progress()
    for end in range(20, 401, 20):
        stepper.step(progress, end, 400, lambda _, low, high: given.append(high - low) or x[..., low:high], {})
    assert sum(given) == 400 and max(given) == 20 + stepper.ahead


@pytest.mark.parametrize("reach", [(10, 11), (11, 10)])
def test_a_graph_that_reaches_further_than_its_margins_stays_as_it_is(reach):
    with pytest.raises(CarryError, match="margins"):
        rewritten(made(residual), reach)


def strided(m: Model) -> str:
    weight = m.weight(CHANNELS, CHANNELS, 4)
    return m.put("Conv", "x", weight, kernel_shape=[4], strides=[2], pads=[1, 1])


def over_all_frames(m: Model) -> str:
    return m.put("Sub", m.conv("x", 3), m.put("ReduceMean", "x", axes=[2], keepdims=1))


@pytest.mark.parametrize("build", [strided, over_all_frames])
def test_what_is_not_understood_stays_as_it_is(build):
    """Means over all frames cannot be carried: whoever asks gets the reason, never other samples."""
    with pytest.raises(CarryError):
        rewritten(made(build), (1, 1))


def test_a_graph_comes_out_as_it_was_read():
    model = made(at_frame_rate)
    again = Graph.read(model).encode()
    assert onnx.load_from_string(again).graph.node == onnx.load_from_string(model).graph.node
    x = np.random.default_rng(0).standard_normal((1, CHANNELS, 20)).astype(np.float32)
    first, second = (
        onnxruntime.InferenceSession(m, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        for m in (model, again)
    )
    assert np.array_equal(first, second)
