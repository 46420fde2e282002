"""A step learns, with and without discriminators, and clips what it should; a text step moves the text side alone."""

import copy

import pytest
import torch

from swaram.config.config import ConfigError, parse_config
from swaram.training import validation
from swaram.training.batches import collate
from swaram.training.checkpoints import CheckpointError, read_info
from swaram.training.dataset import load_dataset
from swaram.training.trainer import Trainer
from tests.training.runs import styled, trainer_of

HARMONIC = {"type": "harmonic", "channels": 16, "blocks": 2}


OF_DISCRIMINATORS = {"adversarial", "feature_matching", "discriminator", "gradient_discriminator"}


def test_learning_a_few_clips_brings_the_losses_down(raw_config):
    raw_config["train"]["learning_rate"] = 2e-3
    trainer, batch = trainer_of(parse_config(raw_config))
    history = [trainer.step(batch) for _ in range(60)]
    for name, share in (("mel", 0.6), ("kl", 0.6), ("duration", 0.95)):
        first = sum(row[name] for row in history[:5])
        last = sum(row[name] for row in history[-5:])
        assert last < share * first, name


def test_a_step_moves_the_generator_by_finite_gradients(config):
    trainer, batch = trainer_of(config)
    before = {name: p.clone() for name, p in trainer.generator.named_parameters()}
    trainer.step(batch)
    assert any(not torch.equal(p, before[name]) for name, p in trainer.generator.named_parameters())
    for p in trainer.generator.parameters():
        assert p.grad is not None and torch.isfinite(p.grad).all()


def test_the_learning_rate_really_falls(raw_config):
    raw_config["train"] |= {"learning_rate_decay": 0.5, "warmup_steps": 4}
    trainer, batch = trainer_of(parse_config(raw_config))
    rates = []
    for epoch in (0, 0, 0, 0, 1, 2):
        trainer.progress.epoch = epoch
        rates.append(trainer.step(batch)["learning_rate"] / 2e-4)
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.5, 0.25])
    assert trainer.discriminator_optimizer.param_groups[0]["lr"] == pytest.approx(0.5e-4)


def test_gradients_are_clipped_not_only_measured(raw_config):
    raw_config["train"]["gradient_clip"] = 0.01
    trainer, batch = trainer_of(parse_config(raw_config))
    report = trainer.step(batch)
    assert report["gradient_generator"] > 0.01
    norm = torch.nn.utils.get_total_norm([p.grad for p in trainer.generator.parameters()])
    assert norm <= 0.0101


def test_fewer_segments_than_utterances_are_decoded_and_compared_with_their_own_audio(raw_config):
    raw_config["train"]["segments"] = 2
    trainer, batch = trainer_of(parse_config(raw_config))
    for row in range(4):  # each utterance is a constant of its own, so that a mix-up would show
        batch.audio[row] = 0.1 * (row + 1)
    _, output = trainer.generator(trainer.inputs(batch), 16, 2)
    real = validation.cut_audio(batch.audio[output.rows], output.starts, 16, 256)
    assert output.audio.shape == real.shape == (2, 16 * 256)
    assert torch.allclose(real[:, 0], 0.1 * (output.rows + 1).float())
    assert trainer.step(batch)["mel"] > 0


def test_a_text_step_moves_only_the_text_side(config):
    trainer, batch = trainer_of(config)
    trainer.step(batch)
    before = {name: p.detach().clone() for name, p in trainer.generator.named_parameters()}
    trainer.text_step(batch)
    moved = {name.split(".")[0] for name, p in trainer.generator.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"enc_p", "flow", "dp", "emb_g"}


def test_text_steps_bring_the_divergence_down(raw_config):
    raw_config["train"]["learning_rate"] = 2e-3
    trainer, batch = trainer_of(parse_config(raw_config))
    first = trainer.step(batch)["kl"]
    for _ in range(30):
        trainer.text_step(batch)
    assert trainer.step(batch)["kl"] < 0.7 * first


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


