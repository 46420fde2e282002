"""Steps without discriminators, and how much of a batch is decoded and judged."""

import pytest
import torch

from swaram.config.config import ConfigError, parse_config
from swaram.training.loop import Limits, train
from tests.training.runs import losses, trainer_of

OF_DISCRIMINATORS = {"adversarial", "feature_matching", "discriminator", "gradient_discriminator"}


def test_between_adversarial_steps_the_discriminators_rest_and_the_generator_learns(raw_config):
    raw_config["train"]["adversarial_every"] = 3
    trainer, batch = trainer_of(parse_config(raw_config))
    judged = []
    for _ in range(4):
        before = {name: p.detach().clone() for name, p in trainer.discriminators.named_parameters()}
        decoder = trainer.generator.dec.state_dict()
        decoder = {name: value.clone() for name, value in decoder.items()}
        values = trainer.step(batch)
        moved = any(not torch.equal(p, before[name]) for name, p in trainer.discriminators.named_parameters())
        assert moved == (set(values) >= OF_DISCRIMINATORS) == bool(set(values) & OF_DISCRIMINATORS)
        assert any(not torch.equal(value, decoder[name]) for name, value in trainer.generator.dec.state_dict().items())
        judged.append(moved)
    assert judged == [True, False, False, True]


def test_the_journal_has_each_loss_as_a_mean_over_the_steps_that_had_it(raw_config):
    raw_config["train"] |= {"adversarial_every": 2, "log_steps": 1}
    train(parse_config(raw_config), limits=Limits(max_steps=4))
    single = losses(raw_config["train"]["output_directory"])
    assert ["discriminator" in row for row in single] == [True, False, True, False]
    raw_config["train"] |= {"log_steps": 4, "output_directory": raw_config["train"]["output_directory"] + "-whole"}
    train(parse_config(raw_config), limits=Limits(max_steps=4))
    (whole,) = losses(raw_config["train"]["output_directory"])
    assert whole["mel"] == pytest.approx(sum(row["mel"] for row in single) / 4, rel=1e-4)
    judged = [row["discriminator"] for row in single if "discriminator" in row]
    assert whole["discriminator"] == pytest.approx(sum(judged) / 2, rel=1e-4)


def test_more_segments_than_utterances_are_several_of_each(raw_config):
    trainer, batch = trainer_of(parse_config(raw_config))
    _, output = trainer.generator(trainer.inputs(batch), 16, 10)
    assert output.audio.shape == (10, 16 * 256)
    counts = torch.bincount(output.rows, minlength=4)
    assert counts.min() >= 2 and counts.sum() == 10
    assert len({(int(row), int(start)) for row, start in zip(output.rows, output.starts, strict=True)}) > 4


@pytest.mark.parametrize(("asked", "seen"), [(3, 3), (None, 8), (20, 8)])
def test_the_discriminators_see_as_many_segments_as_configured(raw_config, asked, seen):
    raw_config["train"] |= {"segments": 8, "discriminator_segments": asked}
    trainer, batch = trainer_of(parse_config(raw_config))
    sizes = []
    trainer.discriminators.register_forward_hook(lambda module, inputs, output: sizes.append(len(inputs[0])))
    trainer.step(batch)
    assert sizes == [2 * seen]  # recordings and synthesis


@pytest.mark.parametrize(("utterances", "decoded", "judged"), [(1, 2, 1), (3, 6, 2), (4, 8, 2), (16, 32, 8)])
def test_segments_for_each_utterance_follow_the_size_of_the_batch(raw_config, utterances, decoded, judged):
    raw_config["train"] |= {"segments_per_utterance": 2, "discriminator_segments_per_utterance": 0.5}
    train_config = parse_config(raw_config).train
    assert (train_config.decoded(utterances), train_config.judged(utterances)) == (decoded, judged)


def test_a_step_decodes_and_judges_so_many_for_each_utterance(raw_config):
    raw_config["train"] |= {"segments_per_utterance": 1.5, "discriminator_segments_per_utterance": 0.75}
    trainer, batch = trainer_of(parse_config(raw_config))
    decoded, judged = [], []
    trainer.generator.dec.register_forward_hook(lambda module, inputs, output: decoded.append(len(output)))
    trainer.discriminators.register_forward_hook(lambda module, inputs, output: judged.append(len(inputs[0]) // 2))
    trainer.step(batch)
    assert (decoded, judged) == ([6], [3])


def test_a_number_of_segments_and_one_for_each_utterance_exclude_each_other(raw_config):
    raw_config["train"] |= {"segments": 32, "segments_per_utterance": 2}
    with pytest.raises(ConfigError, match="segments and segments_per_utterance exclude each other"):
        parse_config(raw_config)


def test_a_run_with_rests_goes_on_exactly(raw_config, tmp_path):
    raw_config["train"] |= {"adversarial_every": 3, "segments": 5, "discriminator_segments": 2, "log_steps": 1}
    raw_config["train"]["output_directory"] = str(tmp_path / "whole")
    train(parse_config(raw_config), limits=Limits(max_steps=7))
    raw_config["train"]["output_directory"] = str(tmp_path / "halves")
    train(parse_config(raw_config), limits=Limits(max_steps=4))
    train(parse_config(raw_config), resume=True, limits=Limits(max_steps=7))
    assert losses(tmp_path / "halves") == losses(tmp_path / "whole")
