"""Every tensor of training says its device: nothing is made on whatever device happens to be the usual one."""

import copy

import pytest
import torch

from swaram.config.config import parse_config
from swaram.model import cpu
from swaram.training import validation
from swaram.training.batches import collate
from tests.model.tiny import DECODERS
from tests.training.runs import trainer_of


@pytest.fixture
def way_of_a_gpu(monkeypatch):
    """The operations that a GPU takes, while tensors without a device are made where nothing can be computed."""
    monkeypatch.setattr(cpu, "by_hand", lambda x: False)
    return torch.device("meta")


def test_a_tensor_without_a_device_would_be_found(way_of_a_gpu):
    with way_of_a_gpu, pytest.raises(RuntimeError):
        (torch.zeros(3) + torch.ones(3, device="cpu")).tolist()


@pytest.mark.parametrize("decoder", ["vocos", "harmonic", "harmonic-short", "hifigan", "multiband"])
def test_steps_make_no_tensor_on_the_usual_device(raw_config, decoder, way_of_a_gpu):
    raw = copy.deepcopy(raw_config)
    raw["model"]["decoder"] = DECODERS[decoder]
    raw["train"] |= {"fine_mel_windows": [512], "segments": 3, "alignment_noise": 0.1, "alignment_noise_steps": 10}
    trainer, batch = trainer_of(parse_config(raw))
    with way_of_a_gpu:
        values = trainer.step(batch)
        assert values is not None and values["mel"] > 0
        assert trainer.text_step(batch)


def test_validation_makes_no_tensor_on_the_usual_device(config, way_of_a_gpu, monkeypatch):
    from swaram.text.symbols import SymbolTable
    from swaram.training.dataset import load_dataset

    trainer, _ = trainer_of(config)
    dataset = load_dataset(config.data.validation_files, config, SymbolTable.for_languages("ml"))
    numbers = {name: i for i, name in enumerate(trainer.speakers)}

    def collated(*arguments):  # batches are made on the CPU, wherever they go then
        with torch.device("cpu"):
            return collate(*arguments)

    monkeypatch.setattr(validation, "collate", collated)
    with way_of_a_gpu:
        values = validation.validate(
            trainer.average.module, trainer.discriminators, trainer.spectra, dataset, numbers, config, trainer.processes
        )
    assert values["mel"] > 0
