"""What is not finite never reaches the weights: the update is left out, the batch kept, and too many end the run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from swaram.config.config import parse_config
from swaram.training import checkpoints, loop
from swaram.training.dataset import Dataset
from swaram.training.loop import Limits, train
from swaram.training.trainer import TrainingError
from tests.training.runs import logged, trainer_of


def weights(trainer) -> list[torch.Tensor]:
    modules = (trainer.generator, trainer.discriminators, trainer.average.module)
    return [p.detach().clone() for module in modules for p in module.parameters()]


@pytest.mark.parametrize("kind", ["step", "text"])
def test_an_update_that_is_not_finite_is_left_out_and_its_batch_kept(config, kind):
    trainer, batch = trainer_of(config)
    trainer.step(batch)
    before = weights(trainer)
    spoilt = batch.to(torch.device("cpu"))
    spoilt.audio[0, 100] = float("nan")
    assert not (trainer.step(spoilt) if kind == "step" else trainer.text_step(spoilt))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(trainer), strict=True))
    assert (trainer.progress.step, trainer.progress.skipped) == (1, 1)
    folder = Path(config.train.output_directory) / "not_finite" / f"step-00000001-{kind}-0"
    kept = load_file(folder / "batch.safetensors")
    assert torch.equal(kept["symbols"], batch.symbols) and torch.isnan(kept["audio"][0, 100])
    facts = json.loads((folder / "batch.json").read_text())
    assert facts["clips"] == [0, 3, 6, 9] and facts["values"]["kl"] == "nan"
    batch.audio[0, 100] = 0.0
    assert trainer.step(batch) and trainer.guard.in_a_row == 0


def test_a_gradient_that_is_not_finite_is_caught_where_the_losses_are(config):
    trainer, batch = trainer_of(config)
    trainer.generator.enc_p.emb.weight.register_hook(lambda gradient: gradient * float("inf"))
    before = weights(trainer)
    assert trainer.step(batch) is None
    assert all(torch.equal(a, b) for a, b in zip(before, weights(trainer), strict=True))


def test_too_many_in_a_row_end_the_run_with_a_sentence(raw_config):
    raw_config["train"]["skip_limit"] = 3
    trainer, batch = trainer_of(parse_config(raw_config))
    batch.audio[0, 100] = float("nan")
    trainer.step(batch)
    trainer.step(batch)
    with pytest.raises(TrainingError, match=r"3 updates in a row .* lower train\.learning_rate") as caught:
        trainer.step(batch)
    assert "\n" not in str(caught.value)


def test_a_run_goes_on_past_a_spoilt_clip_and_counts_it(config, monkeypatch, capfd):
    read = Dataset.audio
    monkeypatch.setattr(Dataset, "audio", lambda self, i: read(self, i) * np.float32("nan" if i == 5 else 1))
    folder = train(config, limits=Limits(max_steps=4))
    info = checkpoints.read_info(folder)
    assert info.step == 4 and info.skipped >= 1
    assert "left out: not finite" in capfd.readouterr().out
    assert all(torch.isfinite(value).all() for value in checkpoints.read_tensors(folder, "generator").values())


def runs_read_at_once_and_late(raw_config, monkeypatch, tmp_path) -> list[Path]:
    """A run as on a CPU, and one as on a GPU, which is given the next step before it is asked for the last losses."""
    folders = []
    for behind in (0, 1):
        monkeypatch.setattr(loop, "_behind", lambda _, behind=behind: behind)
        raw_config["train"] |= {"output_directory": str(tmp_path / str(behind)), "log_steps": 2, "validation_steps": 4}
        folders.append(train(parse_config(raw_config), limits=Limits(max_steps=5)))
    return folders


def test_figures_read_one_step_late_are_the_same(raw_config, monkeypatch, tmp_path):
    folders = runs_read_at_once_and_late(raw_config, monkeypatch, tmp_path)
    ours, theirs = (checkpoints.read_info(folder) for folder in folders)
    assert ours.step == theirs.step == 5 and ours.skipped == theirs.skipped == 0
    assert ours.unlogged == theirs.unlogged != {} and ours.best_mel == theirs.best_mel
    for group in ("generator", "ema", "discriminator"):
        one, other = (checkpoints.read_tensors(folder, group) for folder in folders)
        assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert logged(tmp_path / "0") == logged(tmp_path / "1") != []


def test_a_spoilt_clip_that_is_seen_one_step_late_is_left_out_and_counted(raw_config, monkeypatch, tmp_path):
    read = Dataset.audio
    monkeypatch.setattr(Dataset, "audio", lambda self, i: read(self, i) * np.float32("nan" if i == 5 else 1))
    folders = runs_read_at_once_and_late(raw_config, monkeypatch, tmp_path)
    ours, theirs = (checkpoints.read_info(folder) for folder in folders)
    assert (ours.step, ours.skipped) == (theirs.step, theirs.skipped) and ours.step == 5 and ours.skipped >= 1
    assert all(torch.isfinite(value).all() for value in checkpoints.read_tensors(folders[1], "ema").values())
    kept = list((tmp_path / "1" / "not_finite").iterdir())
    assert kept and all(5 in json.loads((folder / "batch.json").read_text())["clips"] for folder in kept)
