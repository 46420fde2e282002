"""What is not finite never reaches the weights: the update is left out, the batch kept, and too many end the run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from swaram.config.config import parse_config
from swaram.training import checkpoints
from swaram.training.dataset import Dataset
from swaram.training.loop import Limits, train
from swaram.training.trainer import TrainingError
from tests.training.runs import engine_of


def weights(engine) -> list[torch.Tensor]:
    modules = (engine.generator, engine.discriminators, engine.average.module)
    return [p.detach().clone() for module in modules for p in module.parameters()]


@pytest.mark.parametrize("kind", ["step", "text"])
def test_an_update_that_is_not_finite_is_left_out_and_its_batch_kept(config, kind):
    engine, batch = engine_of(config)
    engine.step(batch)
    before = weights(engine)
    spoilt = batch.to(torch.device("cpu"))
    spoilt.audio[0, 100] = float("nan")
    assert not (engine.step(spoilt) if kind == "step" else engine.text_step(spoilt))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(engine), strict=True))
    assert (engine.progress.step, engine.progress.skipped) == (1, 1)
    folder = Path(config.train.output_directory) / "not_finite" / f"step-00000001-{kind}-0"
    kept = load_file(folder / "batch.safetensors")
    assert torch.equal(kept["symbols"], batch.symbols) and torch.isnan(kept["audio"][0, 100])
    facts = json.loads((folder / "batch.json").read_text())
    assert facts["clips"] == [0, 3, 6, 9] and facts["values"]["kl"] == "nan"
    batch.audio[0, 100] = 0.0
    assert engine.step(batch) and engine.guard.in_a_row == 0


def test_a_gradient_that_is_not_finite_is_caught_where_the_losses_are(config):
    engine, batch = engine_of(config)
    engine.generator.enc_p.emb.weight.register_hook(lambda gradient: gradient * float("inf"))
    before = weights(engine)
    assert engine.step(batch) is None
    assert all(torch.equal(a, b) for a, b in zip(before, weights(engine), strict=True))


def test_too_many_in_a_row_end_the_run_with_a_sentence(raw_config):
    raw_config["train"]["skip_limit"] = 3
    engine, batch = engine_of(parse_config(raw_config))
    batch.audio[0, 100] = float("nan")
    engine.step(batch)
    engine.step(batch)
    with pytest.raises(TrainingError, match=r"3 updates in a row .* lower train\.learning_rate") as caught:
        engine.step(batch)
    assert "\n" not in str(caught.value)


def test_a_run_goes_on_past_a_spoilt_clip_and_counts_it(config, monkeypatch, capfd):
    read = Dataset.audio
    monkeypatch.setattr(Dataset, "audio", lambda self, i: read(self, i) * np.float32("nan" if i == 5 else 1))
    folder = train(config, limits=Limits(max_steps=4))
    info = checkpoints.read_info(folder)
    assert info.step == 4 and info.skipped >= 1
    assert "left out: not finite" in capfd.readouterr().out
    assert all(torch.isfinite(value).all() for value in checkpoints.read_tensors(folder, "generator").values())
