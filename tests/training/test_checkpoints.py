"""Checkpoints are whole, pruned, read by later versions, and can be given away as half-size weights."""

import json
from pathlib import Path

import pytest
import torch

from swaram.config.config import parse_config
from swaram.training import checkpoints
from swaram.training.checkpoints import CheckpointError
from swaram.training.loop import Limits, train
from tests.training.runs import logged, trainer_of


def test_checkpoints_of_before_are_gone_on_from(raw_config, tmp_path):
    """``state.json`` without what was added since: the order of batches, updates left out, sums not yet logged."""
    for name in ("old", "new"):
        raw_config["train"]["output_directory"] = str(tmp_path / name)
        folder = train(parse_config(raw_config), limits=Limits(max_steps=2))
        if name == "old":
            state = json.loads((folder / "state.json").read_text())
            for key in ("order", "skipped", "unlogged"):
                del state[key]
            for key in ("deterministic", "compile", "balance_speakers", "skip_limit", "cache_directory"):
                del state["config"]["train"][key]
            (folder / "state.json").write_text(json.dumps(state))
        train(parse_config(raw_config), resume=True, limits=Limits(max_steps=4))
    assert logged(tmp_path / "old") == logged(tmp_path / "new")


def test_old_checkpoints_go_and_the_best_stays(raw_config):
    raw_config["train"] |= {"checkpoint_minutes": 1e-9, "keep_checkpoints": 2}
    config = parse_config(raw_config)
    train(config, limits=Limits(max_steps=2))
    checkpoints.mark_best(Path(config.train.output_directory), 1)
    train(config, resume=True, limits=Limits(max_steps=6))
    folders = [path.name for path in checkpoints.checkpoint_folders(Path(config.train.output_directory))]
    assert folders == ["step-00000001", "step-00000005", "step-00000006"]


def test_a_half_written_checkpoint_is_never_taken(config, tmp_path):
    folder = train(config, limits=Limits(max_steps=1))
    partial = folder.parent / ".step-00000009.partial"
    partial.mkdir()
    (partial / "state.json").write_text("{")
    assert checkpoints.find_checkpoint(folder.parent) == folder
    (folder / "generator.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="cannot be read"):
        train(config, resume=True, limits=Limits(max_steps=2))


def test_weights_in_bytes_are_a_quarter_of_the_size_and_read_as_they_were(raw_config, tmp_path):
    source = train(parse_config(raw_config), limits=Limits(max_steps=1))
    weights = checkpoints.save_weights(source, tmp_path / "weights", eight_bits=True)
    again = checkpoints.save_weights(weights, tmp_path / "again", eight_bits=True)
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
    weights = checkpoints.save_weights(source, tmp_path / "weights")
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
