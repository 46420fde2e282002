"""A training run on disk: the newest state, and the best so far, each whole or not at all."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from swaram.files import whole_folder
from swaram.recognition.errors import RecognizerError
from swaram.recognition.features import FeatureSettings
from swaram.recognition.network import Network, NetworkSettings
from swaram.recognition.units import UnitTable

FORMAT_VERSION = 1


def save(folder: Path, state: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> None:
    """Write ``state.json`` and one safetensors file for each group, then put the folder in its place."""
    try:
        with whole_folder(folder, durable=True) as partial:
            for group, values in tensors.items():
                contiguous = {name: value.detach().contiguous() for name, value in values.items()}
                save_file(contiguous, partial / f"{group}.safetensors")
            text = json.dumps({"format_version": FORMAT_VERSION, **state}, ensure_ascii=False, indent=1)
            (partial / "state.json").write_text(text, encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise RecognizerError(f"{folder}: the training state could not be written: {error}") from None


def read(folder: Path) -> dict[str, Any]:
    """``state.json`` of a folder. Raises RecognizerError where there is none, or it is damaged."""
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RecognizerError(f"{folder} holds no training state; train with `swaram recognizer train`") from None
    except (OSError, ValueError) as error:
        raise RecognizerError(f"{folder}/state.json cannot be read: {error}") from None
    if not isinstance(state, dict) or state.get("format_version") != FORMAT_VERSION:
        raise RecognizerError(f"{folder}/state.json is not of format {FORMAT_VERSION}; train anew")
    return state


def read_tensors(folder: Path, group: str) -> dict[str, Tensor]:
    """One group of tensors. Raises RecognizerError where the file is missing or damaged."""
    try:
        return load_file(folder / f"{group}.safetensors")
    except (OSError, SafetensorError) as error:
        raise RecognizerError(f"{folder}/{group}.safetensors cannot be read: {error}") from None


def load_network(folder: Path) -> tuple[Network, FeatureSettings, UnitTable, dict[str, Any]]:
    """The averaged network of a state, ready to recognise, and what belongs to it."""
    state = read(folder)
    try:
        features = FeatureSettings(**state["features"])
        units = UnitTable(state["language"], state["units"])
        network = Network(NetworkSettings(**state["network"]), features.n_mels, len(units))
        network.load_state_dict(read_tensors(folder, "average"))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RecognizerError(f"{folder} does not fit this version ({error}); train anew") from None
    with torch.no_grad():
        return network.eval(), features, units, state
