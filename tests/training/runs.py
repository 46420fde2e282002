"""Training runs of the tests: an trainer on a tiny corpus, and the losses that a run wrote."""

import json
from pathlib import Path

import torch

from swaram.text.symbols import SymbolTable
from swaram.training.batches import collate
from swaram.training.dataset import load_dataset
from swaram.training.trainer import Trainer


def losses(directory: str | Path, kind: str = "train") -> list[dict]:
    rows = [json.loads(line) for line in (Path(directory) / "losses.jsonl").read_text().splitlines()]
    timed = {"seconds_per_step", "steps_per_second", "frames_per_second"}
    return [{k: v for k, v in row.items() if k not in timed} for row in rows if row["kind"] == kind]


def trainer_of(config) -> tuple[Trainer, object]:
    symbols = SymbolTable.for_languages("ml")
    dataset = load_dataset(config.data.training_files, config, symbols)
    trainer = Trainer(config, symbols, dataset.speakers, torch.device("cpu"), torch.float32)
    return trainer, collate(dataset, [0, 3, 6, 9], {"high": 0, "low": 1}, 256)
