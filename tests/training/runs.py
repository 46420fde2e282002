"""Training runs of the tests: a trainer on a tiny corpus, the command, and the losses that a run logged."""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import torch
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.config.config import parse_config
from swaram.text.symbols import SymbolTable
from swaram.training.batches import collate
from swaram.training.dataset import load_dataset
from swaram.training.trainer import Trainer


def logged(directory: str | Path, kind: str = "train") -> list[dict]:
    rows = [json.loads(line) for line in (Path(directory) / "losses.jsonl").read_text().splitlines()]
    timed = {"seconds_per_step", "steps_per_second", "frames_per_second"}
    return [{k: v for k, v in row.items() if k not in timed} for row in rows if row["kind"] == kind]


def trainer_of(config) -> tuple[Trainer, object]:
    symbols = SymbolTable.for_languages("ml")
    dataset = load_dataset(config.data.training_files, config, symbols)
    trainer = Trainer(config, symbols, dataset.speakers, torch.device("cpu"), torch.float32)
    return trainer, collate(dataset, [0, 3, 6, 9], {"high": 0, "low": 1}, 256)


def swaram_train(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["train", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def rewrite(corpus, **columns) -> None:
    """Add columns to the manifest; each is a function of a row's number."""
    path = corpus / "manifest.parquet"
    rows = pyarrow.parquet.read_table(path).to_pylist()
    for number, row in enumerate(rows):
        row |= {name: value(number) for name, value in columns.items()}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def styled(raw_config, corpus):
    rewrite(
        corpus,
        language=lambda n: "ta" if n % 3 == 1 else "ml",
        style=lambda n: [None, "SAD", "HAPPY", "WIKI"][n % 4],
    )
    raw_config["data"] |= {"languages": ["ml", "ta"], "styles": ["HAPPY", "SAD"]}
    return parse_config(raw_config)
