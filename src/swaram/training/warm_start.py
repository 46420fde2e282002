"""Warm start: take from another training what fits, by name.

Rows of tables are matched by what they stand for: a symbol, a speaker, a language, a style.
"""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from swaram.config import Config
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import (
    CheckpointError,
    find_checkpoint,
    read_info,
    read_tensors,
)


@dataclass
class WarmStart:
    """How many tensors were taken and which were left, and how long the source and its sources had been trained."""

    taken: int
    left: list[str]
    steps: int = 0
    seconds: float = 0.0


def warm_start(
    source: str | Path,
    generator: nn.Module,
    discriminators: nn.Module,
    config: Config,
    symbols: SymbolTable,
    speakers: list[str],
) -> WarmStart:
    """Load generator (its average where there is one) and discriminators of ``source`` into fresh modules.

    Rows that the source does not know (a new letter, speaker, language or style) stay as they were initialised. Another
    sample rate or hop is refused with a CheckpointError: the decoder's weights mean nothing there.
    """
    folder = find_checkpoint(source)
    info = read_info(folder)
    for key in ("sample_rate", "hop_length"):
        theirs, ours = getattr(info.config.data, key), getattr(config.data, key)
        if theirs != ours:
            raise CheckpointError(
                f"{folder} was trained with data.{key} {theirs}, this configuration has {ours}, where its decoder has "
                "no meaning; prepare the data anew at that rate, or train without a warm start"
            )
    rows = {
        "enc_p.emb.weight": (info.symbols.symbols, symbols.symbols),
        "enc_p.emb_l.weight": (info.config.data.languages, config.data.languages),
        "emb_g.weight": (info.speakers, speakers),
        "emb_s.weight": (["", *info.config.data.styles], ["", *config.data.styles]),
    }
    group = "ema" if (folder / "ema.safetensors").exists() else "generator"
    report = _load(generator, read_tensors(folder, group), rows)
    if info.discriminators:
        other = _load(discriminators, read_tensors(folder, "discriminator"), {})
        report = WarmStart(report.taken + other.taken, report.left + other.left)
    if not report.taken:
        raise CheckpointError(f"{folder} shares no tensor with this configuration's model")
    report.steps = info.step + info.earlier_steps
    report.seconds = info.seconds_trained + info.earlier_seconds
    return report


def _load(module: nn.Module, tensors: dict[str, Tensor], rows: dict[str, tuple[list[str], list[str]]]) -> WarmStart:
    """Copy what fits; ``rows`` says, for each table, what the source's rows and ours stand for."""
    state = module.state_dict()
    report = WarmStart(0, [])
    for name, target in state.items():
        value = tensors.get(name)
        if value is not None and name in rows and value.shape[1:] == target.shape[1:]:
            _copy_rows(target, value, *rows[name])
        elif value is not None and name not in rows and value.shape == target.shape:
            target.copy_(value)
        else:
            report.left.append(name)
            continue
        report.taken += 1
    return report


def _copy_rows(target: Tensor, value: Tensor, theirs: list[str], ours: list[str]) -> None:
    places = {name: row for row, name in enumerate(theirs)}
    for row, name in enumerate(ours):
        if name in places:
            target[row].copy_(value[places[name]])
