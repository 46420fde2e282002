"""Export: the averaged network of a training run becomes a package, compared with PyTorch before it is written."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from swaram.evaluation.recognizer.errors import RecognizerError
from swaram.evaluation.recognizer.language_model import LanguageModel
from swaram.evaluation.recognizer.network import Panel
from swaram.evaluation.recognizer.package import FORMAT_VERSION, LANGUAGE_MODEL, MODEL, write_package
from swaram.evaluation.recognizer.quantisation import round_to_bytes, store_bytes
from swaram.evaluation.recognizer.state import load_network
from swaram.voice.graph import OPSET

TOLERANCE = 1e-3  # nats that ONNX may differ from PyTorch, at the likeliest units


@dataclass(frozen=True)
class Papers:
    """What goes with a model: a name, the licence, who is to be named, the card, facts and figures."""

    name: str
    licence: str = ""
    attribution: str = ""
    card: str = ""
    licence_text: str = ""
    figures: dict[str, Any] | None = None
    search: dict[str, float] | None = None


def export_recognizer(states: Sequence[Path], out: Path, papers: Papers, language: LanguageModel | None = None) -> int:
    """Write the package ``out`` from states such as ``logs/recognizer-ml/best``; return its size in bytes.

    Several states of one run listen together. Their matrices are stored in eight bits, computed with in single
    precision. Raises RecognizerError where a state cannot be read, they do not belong together, or ONNX and PyTorch
    differ.
    """
    loaded = [load_network(state) for state in states]
    _, features, units, facts = loaded[-1]
    for state, (network, its_features, its_units, _) in zip(states, loaded, strict=True):
        alike = (its_features, its_units.units) == (features, units.units)
        if not alike or network.settings.stride != loaded[-1][0].settings.stride:
            raise RecognizerError(f"{state} and {states[-1]} are not of one run; export one of them.")
    panel = Panel([network for network, *_ in loaded]).eval()
    round_to_bytes(panel)
    stride, reach = loaded[-1][0].settings.stride, max(network.settings.reach for network, *_ in loaded)
    graph = _trace(panel, features.n_mels, stride)
    store_bytes(graph)
    model = graph.SerializeToString()
    difference = _difference(panel, model, features.n_mels, stride)
    if not difference <= TOLERANCE:
        raise RecognizerError(f"the exported recogniser differs from PyTorch by {difference:.2e} nats; report this.")
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": papers.name,
        "language": units.language,
        "units": units.units,
        "features": features.to_dict(),
        "stride": stride,
        "reach": reach,
        "licence": papers.licence,
        "attribution": papers.attribution,
        "training": {
            "steps": facts["step"], "epochs": facts["epoch"], "minutes": round(facts["seconds"] / 60, 1),
            "clips": facts["clips"], "hours_of_speech": round(facts["hours"], 2), "speakers": facts["speakers"],
            "texts": facts["texts"], "speakers_held_out": len(facts["held_out"]),
            "networks": len(loaded), "parameters": sum(p.numel() for p in panel.parameters()),
        },
        "figures": papers.figures or {},
    }  # fmt: skip
    contents = {
        MODEL: model,
        "MODEL_CARD.md": (papers.card or f"# {papers.name}\n").encode(),
        "LICENSE": (papers.licence_text or papers.licence + "\n").encode(),
    }
    if language is not None:
        contents[LANGUAGE_MODEL] = language.to_bytes()
        manifest["search"] = papers.search or {}
    return write_package(out, manifest, contents)


def _trace(panel: Panel, n_mels: int, stride: int) -> onnx.ModelProto:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            panel,
            (torch.randn(2, 20 * stride, n_mels),),
            buffer,  # type: ignore[arg-type]
            input_names=["mel"],
            output_names=["log_probabilities"],
            dynamic_axes={"mel": {0: "batch", 1: "frames"}, "log_probabilities": {0: "batch", 1: "symbol_frames"}},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(graph, full_check=True)
    return graph


@torch.no_grad()
def _difference(panel: Panel, model: bytes, n_mels: int, stride: int) -> float:
    """Largest difference where PyTorch gives a unit at least one in a thousand, over some lengths, in nats."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    worst = 0.0
    for length in (1, 7, 100):
        mel = random.standard_normal((1, length * stride, n_mels)).astype(np.float32) * 3 - 7
        expected = panel(torch.from_numpy(mel)).numpy()
        (found,) = session.run(None, {"mel": mel})
        likely = expected > np.log(1e-3)
        worst = max(worst, float(np.abs(found - expected)[likely].max()))
    return worst
