"""Checkpoints: folders of safetensors and JSON, written whole or not at all, read without executing anything.

What a checkpoint says of its run is here too, and how old checkpoints are pruned. The tensors are the trainer's.
"""

import copy
import json
import re
import shutil
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from swaram.config.config import Config, parse_config
from swaram.errors import SwaramError
from swaram.files import whole_file, whole_folder
from swaram.text.symbols import SymbolTable
from swaram.training.voice_tensors import held_tensors

FORMAT_VERSION = 1


class CheckpointError(SwaramError):
    """A checkpoint that cannot be written, read or used; the message names it."""


@dataclass(kw_only=True)
class Progress:
    """Where a training run is."""

    step: int = 0
    epoch: int = 0
    position: int = 0  # of the next batch in the epoch's order
    best_mel: float | None = None  # lowest mel loss of a validation
    seconds_trained: float = 0.0
    earlier_steps: int = 0  # of the trainings that this one was warm-started from
    earlier_seconds: float = 0.0
    skipped: int = 0  # updates left out because they were not finite
    order: str = ""  # digest of the order of batches that ``position`` is a place in
    unlogged: dict[str, float] = field(default_factory=dict)  # sums of losses since the last line of the log


# What the first checkpoints did not have yet.
ADDED_SINCE = ("earlier_steps", "earlier_seconds", "skipped", "order", "unlogged")


@dataclass
class CheckpointInfo(Progress):
    """What ``state.json`` says: all that is needed to build the model and to go on."""

    config: Config
    symbols: SymbolTable
    speakers: list[str]
    discriminators: bool = True  # whether the checkpoint has them

    @property
    def progress(self) -> Progress:
        """A copy of the part that says where the run is."""
        return Progress(**{name: copy.copy(getattr(self, name)) for name in _names(Progress)})

    def to_json(self, voice: dict[str, Any] | None = None) -> str:
        """The text of ``state.json``; ``voice``: which tensors are left to a voice (voice_tensors.py)."""
        state = {
            "format_version": FORMAT_VERSION,
            **vars(self.progress),
            "config": self.config.model_dump(mode="json"),
            "symbols": self.symbols.to_dict(),
            "speakers": self.speakers,
            **({"voice": voice} if voice else {}),
        }
        return json.dumps(state, ensure_ascii=False, indent=1)


def _names(kind: type[Progress]) -> list[str]:
    return [part.name for part in fields(kind)]


def checkpoint_folders(directory: Path) -> list[Path]:
    """The finished checkpoints in a directory, oldest first."""
    found = [path for path in directory.glob("step-*") if re.fullmatch(r"step-\d{8}", path.name) and path.is_dir()]
    return sorted(found)


def checkpoint_folder(directory: Path, step: int) -> Path:
    """Where the checkpoint of a step lies in a training directory."""
    return directory / f"step-{step:08d}"


def save_checkpoint(directory: Path, info: CheckpointInfo, tensors: dict[str, dict[str, Tensor]], keep: int) -> Path:
    """Write ``directory/step-NNNNNNNN`` with one safetensors file for each group of tensors, then prune.

    A folder appears under its name only when everything in it is on the disk. The ``keep`` newest stay, and the one
    that the file ``best`` names.
    """
    folder = checkpoint_folder(directory, info.step)
    for torn in directory.glob(".step-*.partial"):  # of a run that was killed while it wrote
        shutil.rmtree(torn, ignore_errors=True)
    write_checkpoint(folder, info, tensors)
    best = best_checkpoint(directory)
    for old in checkpoint_folders(directory)[:-keep]:
        if old != best:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def write_checkpoint(
    folder: Path, info: CheckpointInfo, tensors: dict[str, dict[str, Tensor]], voice: dict[str, Any] | None = None
) -> None:
    """Write one checkpoint folder, whole or not at all; ``voice``: what it leaves to one. Raises CheckpointError."""
    try:
        with whole_folder(folder, durable=True) as partial:
            for group, values in tensors.items():
                contiguous = {name: value.detach().contiguous() for name, value in values.items()}
                save_file(contiguous, partial / f"{group}.safetensors")
            (partial / "state.json").write_text(info.to_json(voice), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"the checkpoint {folder} could not be written: {error}") from None


def mark_best(directory: Path, step: int) -> None:
    """Record which step is the best so far, so that pruning spares it."""
    with whole_file(directory / "best", CheckpointError, durable=True) as partial:
        partial.write_text(f"step-{step:08d}\n", encoding="utf-8")


def best_checkpoint(directory: Path) -> Path | None:
    """The checkpoint marked as best, None when there is none."""
    marker = directory / "best"
    if not marker.exists():
        return None
    folder = directory / marker.read_text(encoding="utf-8-sig").strip()
    return folder if folder.is_dir() else None


def find_checkpoint(path: str | Path) -> Path:
    """A checkpoint folder itself, or the newest in a training directory; CheckpointError when there is none."""
    path = Path(path)
    if (path / "state.json").exists():
        return path
    folders = checkpoint_folders(path) if path.is_dir() else []
    if not folders:
        raise CheckpointError(f"{path} holds no checkpoint; give a training directory or a step-NNNNNNNN folder")
    return folders[-1]


def read_info(folder: Path) -> CheckpointInfo:
    """Read ``state.json``; CheckpointError when it is missing, damaged or of another version."""
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8-sig"))
        if state["format_version"] != FORMAT_VERSION:
            raise CheckpointError(
                f"{folder} has checkpoint format {state['format_version']}, this version reads {FORMAT_VERSION}"
            )
        progress = {name: state[name] for name in _names(Progress) if name in state or name not in ADDED_SINCE}
        return CheckpointInfo(
            parse_config(state["config"], f"{folder}/state.json"),
            SymbolTable.from_dict(state["symbols"]),
            list(state["speakers"]),
            (folder / "discriminator.safetensors").exists(),
            **progress,
        )
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder} is not a whole checkpoint: {error!r}") from None


def read_tensors(folder: Path, group: str) -> dict[str, Tensor]:
    """Read one group of tensors on the CPU; CheckpointError when the file is missing or damaged.

    What weights leave to the voice beside them is read from there.
    """
    path = folder / f"{group}.safetensors"
    try:
        stored = load_file(path)
        for name in [name for name in stored if name.endswith(".bytes")]:
            whole, scale = stored.pop(name), stored.pop(name.removesuffix(".bytes") + ".scale")
            stored[name.removesuffix(".bytes")] = whole.float() * scale
        voice = json.loads((folder / "state.json").read_text(encoding="utf-8-sig")).get("voice")
        if group == "generator" and voice:
            stored |= held_tensors(folder, voice)
        return stored
    except (OSError, json.JSONDecodeError, SafetensorError, SwaramError, KeyError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """The moments of an optimizer as named tensors: ``prefix.<parameter number>.<moment>``."""
    state = optimizer.state_dict()["state"]
    return {f"{prefix}.{number}.{name}": value for number, part in state.items() for name, value in part.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, prefix: str, tensors: dict[str, Tensor]) -> None:
    """Put the moments back that ``optimizer_tensors`` gave; the parameters must be the same ones."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix + "."):
            number, name = key.removeprefix(prefix + ".").split(".")
            state.setdefault(int(number), {})[name] = value
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)
