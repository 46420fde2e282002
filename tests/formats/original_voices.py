"""Checkpoints in the original VITS layout, made without its code: weights that follow from each tensor's name."""

import hashlib
import itertools
import json
import re
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
# What the original code itself said with these weights (benchmarks of it are not part of the tests).
SPOKEN = json.loads((HERE / "original_speech.json").read_text()) if (HERE / "original_speech.json").exists() else []


def published_layout() -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Names and shapes of the published generator (109 speakers) and discriminators."""
    parts = (HERE / "original_layout.txt").read_text().split("\n\n")
    tables: list[dict[str, tuple[int, ...]]] = []
    for part in parts:
        table = {}
        for line in part.splitlines():
            if not line.startswith("#"):
                name, shape = line.split()
                table |= dict.fromkeys(_expand(name), tuple(map(int, shape.split("x"))))
        tables.append(table)
    return tables[0], tables[1]


def _expand(name: str) -> list[str]:
    pieces = re.split(r"\{([\d,]+)\}", name)
    choices = [piece.split(",") if place % 2 else [piece] for place, piece in enumerate(pieces)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def weights_by_name(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Random weights that depend on the name alone, of a size that keeps the signal alive."""
    made = {}
    for name, shape in shapes.items():
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        if name.endswith(("weight_g", "gamma")):
            values = 1 + 0.1 * values
        elif name.endswith(("bias", "beta", ".m", ".logs")):
            values = 0.1 * values
        elif "emb" not in name:
            values = values / np.sqrt(np.prod(shape[1:]))
        made[name] = torch.from_numpy(values)
    return made


def noises(symbols: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Duration noise [1, 2, symbols], latent noise [1, channels, 2000]."""
    random = np.random.default_rng(5)
    first = random.standard_normal((1, 2, symbols)).astype(np.float32)
    return first, random.standard_normal((1, channels, 2000)).astype(np.float32)
