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

from swaram.export.graphs import OPSET
from swaram.prepare.manifest import Clip
from swaram.recognition.checkpoints import load_network
from swaram.recognition.ensemble import Panel, best_penalty
from swaram.recognition.errors import RecognizerError
from swaram.recognition.features import FeatureSettings
from swaram.recognition.language_model import LanguageModel
from swaram.recognition.package import FORMAT_VERSION, LANGUAGE_MODEL, MODEL, write_package
from swaram.recognition.units import UnitTable
from swaram.runtime.quantisation import MINIMUM_SIZE, store_bytes, whole_and_scale

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
    states: Path | Sequence[Path],
    out: Path,
    papers: Papers,
    language: LanguageModel | None = None,
    validation: Sequence[Clip] = (),
    penalty: float = 0.0,
) -> int:
    """Write the package ``out`` from a folder such as ``logs/recognizer-ml/best``; return its size in bytes.

    ``states``: one folder, or several whose networks were trained beside each other and are heard as one. Matrices are
    stored in eight bits, computed with in single precision. ``penalty`` is what the blank loses, in nats; where there
    are ``validation`` clips, they choose it instead. Raises RecognizerError where a state cannot be read, states do
    not belong together, or ONNX and PyTorch differ.
    """
    network, features, units, facts = _read([states] if isinstance(states, Path) else states)
    if validation:
        penalty, _ = best_penalty(network, features, units, validation)
    network.set_penalty(penalty)
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
        "stride": network.stride,
        "reach": network.reach,
        "licence": papers.licence,
        "attribution": papers.attribution,
        "training": {
            **_trained(facts),
            "clips": facts[0]["clips"], "hours_of_speech": round(facts[0]["hours"], 2),
            "speakers": facts[0]["speakers"], "texts": facts[0]["texts"],
            "speakers_held_out": len(facts[0]["held_out"]), "networks": len(facts),
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


def _read(states: Sequence[Path]) -> tuple[Panel, FeatureSettings, UnitTable, list[dict[str, Any]]]:
    """The networks of the states as one, their matrices rounded; what the units are; and how each was trained."""
    found = [load_network(state) for state in states]
    _, features, units, _ = found[0]
    for state, (_, other_features, other_units, _) in zip(states, found, strict=True):
        if other_features != features or other_units.units != units.units:
            raise RecognizerError(f"{state} and {states[0]} were trained on other texts; export them apart")
    panel = Panel([network for network, *_ in found]).eval()
    round_to_bytes(panel)
    return panel, features, units, [facts for *_, facts in found]


def _trained(facts: Sequence[dict[str, Any]]) -> dict[str, float]:
    """How long, all networks together, with what came before a warm start."""
    steps, epochs, seconds = (
        sum(one[name] + one.get("earlier", {}).get(name, 0) for one in facts) for name in ("step", "epoch", "seconds")
    )
    return {"steps": steps, "epochs": epochs, "minutes": round(seconds / 60, 1)}


def _trace(network: Panel, n_mels: int) -> onnx.ModelProto:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.randn(2, 20 * network.stride, n_mels),),
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
def _difference(network: Panel, model: bytes, n_mels: int) -> float:
    """Largest difference where PyTorch gives a unit at least one in a thousand, over some lengths, in nats."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    worst = 0.0
    for length in (1, 7, 100):
        mel = random.standard_normal((1, length * network.stride, n_mels)).astype(np.float32) * 3 - 7
        expected = network(torch.from_numpy(mel)).numpy()
        (found,) = session.run(None, {"mel": mel})
        likely = expected > np.log(1e-3)
        worst = max(worst, float(np.abs(found - expected)[likely].max()))
    return worst


@torch.no_grad()
def round_to_bytes(model: torch.nn.Module) -> None:
    """Round the matrices that ``store_bytes`` will store in eight bits, in place, so that nothing changes then."""
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and module.weight.numel() >= MINIMUM_SIZE:
            weight = module.weight.numpy()
            whole, scale = whole_and_scale(weight, axis=1)
            module.weight.copy_(torch.from_numpy(whole.astype(np.float32) * scale))
