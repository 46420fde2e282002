"""The part of a generator's weights that the voice exported from it holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from swaram.errors import SwaramError
from swaram.files import file_sha256

_MODELS = ("frontend.onnx", "flow.onnx", "decoder.onnx")
DIRECTION = ".parametrizations.weight.original1"  # of a weight that is kept as length and direction


def voice_tensors(voice: Path) -> dict[str, Tensor]:
    """The tensors of the generator that the folder of a voice holds, by their names in it, float32.

    A weight of a normalised layer comes as a direction of any length too. Raises SwaramError.
    """
    try:
        from google.protobuf.message import DecodeError

        from swaram.runtime.model_weights import named_weights
    except ImportError as error:
        raise SwaramError(f"reading the weights of the voice {voice} needs {error.name}") from None
    found: dict[str, Tensor] = {}
    for name in _MODELS:
        try:
            weights = named_weights(voice / name)
        except (OSError, DecodeError) as error:
            raise SwaramError(f"{voice / name} cannot be read: {error}") from None
        for key, value in weights.items():
            layer, _, kind = key.rpartition(".")
            found[key] = torch.tensor(value)
            if kind == "weight":
                found[layer + DIRECTION] = found[key]
    return found


def model_sums(voice: Path) -> dict[str, str]:
    """SHA-256 of each model of a voice. Raises SwaramError."""
    try:
        return {name: file_sha256(voice / name) for name in _MODELS}
    except OSError as error:
        raise SwaramError(f"{voice} cannot be read: {error}") from None


def held_tensors(weights: Path, description: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors that the folder ``weights`` leaves to a voice, as its ``state.json`` describes it.

    ``description``: ``folder``, the voice's, seen from ``weights``; ``files``, the SHA-256 of each of its models;
    ``tensors``, their names. Raises SwaramError where the voice is not there or is another one by now.
    """
    voice = weights / description["folder"]
    if model_sums(voice) != description["files"]:
        raise SwaramError(f"{weights} lies beside another state of the voice {voice}; take both from one release")
    found = voice_tensors(voice)
    return {name: found[name] for name in description["tensors"]}
