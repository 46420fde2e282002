"""What a run logs: each loss by its name, as a mean over the steps that had it, and how fast it goes."""

from pathlib import Path

import pytest

from swaram.config.config import parse_config
from swaram.training.loop import Limits, train
from tests.training.runs import logged, swaram_train


def test_tensorboard_has_the_losses_under_the_names_of_their_weights(raw_config):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    raw_config["train"]["validation_steps"] = 2
    raw_config["model"]["decoder"] = {"type": "harmonic", "channels": 16, "blocks": 2}  # pitch is a loss of it alone
    raw_config["train"]["fine_mel_windows"] = [512, 256]
    config = parse_config(raw_config)
    train(config, limits=Limits(max_steps=2))
    board = EventAccumulator(str(Path(config.train.output_directory) / "tensorboard")).Reload()
    tags = board.Tags()
    names = set(type(config.train.weights).model_fields)
    assert {f"train/{name}" for name in names} <= set(tags["scalars"])
    assert {f"validation/{name}" for name in names - {"fine_mel"}} <= set(tags["scalars"])
    assert "sentence_0/alignment" in tags["images"] and "sentence_0/mel" in tags["images"]
    assert "sentence_0/audio" in tags["audio"]


def test_the_log_has_each_loss_as_a_mean_over_the_steps_that_had_it(raw_config):
    raw_config["train"] |= {"adversarial_every": 2, "log_steps": 1}
    train(parse_config(raw_config), limits=Limits(max_steps=4))
    single = logged(raw_config["train"]["output_directory"])
    assert ["discriminator" in row for row in single] == [True, False, True, False]
    raw_config["train"] |= {"log_steps": 4, "output_directory": raw_config["train"]["output_directory"] + "-whole"}
    train(parse_config(raw_config), limits=Limits(max_steps=4))
    (whole,) = logged(raw_config["train"]["output_directory"])
    assert whole["mel"] == pytest.approx(sum(row["mel"] for row in single) / 4, rel=1e-4)
    judged = [row["discriminator"] for row in single if "discriminator" in row]
    assert whole["discriminator"] == pytest.approx(sum(judged) / 2, rel=1e-4)


def test_the_line_of_progress_has_losses_speed_and_time_left(raw_config, config_file):
    said = swaram_train("-c", str(config_file), "--max-steps", "2", "--max-minutes", "600")
    (line,) = [line for line in said.splitlines() if " step 2  epoch" in line]
    for words in ("mel ", "kl ", "duration ", "adversarial ", "discriminator ", "steps/s", "frames/s", "0 min left"):
        assert words in line
