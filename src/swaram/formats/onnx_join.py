"""A voice package as one ONNX graph with Piper's inputs and output, and the package back out of such a graph.

Players give ids as ``^ _ a _ b _ $``. Inside, the bare symbols are taken out of them and written as this voice reads
them; noise is drawn inside; then front end, flow and decoder follow as they are in the package, each under a prefix.
"""

import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from swaram.audio.noise import FRAMES, noise_table
from swaram.formats.exchange import FormatError
from swaram.text.symbols import BLANK, BOS, EOS, SymbolTable
from swaram.voice.package import VoiceManifest, VoicePackage

PARTS = ("frontend", "flow", "decoder")
# Columns of noise for each id: more frames than an id lasts on average at a quarter of the speed.
_NOISE_COLUMNS = 16
_FLOAT, _INT64 = TensorProto.FLOAT, TensorProto.INT64
# What docs/architecture.md says of each part's inputs and outputs.
_VALUES: dict[str, tuple[int, tuple[str | int, ...]]] = {
    "symbols": (_INT64, ("batch", "symbols")),
    "lengths": (_INT64, ("batch",)),
    "scales": (_FLOAT, ("batch", 3)),
    "duration_noise": (_FLOAT, ("batch", 2, "symbols")),
    "latent_noise": (_FLOAT, ("batch", "channels", "noise")),
    "speaker": (_INT64, ("batch",)),
    "language": (_INT64, ("batch",)),
    "style": (_INT64, ("batch",)),
    "durations": (_INT64, ("batch", "symbols")),
    "prior": (_FLOAT, ("batch", "channels", "frames")),
    "latent": (_FLOAT, ("batch", "channels", "frames")),
    "conditioning": (_FLOAT, ("batch", "width", 1)),
    "pitch": (_FLOAT, ("batch", "frames")),
    "phase": (_FLOAT, ("batch", "frames")),
    "noise": (_FLOAT, ("batch", "noise_channels", "frames")),
    "audio": (_FLOAT, ("batch", "samples")),
}
# Players have no place for these: the voice's main language, and no style.
_FIRST = ("language", "style")
# What drives the decoder and is made inside, beside the pitch.
_SOURCE = ("phase", "noise")
_TAKEN = {"symbols", "lengths", "scales", "duration_noise", "latent_noise", "speaker", *_FIRST}


@dataclass(frozen=True)
class PlayerIds:
    """The ids that a player gives for characters, and how parts of letters become letters again.

    ``ids``: id of each character, the table's own and further ones for parts that are not symbols; ``marks``: ids of
    ``_ ^ $``; ``merges``: (first id, second id, id of both together), in the order in which they are done.
    """

    ids: dict[str, int]
    marks: dict[str, int]
    merges: list[tuple[int, int, int]]


def player_ids(table: SymbolTable) -> PlayerIds:
    """Ids for players that decompose text (Piper does), in which a composed letter comes in parts."""
    ids = {symbol: number for number, symbol in enumerate(table.symbols) if symbol}
    own = {mark: ids[mark] for mark in (BLANK, BOS, EOS) if mark in ids}
    merges: list[tuple[int, int, int]] = []
    further = len(table.symbols)

    def place(character: str) -> int:
        nonlocal further
        if character not in ids:
            ids[character] = further
            further += 1
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (place(chr(int(part, 16))) for part in parts)
            rule = (first, second, ids[character])
            if rule not in merges:
                merges.append(rule)
        return ids[character]

    for symbol in [symbol for symbol in table.symbols if symbol]:
        place(symbol)
    for symbol, spelling in table.spellings.items():
        if len(spelling) == 1 and symbol not in ids:
            ids[symbol] = ids[spelling]
    marks = dict(own)
    for mark in (BLANK, BOS, EOS):
        if mark not in marks:
            marks[mark] = further
            further += 1
    return PlayerIds({symbol: n for symbol, n in ids.items() if symbol not in own}, marks, merges)