def test_training_moves_every_language_and_style_of_a_batch_and_no_others(raw_config, corpus):
    config = styled(raw_config, corpus)
    trainer, _ = trainer_of(config)
    dataset = load_dataset(config.data.training_files, config, trainer.symbols)
    batch = collate(dataset, [0, 1, 4], {"high": 0, "low": 1}, 256)  # styles none and SAD, both languages
    before = {name: p.detach().clone() for name, p in trainer.generator.named_parameters()}
    trainer.step(batch)
    grad = trainer.generator.emb_s.weight.grad.abs().sum(1)
    assert (grad > 0).tolist() == [False, False, True]
    moved = (trainer.generator.enc_p.emb_l.weight - before["enc_p.emb_l.weight"]).abs().sum(1)
    assert (moved > 0).all()
    assert trainer.generator.emb_s.weight[0].abs().max() == 0


@pytest.mark.parametrize(("key", "value"), [("styles", ["SAD", "HAPPY"]), ("languages", ["ta", "ml"])])
def test_a_resume_with_other_languages_or_styles_is_refused_by_name(raw_config, corpus, tmp_path, key, value):
    config = styled(raw_config, corpus)
    folder = trainer_of(config)[0].save(tmp_path / "saved")
    raw_config["data"][key] = value
    trainer = Trainer(
        parse_config(raw_config), read_info(folder).symbols, ["high", "low"], torch.device("cpu"), torch.float32
    )
    with pytest.raises(CheckpointError, match=rf"data\.{key}.*put it back"):
        trainer.load(folder)


@pytest.mark.parametrize("forgotten", ["language", "style"])
def test_a_batch_without_ids_is_refused_by_a_model_that_needs_them(raw_config, corpus, forgotten):
    config = styled(raw_config, corpus)
    trainer, batch = trainer_of(config)
    setattr(batch, forgotten, None)
    with pytest.raises(ValueError, match=forgotten):
        trainer.step(batch)


def test_the_pitch_is_learnt_from_the_latent_and_drives_what_is_spoken(raw_config):
    raw_config["model"]["decoder"] = HARMONIC
    raw_config["train"]["learning_rate"] = 2e-3
    trainer, batch = trainer_of(parse_config(raw_config))
    history = [trainer.step(batch) for _ in range(80)]
    first, last = (sum(row["pitch"] for row in rows) / 5 for rows in (history[:5], history[-5:]))
    assert last < 0.4 * first
    spectrogram = trainer.spectra.linear(batch.audio)
    model = trainer.generator.eval()
    with torch.no_grad():
        conditioning = model.condition_on(batch.speaker)
        latent = model.enc_q(spectrogram, batch.frame_lengths, conditioning)[1]
        hertz = model.source(latent, conditioning).pitch
    low, high = (float(hertz[rows, :40].median()) for rows in (slice(0, 2), slice(2, 4)))
    assert 90 < low < 135 and 170 < high < 250


def test_restore_makes_a_trainer_what_state_was_called_on(raw_config):
    trainer, batch = trainer_of(parse_config(raw_config))
    trainer.step(batch)
    trainer.progress.unlogged = {"mel": 1.5}
    info, tensors = copy.deepcopy(trainer.state())
    other, _ = trainer_of(parse_config({**raw_config, "train": {**raw_config["train"], "seed": 99}}))
    other.restore(info, tensors)
    again, same = other.state()
    assert again.progress == info.progress and (info.step, info.unlogged) == (1, {"mel": 1.5})
    assert {group: set(own) for group, own in same.items()} == {group: set(own) for group, own in tensors.items()}
    assert all(torch.equal(same[group][name], value) for group, own in tensors.items() for name, value in own.items())
    goes_on = other.step(batch)
    other.restore(info, tensors)  # neither the step nor the trainer has changed what it was given
    assert other.step(batch) == goes_on
