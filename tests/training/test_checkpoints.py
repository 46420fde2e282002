"""Checkpoints are whole, pruned, read by later versions, and can be given away as half-size weights."""

import json
from pathlib import Path

import pytest

from swaram.config.config import parse_config
from swaram.training import checkpoints
from swaram.training.checkpoints import CheckpointError
from swaram.training.loop import Limits, train
from tests.training.runs import logged


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
