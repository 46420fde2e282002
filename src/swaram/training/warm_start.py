"""Warm start: take from another training what fits, by name.

Rows of tables are matched by what they stand for: a symbol, a speaker, a language, a style.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from swaram.config.config import Config, HarmonicConfig
from swaram.model.decoders.harmonic import resampled_gains
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import (
    CheckpointError,
    find_checkpoint,
    read_info,
    read_tensors,
)
from swaram.training.freezing import PARTS


@dataclass
class WarmStart:
    """What came of a warm start, and how long the source and its sources had been trained.

    ``taken``: how many tensors were taken; ``left``: names of those of ours that begin anew; ``unused``: names of those
    of the source that found no place here, or only a part of which did.
    """

    taken: int
    left: list[str]
    unused: list[str]
    steps: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        began = f"; {len(self.left)} begin anew ({_by_part(self.left)})" if self.left else ""
        unused = (
            f"; {len(self.unused)} of the source have no place here ({_by_part(self.unused)})" if self.unused else ""
        )
        return f"{self.taken} tensors taken{began}{unused}"


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
    tensors = read_tensors(folder, group)
    _resample_gains(tensors, info.config, config)
    report = _load(generator, tensors, rows)
    if info.discriminators:
        other = _load(discriminators, read_tensors(folder, "discriminator"), {})
        report = WarmStart(report.taken + other.taken, report.left + other.left, report.unused + other.unused)
    if not report.taken:
        raise CheckpointError(f"{folder} shares no tensor with this configuration's model")
    report.steps = info.step + info.earlier_steps
    report.seconds = info.seconds_trained + info.earlier_seconds
    return report


def _resample_gains(tensors: dict[str, Tensor], theirs: Config, ours: Config) -> None:
    """Where two harmonic decoders differ in their transforms, change the last layer of the source to fit ours."""
    source, own = theirs.model.decoder, ours.model.decoder
    if not isinstance(source, HarmonicConfig) or not isinstance(own, HarmonicConfig):
        return
    if (source.n_fft, source.frames) != (own.n_fft, own.frames):
        for name in ("dec.gains.weight", "dec.gains.bias"):
            is_bias = name.endswith("bias")
            tensors[name] = resampled_gains(tensors[name], source, own, ours.data.hop_length, is_bias=is_bias)


def _load(module: nn.Module, tensors: dict[str, Tensor], rows: dict[str, tuple[list[str], list[str]]]) -> WarmStart:
    """Copy what fits; ``rows`` says, for each table, what the source's rows and ours stand for."""
    state = module.state_dict()
    report = WarmStart(0, [], sorted(set(tensors) - set(state)))
    for name, target in state.items():
        value = _shortened(name, tensors.get(name), target)
        if value is not None and name in rows and value.shape[1:] == target.shape[1:]:
            _copy_rows(target, value, *rows[name])
        elif value is not None and name not in rows and value.shape == target.shape:
            target.copy_(value)
        else:
            report.left.append(name)
            report.unused += [name] if value is not None else []
            continue
        if value is not tensors[name]:
            report.unused.append(name)
        report.taken += 1
    return report


def _shortened(name: str, value: Tensor | None, target: Tensor) -> Tensor | None:
    """What a posterior of fewer layers can take of one of more, where it cannot take the whole.

    Its last layer has no residual path, so of the source's it takes the skip path's rows; of the conditioning those of
    the first layers.
    """
    path = name.startswith("enc_q.enc.outputs.")
    if value is None or not (path or name.startswith("enc_q.enc.condition.")) or value.shape[1:] != target.shape[1:]:
        return value
    if len(value) <= len(target):
        return value
    return value[-len(target) :] if path else value[: len(target)]


def _copy_rows(target: Tensor, value: Tensor, theirs: list[str], ours: list[str]) -> None:
    places = {name: row for row, name in enumerate(theirs)}
    for row, name in enumerate(ours):
        if name in places:
            target[row].copy_(value[places[name]])


def _by_part(names: Iterable[str]) -> str:
    """How many of the tensors are of each part of the networks, as it is called in ``train.freeze``."""
    called = {name: part for part, name in PARTS.items()}
    counts = Counter(called.get(name.split(".")[0], name.split(".")[0]) for name in names)
    return ", ".join(f"{part} {count}" for part, count in counts.items())
