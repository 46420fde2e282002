"""What another training can start from: the averaged generator and the discriminators, small, and nothing twice.

A voice package holds most of the generator already. Weights that lie beside it keep the rest alone, the posterior
encoder and what is smaller than a row of bytes, and name the tensors that the voice holds for them.
"""

import os
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from swaram.training.checkpoints import (
    CheckpointError,
    find_checkpoint,
    read_info,
    read_tensors,
    write_checkpoint,
)
from swaram.training.voice_tensors import DIRECTION, model_sums, voice_tensors

_BYTES_MINIMUM_SIZE = 4096


def save_weights(
    checkpoint: str | Path, out: str | Path, eight_bits: bool = False, beside: str | Path | None = None
) -> Path:
    """Write what a warm start needs: the averaged generator and the discriminators, in half precision or in bytes.

    ``checkpoint``: a checkpoint folder or a training directory, or weights that this wrote; ``out``: the folder to
    write; ``eight_bits``: large weights as whole numbers of -127 to 127 with one scale for each row; ``beside``: the
    folder of the voice that was exported from it: what that holds within two such steps is named, not written again,
    and it is looked for at the same place relative to ``out``. Raises CheckpointError.
    """
    folder, out = find_checkpoint(checkpoint), Path(out)
    group = "ema" if (folder / "ema.safetensors").exists() else "generator"
    generator = read_tensors(folder, group)
    voice = None
    if beside is not None:
        voice = _description(Path(beside), out, generator)
        generator = {name: value for name, value in generator.items() if name not in voice["tensors"]}
    groups = {"generator": generator}
    if (folder / "discriminator.safetensors").exists():
        groups["discriminator"] = read_tensors(folder, "discriminator")
    store = _in_bytes if eight_bits else _in_half
    write_checkpoint(out, read_info(folder), {name: store(values) for name, values in groups.items()}, voice)
    return out


def _description(voice: Path, out: Path, generator: dict[str, Tensor]) -> dict[str, Any]:
    """Where the voice lies from ``out``, what it is made of, and which tensors of the generator it holds."""
    held = voice_tensors(voice)
    tensors = [
        name
        for name, value in generator.items()
        if value.numel() >= _BYTES_MINIMUM_SIZE and name in held and _alike(name, value.float(), held[name])
    ]
    if not tensors:
        raise CheckpointError(f"{voice} holds none of these weights; give the voice that was exported from them")
    path = os.path.relpath(voice.resolve(), out.resolve())
    return {"folder": PurePosixPath(Path(path)).as_posix(), "files": model_sums(voice), "tensors": tensors}


def _alike(name: str, value: Tensor, held: Tensor) -> bool:
    """Whether both are the same within two steps of eight bits, one a rounding. Directions have no length."""
    if value.shape != held.shape:
        return False
    rows = tuple(range(1, value.dim()))
    if name.endswith(DIRECTION):
        held = held * (value.norm(dim=rows, keepdim=True) / held.norm(dim=rows, keepdim=True).clamp(min=1e-12))
    step = value.abs().amax(rows, keepdim=True) / 127
    return bool(((value - held).abs() <= 2 * step).all())


def _in_half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}


def _in_bytes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """``NAME.bytes``, int8, and ``NAME.scale``, float32, in place of large matrices; all else in half precision."""
    stored = {}
    for name, value in tensors.items():
        if value.is_floating_point() and value.dim() > 1 and value.numel() >= _BYTES_MINIMUM_SIZE:
            scale = value.float().abs().amax(tuple(range(1, value.dim())), keepdim=True).clamp(min=1e-12) / 127
            stored[f"{name}.bytes"] = (value.float() / scale).round().to(torch.int8)
            stored[f"{name}.scale"] = scale
        else:
            stored |= _in_half({name: value})
    return stored