def join_package(package: VoicePackage) -> onnx.ModelProto:
    """One graph: ``input`` int64 [1, S], ``input_lengths``, ``scales`` float32 [3], ``sid`` in voices with speakers →
    ``output`` float32 [1, 1, 1, samples].

    Raises FormatError where the package's models are of unlike ONNX versions.
    """
    models = {name: onnx.load_from_string(content) for name, content in _contents(package).items()}
    opsets = {(o.domain, o.version) for model in models.values() for o in model.opset_import}
    if len(opsets) != 1:
        raise FormatError(f"{package.source}: its models are of unlike ONNX versions and cannot be joined")
    parts = {name: compose.add_prefix(model, f"{name}/") for name, model in models.items()}
    given = {value.name for value in models["frontend"].graph.input}
    if given - _TAKEN:
        raise FormatError(f"{package.source}: players have no place for its {', '.join(sorted(given - _TAKEN))}")
    channels = package.manifest.latent_channels
    builder = _Builder()
    symbols, length = _symbols(builder, package.symbols)
    builder.put("Identity", [symbols], "frontend/symbols")
    builder.put("Identity", [length], "frontend/lengths")
    builder.put("Unsqueeze", ["scales", builder.integers(0)], "frontend/scales")
    if "duration_noise" in given:
        shape = builder.put("Concat", [builder.integers(1), builder.integers(2), length], axis=0)
        builder.put("RandomNormalLike", [builder.put("ConstantOfShape", [shape])], "frontend/duration_noise")
    columns = builder.put("Mul", [length, builder.integers(_NOISE_COLUMNS)])
    shape = builder.put("Concat", [builder.integers(1), builder.integers(channels), columns], axis=0)
    builder.put("RandomNormalLike", [builder.put("ConstantOfShape", [shape])], "frontend/latent_noise")
    inputs = [_value("input", _INT64, "batch", "symbols"), _value("input_lengths", _INT64, "batch")]
    inputs.append(_value("scales", _FLOAT, 3))
    if "speaker" in given:
        builder.put("Identity", ["sid"], "frontend/speaker")
        inputs.append(_value("sid", _INT64, "batch"))
    for name in _FIRST:
        if name in given:
            builder.put("Identity", [builder.integers(0)], f"frontend/{name}")
    nodes, weights = list(builder.nodes), list(builder.weights)
    for name, part in parts.items():
        if name == "decoder" and package.manifest.source is not None:
            made = len(builder.nodes)
            _source(builder, package.manifest)
            nodes += builder.nodes[made:]
        nodes += _entries(name, part, parts)
        nodes += part.graph.node
        weights += part.graph.initializer
    nodes.append(helper.make_node("Unsqueeze", ["decoder/audio", builder.integers(1, 2)], ["output"]))
    weights = list({weight.name: weight for weight in [*weights, *builder.weights]}.values())
    outputs = [_value("output", _FLOAT, "batch", 1, 1, "samples")]
    model = helper.make_model(helper.make_graph(nodes, "voice", inputs, outputs, weights), producer_name="swaram")
    del model.opset_import[:]
    model.opset_import.extend(models["frontend"].opset_import)
    model.ir_version = max(part.ir_version for part in models.values())
    onnx.checker.check_model(model)
    return model


def unjoin(model: onnx.ModelProto, source: str) -> dict[str, bytes]:
    """The package's models, by file name, out of a graph that ``join_package`` made. Raises FormatError."""
    found = {}
    for name in PARTS:
        prefix = f"{name}/"
        nodes = [node for node in model.graph.node if node.output and node.output[0].startswith(prefix)]
        weights = [weight for weight in model.graph.initializer if weight.name.startswith(prefix)]
        made = {output for node in nodes for output in node.output}
        entries = [node for node in nodes if node.output[0].removeprefix(prefix) in _VALUES and _enters(node, prefix)]
        body = [node for node in nodes if node not in entries]
        if not body:
            continue
        inputs = [node.output[0] for node in entries]
        outputs = [f"{prefix}{v}" for v in _VALUES if f"{prefix}{v}" in made and f"{prefix}{v}" not in inputs]
        takes, gives = ([_described(value, prefix) for value in values] for values in (inputs, outputs))
        part = helper.make_model(helper.make_graph(body, name, takes, gives, weights), producer_name="swaram")
        del part.opset_import[:]
        part.opset_import.extend(model.opset_import)
        part.ir_version = model.ir_version
        found[f"{name}.onnx"] = _without_prefix(part, prefix).SerializeToString()
    if not {"frontend.onnx", "decoder.onnx"} <= set(found):
        raise FormatError(f"{source}: its description says that it was made of a swaram voice, and its graph is not")
    return found


def _contents(package: VoicePackage) -> dict[str, bytes]:
    flow = {} if package.flow is None else {"flow": package.flow}
    return {"frontend": package.frontend, **flow, "decoder": package.decoder}


def _entries(name: str, part: onnx.ModelProto, parts: dict[str, onnx.ModelProto]) -> list[onnx.NodeProto]:
    """What flow and decoder take from the parts before them."""
    if name == "frontend":
        return []
    last = "flow" if name == "decoder" and "flow" in parts else "frontend"
    wanted = [value.name.removeprefix(f"{name}/") for value in part.graph.input]
    wanted = [value for value in wanted if value not in _SOURCE]
    makers = {value: "frontend" if value == "conditioning" else last for value in wanted}
    return [helper.make_node("Identity", [f"{makers[v]}/{v}"], [f"{name}/{v}"]) for v in wanted]


def _enters(node: onnx.NodeProto, prefix: str) -> bool:
    return not any(name.startswith(prefix) for name in node.input)


def _described(name: str, prefix: str) -> onnx.ValueInfoProto:
    kind, shape = _VALUES[name.removeprefix(prefix)]
    return _value(name, kind, *shape)


