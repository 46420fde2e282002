"""A voice of one language as the beginning of another: weights by sound, and settings by how much speech there is."""

import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from swaram.alignment.sounds import in_sounds
from swaram.config.config import Config, parse_config
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import find_checkpoint, read_info, read_tensors, write_checkpoint

EMBEDDING, SPEAKERS = "enc_p.emb.weight", "emb_g.weight"
_FIRST, _LAST, _BLOCK = 0x900, 0xD7F, 0x80  # scripts with one layout (The Unicode Standard, chapter 12)


@dataclass(frozen=True)
class AdaptationPlan:
    """How to train for so much speech.

    ``minutes``: of speech from which it holds; ``freeze``: parts that keep the source's weights; ``mix``: clips of the
    source's corpus for each clip of the new one, where they are at hand, against forgetting; ``train_minutes``: on two
    CPU cores; ``patience``: validations without a better one before it ends.
    """

    minutes: float
    learning_rate: float
    freeze: tuple[str, ...]
    steps: int
    validation_steps: int
    mix: float
    train_minutes: float
    patience: int


# Little speech cannot teach the parts that every language shares; they stay as the source has them.
PLANS = (
    AdaptationPlan(0.0, 2e-4, ("posterior_encoder",), 1_500, 75, 1.0, 30.0, 4),
    AdaptationPlan(15.0, 3e-4, (), 6_000, 200, 0.5, 90.0, 5),
    AdaptationPlan(60.0, 4e-4, (), 24_000, 500, 0.1, 360.0, 6),
)


def plan_for(minutes: float) -> AdaptationPlan:
    """The plan for so many minutes of prepared speech; 5, 25 and 120 minutes each have one."""
    return [plan for plan in PLANS if plan.minutes <= minutes][-1]


def by_sound(source: str | Path, languages: list[str], speakers: list[str], out: Path) -> dict[str, str]:
    """Write a checkpoint to warm-start from: the source's weights under the letters of other languages.

    A symbol takes the row of the same symbol, else of the letter at its place in a script of the same layout, else of a
    letter with the same coarse sound, else the mean of all letters. Every new speaker begins as the mean of the
    source's. Gives for each symbol where its row came from. Raises CheckpointError.
    """
    folder = find_checkpoint(source)
    info = read_info(folder)
    symbols = SymbolTable.for_languages(*languages)
    old = info.symbols.symbols
    group = "ema" if (folder / "ema.safetensors").exists() else "generator"
    tensors = {name: value.float() for name, value in read_tensors(folder, group).items()}
    origin = {symbol: _origin(symbol, old) for symbol in symbols.symbols}
    table = tensors[EMBEDDING]
    mean = table[[n for n, symbol in enumerate(old) if _is_letter(symbol)]].mean(0)
    rows = [table[old.index(known)] if (known := origin[symbol]) else mean for symbol in symbols.symbols]
    tensors[EMBEDDING] = torch.stack(rows)
    if SPEAKERS in tensors:
        tensors[SPEAKERS] = _speakers(tensors[SPEAKERS], info.speakers, speakers)
    config = info.config.model_copy(deep=True)
    config.data.languages = list(languages)
    groups = {"generator": tensors}
    if info.discriminators:
        groups["discriminator"] = {n: v.float() for n, v in read_tensors(folder, "discriminator").items()}
    write_checkpoint(out, replace(info, config=config, symbols=symbols, speakers=list(speakers)), groups)
    return origin


def adapted_config(source: str | Path, plan: AdaptationPlan, languages: list[str], data: Path, out: Path) -> Config:
    """The source's configuration with the plan's settings, for clips under ``data`` and a training in ``out``."""
    tree = read_info(find_checkpoint(source)).config.model_dump(mode="json")
    tree["data"] |= {
        "training_files": str(data / "train_metadata.csv"),
        "validation_files": str(data / "val_metadata.csv"),
        "languages": languages,
        "max_frames": max(tree["data"]["max_frames"], 1000),
    }
    tree["train"] |= {
        "output_directory": str(out),
        "learning_rate": plan.learning_rate,
        "learning_rate_decay": 0.995,
        "adversarial_every": 4,
        "bootstrap_steps": min(500, plan.steps // 3),
        "ema_decay": 0.99 if plan.steps < 2_000 else 0.998,
        "max_steps": plan.steps,
        "validation_steps": plan.validation_steps,
        "log_steps": 10,
        "freeze": list(plan.freeze),
    }
    return parse_config(tree, str(source))


def _origin(symbol: str, old: list[str]) -> str:
    """Which of the source's symbols a symbol begins as; empty where none sounds like it."""
    if symbol in old:
        return symbol
    if _FIRST <= ord(symbol) <= _LAST:
        place = ord(symbol) % _BLOCK
        same = [other for other in old if _FIRST <= ord(other) <= _LAST and ord(other) % _BLOCK == place]
        if same:
            return same[0]
    sound = in_sounds(symbol)
    alike = [other for other in old if sound and _is_letter(other) and in_sounds(other) == sound]
    return alike[0] if alike else ""


def _is_letter(symbol: str) -> bool:
    return unicodedata.category(symbol)[0] in "LM"


def _speakers(table: Tensor, theirs: list[str], ours: list[str]) -> Tensor:
    mean = table.mean(0)
    return torch.stack([table[theirs.index(name)] if name in theirs else mean for name in ours])
