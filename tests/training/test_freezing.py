"""A frozen part keeps its weights to the last bit while the others learn."""

from typing import get_args

import pytest
import torch

from swaram.config.config import ConfigError, FrozenPart, parse_config
from swaram.model.vits import Vits
from swaram.training.freezing import PARTS, FreezeError, freeze
from tests.training.runs import trainer_of


def moved_parts(trainer, before: dict[str, torch.Tensor]) -> set[str]:
    now = trainer.generator.named_parameters()
    return {name.split(".")[0] for name, p in now if not torch.equal(p, before[name])}


def test_frozen_parts_stay_and_the_others_learn_in_both_kinds_of_step(raw_config):
    raw_config["train"] |= {"freeze": ["text_encoder", "decoder", "speakers"], "text_steps": 1}
    trainer, batch = trainer_of(parse_config(raw_config))
    before = {name: p.detach().clone() for name, p in trainer.generator.named_parameters()}
    trainer.step(batch)
    assert moved_parts(trainer, before) == {"enc_q", "flow", "dp"}
    trainer.text_step(batch)
    assert moved_parts(trainer, before) == {"enc_q", "flow", "dp"}


def test_the_posterior_learns_alone_where_all_the_rest_is_frozen(raw_config):
    raw_config["model"]["decoder"] = {"type": "harmonic", "channels": 16, "blocks": 2}
    raw_config["train"] |= {"freeze": [part for part in PARTS if part != "posterior_encoder"], "text_steps": 0}
    trainer, batch = trainer_of(parse_config(raw_config))
    before = {name: p.detach().clone() for name, p in trainer.generator.named_parameters()}
    for _ in range(2):
        assert trainer.step(batch) is not None
    assert moved_parts(trainer, before) == {"enc_q"}
    posterior = [name for name, _ in trainer.generator.named_parameters() if name.startswith("enc_q.")]
    now = dict(trainer.generator.named_parameters())
    assert [name for name in posterior if torch.equal(now[name], before[name])] == []


def test_every_part_that_the_configuration_knows_is_a_part_of_the_generator(raw_config):
    assert set(get_args(FrozenPart)) == set(PARTS)
    raw_config["data"]["styles"] = ["happy"]
    raw_config["model"]["decoder"] = {"type": "harmonic", "channels": 16, "blocks": 2}  # the one that needs a pitch
    config = parse_config(raw_config)
    for part, name in PARTS.items():
        generator = Vits(config.model, config.data, 20, 2)
        freeze(generator, [part])
        frozen = {name.split(".")[0] for name, p in generator.named_parameters() if not p.requires_grad}
        assert frozen == {name}


def test_an_unknown_part_is_refused_by_name(raw_config):
    raw_config["train"]["freeze"] = ["vocoder"]
    with pytest.raises(ConfigError, match=r"train\.freeze.*text_encoder"):
        parse_config(raw_config)


def test_nothing_left_to_train_is_refused(raw_config):
    raw_config["train"]["freeze"] = list(PARTS)
    with pytest.raises(FreezeError, match=r"train\.freeze leaves nothing"):
        trainer_of(parse_config(raw_config))
    raw_config["train"] |= {"freeze": []}
    config = parse_config(raw_config)
    with pytest.raises(FreezeError, match=r"set train\.text_steps to 0"):
        freeze(Vits(config.model, config.data, 20, 2), ["text_encoder", "flow", "durations", "speakers"], text_steps=1)
