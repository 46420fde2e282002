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

from swaram.evaluation.recognizer.calibration import blank_penalty, take_from_blank
from swaram.evaluation.recognizer.clips import Clip
from swaram.evaluation.recognizer.errors import RecognizerError
from swaram.evaluation.recognizer.language_model import LanguageModel
from swaram.evaluation.recognizer.network import Network
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


def export_recognizer(
    state: Path,
    out: Path,
    papers: Papers,
    language: LanguageModel | None = None,
    validation: Sequence[Clip] = (),
    penalty: float = 0.0,
) -> int:
    """Write the package ``out`` from a folder such as ``logs/recognizer-ml/best``; return its size in bytes.

    Matrices are stored in eight bits, computed with in single precision. ``penalty`` is what the blank loses, in nats;
    where there are ``validation`` clips, they choose it instead. Raises RecognizerError where the state cannot be
    read, or ONNX and PyTorch differ.
    """
    network, features, units, facts = load_network(state)
    round_to_bytes(network)
    if validation:
        penalty, _ = blank_penalty(network, features, units, validation)
    take_from_blank(network, penalty)
    graph = _trace(network, features.n_mels)
    store_bytes(graph)
    model = graph.SerializeToString()
    difference = _difference(network, model, features.n_mels)
    if not difference <= TOLERANCE:
        raise RecognizerError(f"the exported recogniser differs from PyTorch by {difference:.2e} nats; report this.")
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": papers.name,
        "language": units.language,
        "units": units.units,
        "features": features.to_dict(),
        "stride": network.settings.stride,
        "reach": network.settings.reach,
        "licence": papers.licence,
        "attribution": papers.attribution,
        "training": {
            **_trained(facts),
            "clips": facts["clips"], "hours_of_speech": round(facts["hours"], 2), "speakers": facts["speakers"],
            "texts": facts["texts"], "speakers_held_out": len(facts["held_out"]),
            "blank_penalty": penalty,
            "parameters": sum(p.numel() for p in network.parameters()),
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


def _trained(facts: dict[str, Any]) -> dict[str, float]:
    """How long, with what came before a warm start."""
    earlier = facts.get("earlier", {})
    step, epoch, seconds = (facts[name] + earlier.get(name, 0) for name in ("step", "epoch", "seconds"))
    return {"steps": step, "epochs": epoch, "minutes": round(seconds / 60, 1)}


def _trace(network: Network, n_mels: int) -> onnx.ModelProto:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.randn(2, 20 * network.settings.stride, n_mels),),
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
def _difference(network: Network, model: bytes, n_mels: int) -> float:
    """Largest difference where PyTorch gives a unit at least one in a thousand, over some lengths, in nats."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    worst = 0.0
    for length in (1, 7, 100):
        mel = random.standard_normal((1, length * network.settings.stride, n_mels)).astype(np.float32) * 3 - 7
        expected = network(torch.from_numpy(mel)).numpy()
        (found,) = session.run(None, {"mel": mel})
        likely = expected > np.log(1e-3)
        worst = max(worst, float(np.abs(found - expected)[likely].max()))
    return worst
