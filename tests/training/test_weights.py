"""What another training starts from: small, whole, and beside a voice without what that holds."""

import shutil
from pathlib import Path

import pytest
import torch

from swaram.config.config import parse_config
from swaram.training import checkpoints
from swaram.training.checkpoints import CheckpointError
from swaram.training.loop import Limits, train
from swaram.training.voice_tensors import DIRECTION
from swaram.training.weights import save_weights
from tests.training.runs import trainer_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def release(tmp_path) -> Path:
    """The shipped weights and the voice beside which they lie, as the tree has them."""
    for name in ("weights", "voices"):
        shutil.copytree(ROOT / name / "malayalam", tmp_path / name / "malayalam")
    return tmp_path


def test_weights_beside_a_voice_are_whole_and_hold_nothing_twice(release):
    weights, voice = release / "weights" / "malayalam", release / "voices" / "malayalam"
    whole = save_weights(weights, release / "whole", eight_bits=True)
    again = save_weights(whole, release / "weights" / "again", eight_bits=True, beside=voice)
    expected, read = (checkpoints.read_tensors(folder, "generator") for folder in (whole, again))
    assert read.keys() == expected.keys()
    for name, value in expected.items():
        value, other = value.float(), read[name].float()
        rows = tuple(range(1, value.dim()))
        if name.endswith(DIRECTION):
            value, other = (part / part.norm(dim=rows, keepdim=True) for part in (value, other))
        assert value.shape == other.shape
        assert ((value - other).abs() <= 2.01 * value.abs().amax(rows, keepdim=True) / 127).all(), name
    sizes = [(folder / "generator.safetensors").stat().st_size for folder in (whole, again)]
    assert sizes[1] < 0.2 * sizes[0]
    shutil.move(voice, release / "elsewhere")
    assert checkpoints.read_tensors(whole, "generator").keys() == expected.keys()  # needs no voice


def test_a_voice_that_is_gone_or_another_is_one_sentence(release, raw_config):
    weights, decoder = release / "weights" / "malayalam", release / "voices" / "malayalam" / "decoder.onnx"
    decoder.write_bytes(decoder.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match="beside another state of the voice"):
        checkpoints.read_tensors(weights, "generator")
    decoder.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoints.read_tensors(weights, "generator")
    source = train(parse_config(raw_config), limits=Limits(max_steps=1))
    with pytest.raises(CheckpointError, match="holds none of these weights"):
        save_weights(source, release / "new", beside=ROOT / "voices" / "malayalam")
    assert not (release / "new").exists()


def test_weights_in_bytes_are_a_quarter_of_the_size_and_read_as_they_were(raw_config, tmp_path):
    source = train(parse_config(raw_config), limits=Limits(max_steps=1))
    weights = save_weights(source, tmp_path / "weights", eight_bits=True)
    again = save_weights(weights, tmp_path / "again", eight_bits=True)
    whole = checkpoints.read_tensors(source, "ema")
    for folder in (weights, again):
        kept = checkpoints.read_tensors(folder, "generator")
        assert kept.keys() == whole.keys()
        for name, value in whole.items():
            assert kept[name].shape == value.shape
            assert (kept[name].float() - value).abs().max() <= 0.0045 * value.abs().max()
    sizes = [
        (folder / f"{name}.safetensors").stat().st_size for folder, name in ((source, "ema"), (weights, "generator"))
    ]
    assert sizes[1] < 0.5 * sizes[0]
    raw_config["train"]["output_directory"] = str(tmp_path / "second")
    assert (
        checkpoints.read_info(train(parse_config(raw_config), warm=str(weights), limits=Limits(max_steps=1))).step == 1
    )


def test_weights_to_train_on_from_are_half_the_size_and_count_the_steps_before(raw_config, tmp_path):
    source = train(parse_config(raw_config), limits=Limits(max_steps=3))
    weights = save_weights(source, tmp_path / "weights")
    assert sorted(path.name for path in weights.iterdir()) == [
        "discriminator.safetensors",
        "generator.safetensors",
        "state.json",
    ]
    kept, whole = checkpoints.read_tensors(weights, "generator"), checkpoints.read_tensors(source, "ema")
    assert all(value.dtype == torch.float16 for value in kept.values())
    assert all(torch.allclose(kept[name].float(), whole[name], atol=1e-3) for name in whole)
    raw_config["train"]["output_directory"] = str(tmp_path / "second")
    folder = train(parse_config(raw_config), warm=str(weights), limits=Limits(max_steps=2))
    info = checkpoints.read_info(folder)
    assert (info.step, info.earlier_steps) == (2, 3) and info.earlier_seconds > 0
    with pytest.raises(CheckpointError, match="cannot be read"):
        raw_config["train"]["output_directory"] = str(weights.parent / "third")
        trainer, _ = trainer_of(parse_config(raw_config))
        trainer.load(weights)  # the optimizers' state is not in there: only a warm start can use it
