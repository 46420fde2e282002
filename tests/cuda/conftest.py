"""Tests of a GPU, and what they train on. They import nothing that a machine for training may lack.

Run them by themselves: ``python -m pytest -m cuda --confcutdir tests/cuda tests/cuda``. ``SWARAM_TEST_DEVICE=cpu``
walks them on a CPU, by the operations that a GPU takes.
"""

import copy
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from swaram.config.config import Config, parse_config
from swaram.model import cpu
from swaram.text.symbols import SymbolTable
from swaram.training.batches import Batch, collate
from swaram.training.dataset import Dataset, load_dataset
from swaram.training.trainer import Trainer
from tests.model.tiny import TINY

ROOT = Path(__file__).parents[2]
SENTENCES = ["നമസ്കാരം.", "അമ്മ വന്നു.", "മഴ പെയ്യുന്നു.", "വീട്ടിൽ ആരുണ്ട്?"]


@pytest.fixture(scope="session")
def device() -> torch.device:
    """The device that is tried: a GPU, unless the environment names another."""
    wanted = torch.device(os.environ.get("SWARAM_TEST_DEVICE", "cuda"))
    if wanted.type == "cuda" and not torch.cuda.is_available():
        pytest.fail("no GPU is there; set SWARAM_TEST_DEVICE=cpu to walk its way on a CPU")
    return wanted


@pytest.fixture(autouse=True)
def way_of_a_gpu(device, monkeypatch) -> None:
    """On a CPU, the operations that a GPU takes."""
    if device.type == "cpu":
        monkeypatch.setattr(cpu, "by_hand", lambda x: False)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """A folder with four recordings of Malayalam readers and a metadata file.

    The recordings are those of the other tests, cut to their first two seconds, with texts of their own.
    """
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for number, (path, text) in enumerate(
        zip(sorted((ROOT / "tests/recordings").glob("*.flac")), SENTENCES, strict=False)
    ):
        audio, rate = soundfile.read(path, dtype="float32")
        soundfile.write(folder / f"{number}.flac", soxr.resample(audio[: 2 * rate], rate, 16_000), 16_000)
        rows.append(f"{number}.flac|{text}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


class Setting:
    """Configurations, trainers and batches on the corpus."""

    def __init__(self, corpus: Path, folder: Path) -> None:
        self.corpus, self.folder, self.symbols = corpus, folder, SymbolTable.for_languages("ml")

    def config(self, raw: dict | None = None, **train: object) -> Config:
        raw = copy.deepcopy(TINY if raw is None else raw)
        metadata = str(self.corpus / "metadata.csv")
        quick = {"output_directory": str(self.folder / "log"), "precision": "float32", "batch_size": 4, "log_steps": 1}
        raw["train"] = raw.get("train", {}) | quick | train
        raw["data"] = raw.get("data", {}) | {"training_files": metadata, "validation_files": metadata}
        return parse_config(raw)

    def dataset(self, config: Config) -> Dataset:
        return load_dataset(config.data.training_files, config, self.symbols)

    def trainer(self, config: Config, device: torch.device) -> Trainer:
        return Trainer(config, self.symbols, ["speaker"], device, torch.float32)

    def batch(self, config: Config, device: torch.device) -> Batch:
        dataset = self.dataset(config)
        return collate(dataset, list(range(len(dataset.clips))), {"speaker": 0}, config.data.hop_length).to(device)


@pytest.fixture
def setting(corpus, tmp_path) -> Setting:
    return Setting(corpus, tmp_path)


@pytest.fixture
def equal_noise(monkeypatch) -> None:
    """Random numbers that are the same on every device: drawn on the CPU, then moved."""
    for name in ("randn", "rand", "randperm"):
        monkeypatch.setattr(torch, name, _on_cpu(getattr(torch, name)))
    monkeypatch.setattr(torch, "randn_like", lambda x: torch.randn(*x.shape, device=x.device, dtype=x.dtype))


def _on_cpu(draw):
    def drawn(*shape, device=None, **named):
        return draw(*shape, **named).to(device or "cpu")

    return drawn


def weights(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().float().cpu().numpy().copy() for name, value in module.state_dict().items()}
