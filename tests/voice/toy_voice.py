"""A voice made in a moment: the contract's inputs and outputs, a real receptive field, no sense.

Its sound is no speech; what it shows is that windows, noise, durations and speakers are handled exactly.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from swaram.text.symbols import SymbolTable

CHANNELS, HIDDEN, SPEAKER_CHANNELS = 8, 24, 4
FIRST_REACH, SECOND_REACH = 5, 6
REACH = FIRST_REACH + SECOND_REACH
FLOW_REACH = 4


def write_toy_voice(
    folder: Path,
    *,
    speakers: int = 2,
    hop_length: int = 256,
    sample_rate: int = 16_000,
    language: str = "ml",
    flow: bool = False,
) -> Path:
    """Write a voice package into ``folder`` and return it; with ``flow`` its front end ends before the flow."""
    folder.mkdir(parents=True, exist_ok=True)
    symbols = SymbolTable.for_languages(language)
    models = {
        "frontend.onnx": _frontend(len(symbols.symbols), speakers, "prior" if flow else "latent"),
        "decoder.onnx": _decoder(hop_length, speakers),
    }
    if flow:
        models["flow.onnx"] = _flow(speakers)
    for name, model in models.items():
        (folder / name).write_bytes(model)
    manifest = {
        "format_version": 1,
        "name": "Toy",
        "language": language,
        "languages": [language],
        "sample_rate": sample_rate,
        "hop_length": hop_length,
        "latent_channels": CHANNELS,
        "symbols": symbols.to_dict(),
        "speakers": [{"id": i, "name": f"speaker-{i}", "gender": "female", "description": ""} for i in range(speakers)]
        if speakers > 1
        else [],
        "default_speaker": 0 if speakers > 1 else None,
        "inference": {"noise_scale": 0.5, "length_scale": 1.0, "duration_noise_scale": 0.3},
        "decoder": {"left_margin": REACH, "right_margin": REACH},
        "flow": {"left_margin": FLOW_REACH, "right_margin": FLOW_REACH} if flow else None,
        "licence": "CC0-1.0",
        "attribution": "made by the tests",
        "training": {},
        "files": {
            name: {"sha256": hashlib.sha256(model).hexdigest(), "bytes": len(model)} for name, model in models.items()
        },
    }
    (folder / "voice.json").write_text(json.dumps(manifest, ensure_ascii=False))
    (folder / "MODEL_CARD.md").write_text("A toy.\n")
    (folder / "LICENSE").write_text("CC0-1.0\n")
    return folder


def _weights(name: str, *shape: int, scale: float = 1.0) -> onnx.TensorProto:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32) * scale
    return numpy_helper.from_array(values, name)


def _constant(name: str, values, dtype) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype), name)


def _model(nodes, inputs, outputs, constants) -> bytes:
    graph = helper.make_graph(nodes, "toy", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _value(name: str, kind: int, *shape):
    return helper.make_tensor_value_info(name, kind, list(shape))


def _frontend(symbols: int, speakers: int, made: str) -> bytes:
    node = helper.make_node
    lasts = np.random.default_rng(3).integers(2, 9, symbols).astype(np.float32)
    lasts[0] = 1
    constants = [
        numpy_helper.from_array(lasts, "lasts"),
        _weights("embedding", symbols, CHANNELS),
        _weights("speaker_embedding", max(speakers, 1), SPEAKER_CHANNELS),
        _weights("speaker_to_latent", SPEAKER_CHANNELS, CHANNELS, scale=0.5),
        _constant("i0", 0, np.int64),
        _constant("i1", 1, np.int64),
        _constant("i2", 2, np.int64),
        _constant("zero", 0.0, np.float32),
        _constant("one", 1.0, np.float32),
        _constant("axis0", [0], np.int64),
        _constant("axis1", [1], np.int64),
        _constant("axis2", [2], np.int64),
    ]
    nodes = [
        node("Shape", ["symbols"], ["shape"]),
        node("Gather", ["shape", "i1"], ["s"]),
        node("Range", ["i0", "s", "i1"], ["places"]),
        node("Unsqueeze", ["lengths", "axis1"], ["lengths2"]),
        node("Less", ["places", "lengths2"], ["present"]),
        node("Cast", ["present"], ["present_f"], to=TensorProto.FLOAT),
        # durations = ceil(lasts * length_scale + |noise| * duration_noise_scale), nothing beyond the lengths
        node("Gather", ["lasts", "symbols"], ["base"]),
        node("Gather", ["scales", "i0"], ["noise_scale"], axis=1),
        node("Gather", ["scales", "i1"], ["length_scale"], axis=1),
        node("Gather", ["scales", "i2"], ["duration_scale"], axis=1),
        node("Unsqueeze", ["length_scale", "axis1"], ["length_scale2"]),
        node("Unsqueeze", ["duration_scale", "axis1"], ["duration_scale2"]),
        node("Mul", ["base", "length_scale2"], ["scaled"]),
        node("Gather", ["duration_noise", "i0"], ["first_noise"], axis=1),
        node("Abs", ["first_noise"], ["size_of_noise"]),
        node("Mul", ["size_of_noise", "duration_scale2"], ["added"]),
        node("Add", ["scaled", "added"], ["exact"]),
        node("Ceil", ["exact"], ["whole"]),
        node("Mul", ["whole", "present_f"], ["durations_f"]),
        node("Cast", ["durations_f"], ["durations"], to=TensorProto.INT64),
        # alignment [B, T, S]
        node("CumSum", ["durations_f", "i1"], ["ends"]),
        node("Sub", ["ends", "durations_f"], ["starts"]),
        node("ReduceMax", ["ends"], ["t_f"], keepdims=0),
        node("Cast", ["t_f"], ["t"], to=TensorProto.INT64),
        node("Range", ["zero", "t_f", "one"], ["times"]),
        node("Unsqueeze", ["times", "axis1"], ["times2"]),
        node("Unsqueeze", ["ends", "axis1"], ["ends3"]),
        node("Unsqueeze", ["starts", "axis1"], ["starts3"]),
        node("Less", ["times2", "ends3"], ["before_end"]),
        node("GreaterOrEqual", ["times2", "starts3"], ["after_start"]),
        node("And", ["before_end", "after_start"], ["aligned"]),
        node("Cast", ["aligned"], ["alignment"], to=TensorProto.FLOAT),
        node("Gather", ["embedding", "symbols"], ["embedded"]),
        node("MatMul", ["alignment", "embedded"], ["frames"]),
        node("ReduceMax", ["alignment"], ["mask"], axes=[2], keepdims=1),
        # noise: frame t takes column t mod N
        node("Shape", ["latent_noise"], ["noise_shape"]),
        node("Gather", ["noise_shape", "i2"], ["n"]),
        node("Range", ["i0", "t", "i1"], ["frame_numbers"]),
        node("Mod", ["frame_numbers", "n"], ["columns"]),
        node("Gather", ["latent_noise", "columns"], ["noise"], axis=2),
        node("Transpose", ["noise"], ["noise_t"], perm=[0, 2, 1]),
        node("Unsqueeze", ["noise_scale", "axis1"], ["noise_scale2"]),
        node("Unsqueeze", ["noise_scale2", "axis1"], ["noise_scale3"]),
        node("Mul", ["noise_t", "noise_scale3"], ["noise_added"]),
        node("Add", ["frames", "noise_added"], ["noisy"]),
    ]
    inputs = [
        _value("symbols", TensorProto.INT64, "B", "S"),
        _value("lengths", TensorProto.INT64, "B"),
        _value("scales", TensorProto.FLOAT, "B", 3),
        _value("duration_noise", TensorProto.FLOAT, "B", 2, "S"),
        _value("latent_noise", TensorProto.FLOAT, "B", CHANNELS, "N"),
    ]
    outputs = [
        _value(made, TensorProto.FLOAT, "B", CHANNELS, "T"),
        _value("durations", TensorProto.INT64, "B", "S"),
    ]
    last = "noisy"
    if speakers > 1:
        inputs.append(_value("speaker", TensorProto.INT64, "B"))
        outputs.append(_value("conditioning", TensorProto.FLOAT, "B", SPEAKER_CHANNELS, 1))
        nodes += [
            node("Gather", ["speaker_embedding", "speaker"], ["spoken_by"]),
            node("Unsqueeze", ["spoken_by", "axis2"], ["conditioning"]),
            node("MatMul", ["spoken_by", "speaker_to_latent"], ["shift"]),
            node("Unsqueeze", ["shift", "axis1"], ["shift3"]),
            node("Add", ["noisy", "shift3"], ["shifted"]),
        ]
        last = "shifted"
    nodes += [
        node("Mul", [last, "mask"], ["masked"]),
        node("Transpose", ["masked"], [made], perm=[0, 2, 1]),
    ]
    return _model(nodes, inputs, outputs, constants)


def _flow(speakers: int) -> bytes:
    node = helper.make_node
    constants = [
        _weights("shift", CHANNELS, CHANNELS, 2 * FLOW_REACH + 1, scale=0.3),
        _weights("by_speaker", CHANNELS, SPEAKER_CHANNELS, 1, scale=0.5),
    ]
    nodes = [node("Conv", ["prior", "shift"], ["a"], pads=[FLOW_REACH, FLOW_REACH])]
    inputs = [_value("prior", TensorProto.FLOAT, "B", CHANNELS, "T")]
    if speakers > 1:
        inputs.append(_value("conditioning", TensorProto.FLOAT, "B", SPEAKER_CHANNELS, 1))
        nodes += [node("Conv", ["conditioning", "by_speaker"], ["c"]), node("Add", ["a", "c"], ["b"])]
    nodes += [node("Tanh", ["b" if speakers > 1 else "a"], ["d"]), node("Add", ["prior", "d"], ["latent"])]
    return _model(nodes, inputs, [_value("latent", TensorProto.FLOAT, "B", CHANNELS, "T")], constants)


def _decoder(hop_length: int, speakers: int) -> bytes:
    node = helper.make_node
    constants = [
        _weights("first", HIDDEN, CHANNELS, 2 * FIRST_REACH + 1, scale=0.15),
        _weights("second", HIDDEN, HIDDEN, SECOND_REACH + 1, scale=0.15),
        _weights("last", hop_length, HIDDEN, 1, scale=0.1),
        _weights("condition", HIDDEN, SPEAKER_CHANNELS, 1, scale=0.5),
        _constant("flat", [0, -1], np.int64),
    ]
    nodes = [node("Conv", ["latent", "first"], ["a"], pads=[FIRST_REACH, FIRST_REACH])]
    inputs = [_value("latent", TensorProto.FLOAT, "B", CHANNELS, "T")]
    if speakers > 1:
        inputs.append(_value("conditioning", TensorProto.FLOAT, "B", SPEAKER_CHANNELS, 1))
        nodes += [node("Conv", ["conditioning", "condition"], ["c"]), node("Add", ["a", "c"], ["b"])]
    nodes += [
        node("Tanh", ["b" if speakers > 1 else "a"], ["d"]),
        node("Conv", ["d", "second"], ["e"], pads=[SECOND_REACH, SECOND_REACH], dilations=[2]),
        node("Tanh", ["e"], ["f"]),
        node("Conv", ["f", "last"], ["g"]),
        node("Tanh", ["g"], ["h"]),
        node("Transpose", ["h"], ["i"], perm=[0, 2, 1]),
        node("Reshape", ["i", "flat"], ["audio"]),
    ]
    return _model(nodes, inputs, [_value("audio", TensorProto.FLOAT, "B", "samples")], constants)