def _without_prefix(model: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    def rename(graph: onnx.GraphProto) -> None:
        for node in graph.node:
            node.name = node.name.removeprefix(prefix)
            node.input[:] = [name.removeprefix(prefix) for name in node.input]
            node.output[:] = [name.removeprefix(prefix) for name in node.output]
            for attribute in node.attribute:
                for inner in (attribute.g, *attribute.graphs):
                    rename(inner)
        for value in (*graph.initializer, *graph.input, *graph.output, *graph.value_info):
            value.name = value.name.removeprefix(prefix)

    rename(model.graph)
    return model


class _Builder:
    """Nodes and constants with names of their own."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def put(self, operator: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        output = output or f"player/{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def integers(self, *values: int) -> str:
        return self.constant(f"player/integers_{'_'.join(map(str, values))}", np.array(values, np.int64))

    def constant(self, name: str, values: np.ndarray) -> str:
        if all(weight.name != name for weight in self.weights):
            self.weights.append(numpy_helper.from_array(values, name))
        return name

    def slice(self, data: str, start: int, end: int, step: int = 1) -> str:
        numbers = [self.integers(number) for number in (start, end, 0, step)]
        return self.put("Slice", [data, *numbers])


def _symbols(builder: _Builder, table: SymbolTable) -> tuple[str, str]:
    """The voice's own ids, int64 [1, S], of what the player gave, and S."""
    put, integers = builder.put, builder.integers
    everything = put("Reshape", ["input", integers(-1)])
    bare = builder.slice(everything, 2, -1, 2)
    # One stranger at each end, so that no step meets an empty list.
    stranger = integers(1 << 30)
    bare = put("Concat", [stranger, bare, stranger], axis=0)
    no = builder.constant("player/no", np.array([False]))
    for first, second, together in player_ids(table).merges:
        met = put(
            "And",
            [
                put("Equal", [builder.slice(bare, 0, -1), integers(first)]),
                put("Equal", [builder.slice(bare, 1, 1 << 30), integers(second)]),
            ],
        )
        merged = put("Where", [put("Concat", [met, no], axis=0), integers(together), bare])
        bare = put("Compress", [merged, put("Not", [put("Concat", [no, met], axis=0)])], axis=0)
    known = put("Less", [bare, integers(len(table.symbols))])
    bare = put("Compress", [bare, known], axis=0)
    ids = {symbol: number for number, symbol in enumerate(table.symbols)}
    marked = [*([integers(ids[BOS])] if table.bos else []), bare, *([integers(ids[EOS])] if table.eos else [])]
    sequence = put("Concat", marked, axis=0) if len(marked) > 1 else bare
    if table.blank:
        blank = integers(ids[BLANK] if table.blank_id is None else table.blank_id)
        pairs = put("Unsqueeze", [sequence, integers(1)])
        blanks = put("Add", [put("Mul", [pairs, integers(0)]), blank])
        sequence = put("Reshape", [put("Concat", [blanks, pairs], axis=1), integers(-1)])
        sequence = put("Concat", [sequence, blank], axis=0) if table.edges else builder.slice(sequence, 1, 1 << 30)
    return put("Unsqueeze", [sequence, integers(0)]), put("Shape", [sequence])


def _source(builder: _Builder, manifest: VoiceManifest) -> None:
    """Phase and noise for the decoder, as ``voice.models`` makes them."""
    put, integers = builder.put, builder.integers
    frames = put("Shape", ["flow/pitch"], start=1, end=2)
    pitch = put("Cast", ["flow/pitch"], to=TensorProto.DOUBLE)
    ends = [put("Slice", [pitch, integers(at), integers(end), integers(1)]) for at, end in ((0, 1), (-1, 1 << 30))]
    padded = put("Concat", [ends[0], pitch, ends[1]], axis=1)

    def sum_of_neighbours(values: str) -> str:
        first = put("Slice", [values, integers(0), integers(-1), integers(1)])
        return put("Add", [first, put("Slice", [values, integers(1), integers(1 << 30), integers(1)])])

    share = manifest.hop_length / manifest.sample_rate / 4
    turns = put(
        "Mul", [sum_of_neighbours(sum_of_neighbours(padded)), builder.constant("player/share", np.array(share))]
    )
    before = put("CumSum", [turns, integers(1)], exclusive=1)
    put("Cast", [put("Sub", [before, put("Floor", [before])])], "decoder/phase", to=_FLOAT)
    if manifest.source is not None:
        table = builder.constant("player/noise", noise_table(manifest.source.noise_channels))
        zero, one = (builder.constant(f"player/count_{number}", np.array(number)) for number in (0, 1))
        numbers = put("Range", [zero, put("Squeeze", [frames]), one])
        columns = put("Mod", [numbers, integers(FRAMES)])
        noise = put("Cast", [put("Gather", [table, columns], axis=1)], to=_FLOAT)
        put("Unsqueeze", [noise, integers(0)], "decoder/noise")


def _value(name: str, kind: int, *shape: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))
