"""A whole VITS in one ONNX graph, cut at the latent frames: front end and decoder, so that it streams.

The noise that the graph draws comes in from outside afterwards, and the margins of the decoder are measured.
"""

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from swaram.formats.exchange import FormatError

RANDOM = ("RandomNormalLike", "RandomNormal", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial")
_PROBE_FRAMES = 64
_MOST_FRAMES = 2048
_SPARE_FRAMES = 1


@dataclass(frozen=True)
class SplitVoice:
    """The two models of docs/architecture.md, and what the manifest says about them."""

    frontend: onnx.ModelProto
    decoder: onnx.ModelProto
    latent_channels: int
    hop_length: int
    left_margin: int
    right_margin: int
    stochastic_durations: bool


class _Graph:
    """A graph with its nodes by what they make."""

    def __init__(self, model: onnx.ModelProto, source: str) -> None:
        self.model, self.source = model, source
        self.weights = {weight.name: weight for weight in model.graph.initializer}
        self.nodes = []
        for node in model.graph.node:
            stored = next((a.t for a in node.attribute if a.name == "value"), None)
            if node.op_type == "Constant" and stored is not None:  # a weight by another name
                self.weights[node.output[0]] = stored
                stored.name = node.output[0]
            else:
                self.nodes.append(node)
        self.makers = {name: node for node in self.nodes for name in node.output}

    def before(self, targets: list[str], stops: set[str]) -> list[onnx.NodeProto]:
        """The nodes that ``targets`` need, in order, not looking behind ``stops``."""
        needed: set[int] = set()
        waiting = [name for name in targets if name not in stops]
        while waiting:
            node = self.makers.get(waiting.pop())
            if node is None or id(node) in needed:
                continue
            needed.add(id(node))
            waiting += [name for name in node.input if name and name not in stops]
        return [node for node in self.nodes if id(node) in needed]

    def fail(self, reason: str) -> FormatError:
        return FormatError(f"{self.source}: {reason}; it is not a VITS as Piper exports it")


def split_vits(model: onnx.ModelProto, source: str) -> SplitVoice:
    """Cut a graph with Piper's inputs (``input``, ``input_lengths``, ``scales``, ``sid``) and one output.

    Raises FormatError where the graph has no such shape.
    """
    graph = _Graph(model, source)
    names = {value.name for value in model.graph.input} - set(graph.weights)
    if not {"input", "input_lengths", "scales"} <= names or names - {"input", "input_lengths", "scales", "sid"}:
        raise graph.fail(f"its inputs are {', '.join(sorted(names)) or 'none'}")
    audio = model.graph.output[0].name
    latent, conditioning, channels = _cut(graph, audio)
    ceil = [node for node in graph.nodes if node.op_type == "Ceil"]
    if len(ceil) != 1:
        raise graph.fail(f"{len(ceil)} operations could be its durations")
    decoder = _decoder(graph, audio, latent, conditioning, channels)
    frontend, stochastic = _frontend(graph, latent, conditioning, ceil[0].output[0], channels, "sid" in names)
    hop, left, right = _measure(decoder, channels, source)
    return SplitVoice(frontend, decoder, channels, hop, left, right, stochastic)


def _cut(graph: _Graph, audio: str) -> tuple[str, str | None, int]:
    """The names of the latent frames and of the speaker's vector that the decoder takes, and the channels."""
    ups = [node for node in graph.before([audio], set()) if node.op_type == "ConvTranspose"]
    if not ups:
        raise graph.fail("it has no upsampling decoder")
    convolutions, waiting = [], [ups[0].input[0]]
    while waiting:
        node = graph.makers.get(waiting.pop())
        if node is None:
            continue
        if node.op_type == "Conv":
            convolutions.append(node)
        elif node.op_type in ("LeakyRelu", "Add", "Identity", "Mul", "Div"):
            waiting += [name for name in node.input if name not in graph.weights]
    wide = [node for node in convolutions if _kernel(node) > 1]
    narrow = [node for node in convolutions if _kernel(node) == 1]
    if len(wide) != 1 or len(narrow) > 1 or wide[0].input[1] not in graph.weights:
        raise graph.fail("the decoder's first convolution was not found")
    channels = graph.weights[wide[0].input[1]].dims[1]
    return wide[0].input[0], narrow[0].input[0] if narrow else None, channels


def _kernel(node: onnx.NodeProto) -> int:
    return next((a.ints[-1] for a in node.attribute if a.name == "kernel_shape"), 1)


def _decoder(graph: _Graph, audio: str, latent: str, conditioning: str | None, channels: int) -> onnx.ModelProto:
    stops = {latent} | ({conditioning} if conditioning else set())
    nodes = graph.before([audio], stops)
    made = {name for node in nodes for name in node.output}
    foreign = {name for node in nodes for name in node.input if name} - made - stops - set(graph.weights)
    if foreign or any(node.op_type in RANDOM for node in nodes):
        raise graph.fail(f"its decoder also needs {', '.join(sorted(foreign)) or 'noise'}")
    inputs = [_value("latent", TensorProto.FLOAT, "batch", channels, "frames")]
    entry = [helper.make_node("Identity", ["latent"], [latent])]
    if conditioning:
        inputs.append(_value("conditioning", TensorProto.FLOAT, "batch", "width", 1))
        entry.append(helper.make_node("Identity", ["conditioning"], [conditioning]))
    leave = [helper.make_node("Flatten", [audio], ["audio"], axis=1)]
    outputs = [_value("audio", TensorProto.FLOAT, "batch", "samples")]
    return _model(graph, [*entry, *nodes, *leave], inputs, outputs)


def _frontend(
    graph: _Graph, latent: str, conditioning: str | None, durations: str, channels: int, several: bool
) -> tuple[onnx.ModelProto, bool]:
    targets = [latent, durations, *([conditioning] if conditioning else [])]
    nodes = graph.before(targets, set())
    of_durations = {id(node) for node in graph.before([durations], set())}
    random = [node for node in nodes if node.op_type in RANDOM]
    first = [node for node in random if id(node) in of_durations]
    second = [node for node in random if id(node) not in of_durations]
    if len(first) > 1 or len(second) != 1 or any(node.op_type != "RandomNormalLike" for node in random):
        raise graph.fail(f"it draws noise in {len(random)} places")
    inputs = [
        _value("symbols", TensorProto.INT64, "batch", "symbols"),
        _value("lengths", TensorProto.INT64, "batch"),
        _value("scales", TensorProto.FLOAT, "batch", 3),
    ]
    node = helper.make_node
    entry = [
        node("Identity", ["symbols"], ["input"]),
        node("Identity", ["lengths"], ["input_lengths"]),
        node("Gather", ["scales", "swaram.zero"], ["swaram.scales"], axis=0),
    ]
    swaps: dict[int, list[onnx.NodeProto]] = {}
    if first:
        inputs.append(_value("duration_noise", TensorProto.FLOAT, "batch", 2, "symbols"))
        swaps[id(first[0])] = [node("Identity", ["duration_noise"], [first[0].output[0]])]
    inputs.append(_value("latent_noise", TensorProto.FLOAT, "batch", channels, "noise"))
    swaps[id(second[0])] = _noise_by_frame(second[0])
    if several:
        inputs.append(_value("speaker", TensorProto.INT64, "batch"))
        entry.append(node("Identity", ["speaker"], ["sid"]))
    body = []
    for original in nodes:
        kept = onnx.NodeProto()
        kept.CopyFrom(original)
        kept.input[:] = ["swaram.scales" if name == "scales" else name for name in original.input]
        body += swaps.get(id(original), [kept])
    leave = [
        node("Identity", [latent], ["latent"]),
        node("Squeeze", [durations, "swaram.one"], ["swaram.durations"]),
        node("Cast", ["swaram.durations"], ["durations"], to=TensorProto.INT64),
    ]
    outputs = [
        _value("latent", TensorProto.FLOAT, "batch", channels, "frames"),
        _value("durations", TensorProto.INT64, "batch", "symbols"),
    ]
    if conditioning:
        leave.append(node("Identity", [conditioning], ["conditioning"]))
        outputs.append(_value("conditioning", TensorProto.FLOAT, "batch", "width", 1))
    return _model(graph, [*entry, *body, *leave], inputs, outputs), bool(first)


def _noise_by_frame(drawn: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Frame t takes column t mod N of ``latent_noise``, in place of numbers that the graph would draw."""
    node = helper.make_node
    return [
        node("Shape", [drawn.input[0]], ["swaram.shape"]),
        node("Gather", ["swaram.shape", "swaram.two"], ["swaram.frames"], axis=0),
        node("Range", ["swaram.zero", "swaram.frames", "swaram.first"], ["swaram.places"]),
        node("Shape", ["latent_noise"], ["swaram.noise_shape"]),
        node("Gather", ["swaram.noise_shape", "swaram.two"], ["swaram.columns"], axis=0),
        node("Mod", ["swaram.places", "swaram.columns"], ["swaram.taken"]),
        node("Gather", ["latent_noise", "swaram.taken"], [drawn.output[0]], axis=2),
    ]


def _model(
    graph: _Graph, nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
) -> onnx.ModelProto:
    used = {name for node in nodes for name in node.input}
    numbers = {"zero": 0, "first": 1, "two": 2}
    weights = [weight for name, weight in graph.weights.items() if name in used]
    weights += [numpy_helper.from_array(np.array(n, np.int64), f"swaram.{k}") for k, n in numbers.items()]
    weights.append(numpy_helper.from_array(np.array([1], np.int64), "swaram.one"))
    kept = [weight for weight in weights if weight.name in used]
    made = helper.make_model(helper.make_graph(nodes, "voice", inputs, outputs, kept), producer_name="swaram")
    del made.opset_import[:]
    made.opset_import.extend(graph.model.opset_import)
    made.ir_version = min(graph.model.ir_version, 10)
    return made


def _value(name: str, kind: int, *shape: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))


def _measure(decoder: onnx.ModelProto, channels: int, source: str) -> tuple[int, int, int]:
    """Samples in a frame, and on how many frames before and after it a frame's samples depend.

    All frames before a place are changed, and it is seen how far behind it samples change with them: what lies
    further to the left than that many frames cannot be heard any more. Likewise for the other side.
    """
    session = onnxruntime.InferenceSession(decoder.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    extra = {}
    for given in session.get_inputs()[1:]:
        width = _conditioning_width(decoder)
        extra[given.name] = random.standard_normal((1, width, 1)).astype(np.float32)

    def run(frames: np.ndarray) -> np.ndarray:
        return session.run(None, {"latent": frames, **extra})[0].reshape(-1)

    frames = _PROBE_FRAMES
    while True:
        base, other = (random.standard_normal((1, channels, frames)).astype(np.float32) for _ in range(2))
        place = frames // 2
        heard = run(base)
        hop, rest = divmod(len(heard), frames)
        if rest or not hop:
            raise FormatError(f"{source}: its decoder makes {len(heard)} samples of {frames} frames")
        early = np.flatnonzero(heard != run(np.concatenate([other[..., :place], base[..., place:]], 2)))
        late = np.flatnonzero(heard != run(np.concatenate([base[..., :place], other[..., place:]], 2)))
        left = -(-(int(early.max()) + 1 - place * hop) // hop)
        right = -(-(place * hop - int(late.min())) // hop)
        if max(left, right) < place - 1:
            return hop, max(left, 0) + _SPARE_FRAMES, max(right, 0) + _SPARE_FRAMES
        frames *= 2
        if frames > _MOST_FRAMES:
            raise FormatError(f"{source}: its decoder listens to all frames at once, so it cannot stream")


def _conditioning_width(decoder: onnx.ModelProto) -> int:
    weights = {weight.name: weight for weight in decoder.graph.initializer}
    renamed = next(n.output[0] for n in decoder.graph.node if n.input[0] == "conditioning")
    return next(
        weights[n.input[1]].dims[1] for n in decoder.graph.node if n.op_type == "Conv" and n.input[0] == renamed
    )
