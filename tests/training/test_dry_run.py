"""Looking at a run before it is made: the plan and the profile; neither leaves a checkpoint."""

import json
from pathlib import Path

import pytest

from swaram.training.checkpoints import checkpoint_folders
from swaram.training.dry_run import dry_run
from swaram.training.nan_guard import TrainingError
from tests.training.runs import swaram_train


def test_a_dry_run_tries_the_worst_batch_and_leaves_nothing(raw_config, config_file, corpus):
    with (corpus / "train_metadata.csv").open("a", encoding="utf-8") as file:
        file.write("audio_files/none.flac|അമ്മ\n")
    said = swaram_train("-c", str(config_file), "--dry-run")
    assert "12 clips" in said and "left out 1" in said and "missing file" in said
    assert "3 batches an epoch" in said
    longest = max(len(text) for text in ["അണ്ണാൻ കുഞ്ഞും തന്നാലായത്."])
    frames = -(-int(16000 * (0.7 + 0.09 * longest)) // 256 // 32) * 32
    assert f"worst batch of 5 epochs: 4 utterances, padded to {frames} frames" in said
    for words in ("GiB at most for the whole process", "a step on it takes", "hours at that speed", "are free for"):
        assert words in said
    assert not Path(raw_config["train"]["output_directory"]).exists()


def test_a_dry_run_says_when_checkpoints_will_not_fit(config, monkeypatch):
    monkeypatch.setattr("swaram.training.dry_run.shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(TrainingError, match=r"make room or lower train\.keep_checkpoints"):
        dry_run(config)


def test_a_profile_names_what_takes_long_and_writes_a_trace(raw_config, config_file):
    said = swaram_train("-c", str(config_file), "--profile")
    assert "convolution" in said and "generator backward" in said
    logs = Path(raw_config["train"]["output_directory"])
    trace = json.loads((logs / "profile" / "trace.json").read_text(encoding="utf-8"))
    assert any(event.get("name") == "discriminators backward" for event in trace["traceEvents"])
    assert checkpoint_folders(logs) == []
