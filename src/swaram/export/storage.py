"""A voice stored small: weights in eight bits, Fourier tables computed when it is opened."""

import json
from pathlib import Path

import onnx

from swaram.runtime.fourier_tables import compute_tables
from swaram.runtime.quantisation import store_bytes
from swaram.voice.package import FLOW, MODELS, package_files
from swaram.voice.packing import write_package
from swaram.voice.voice import Voice

OPERATORS = ("MatMul", "Conv", "ConvTranspose", "Gather", "Gemm")


def store_small(graph: onnx.ModelProto) -> None:
    """Store a model small, in place: large weights in eight bits, one scale for each output channel."""
    compute_tables(graph)
    store_bytes(graph, OPERATORS)


def shrink_voice(source: str | Path, out: str | Path) -> tuple[int, int]:
    """Write the voice ``source``, a folder or zip, small to ``out``; return its size before and after, in bytes.

    Raises VoiceError where ``source`` is no sound voice or ``out`` is something else.
    """
    voice = Voice.open(source)
    files = dict(package_files(source))
    models = {}
    for name in (*MODELS, FLOW):
        if name in files:
            graph = onnx.load_from_string(files[name])
            store_small(graph)
            models[name] = graph.SerializeToString()
    manifest = json.loads(files["voice.json"])
    del manifest["files"]
    card, licence = (files.get(name, b"").decode("utf-8", "replace") for name in ("MODEL_CARD.md", "LICENSE"))
    others = {name: content for name, content in files.items() if name not in (*models, "voice.json")}
    size = write_package(
        Path(out), others | models, manifest, card or f"# {voice.name}\n", licence or f"{voice.manifest.licence}\n"
    )
    return sum(map(len, files.values())), size
