"""Looking at a run before it is made: the plan, the profile; neither leaves a checkpoint."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.config.config import parse_config
from swaram.training import dry_run as rehearsal
from swaram.training.checkpoints import checkpoint_folders
from swaram.training.loop import Limits, train
from swaram.training.nan_guard import TrainingError


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["train", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_dry_run_tries_the_worst_batch_and_leaves_nothing(raw_config, config_file, corpus):
    with (corpus / "train_metadata.csv").open("a", encoding="utf-8") as file:
        file.write("audio_files/none.flac|അമ്മ\n")
    said = run("-c", str(config_file), "--dry-run")
    assert "12 clips" in said and "left out 1" in said and "missing file" in said
    assert "3 batches an epoch" in said
    longest = max(len(text) for text in ["അണ്ണാൻ കുഞ്ഞും തന്നാലായത്."])
    frames = -(-int(16000 * (0.7 + 0.09 * longest)) // 256 // 32) * 32
    assert f"worst batch of 5 epochs: 4 utterances, padded to {frames} frames" in said
    for words in ("GiB at most for the whole process", "a step on it takes", "hours at that speed", "are free for"):
        assert words in said
    assert not Path(raw_config["train"]["output_directory"]).exists()


def test_a_dry_run_says_when_checkpoints_will_not_fit(config, monkeypatch):
    monkeypatch.setattr(rehearsal.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(TrainingError, match=r"make room or lower train\.keep_checkpoints"):
        rehearsal.dry_run(config)


def test_a_profile_names_what_takes_long_and_writes_a_trace(raw_config, config_file):
    said = run("-c", str(config_file), "--profile")
    assert "convolution" in said and "generator backward" in said
    logs = Path(raw_config["train"]["output_directory"])
    trace = json.loads((logs / "profile" / "trace.json").read_text(encoding="utf-8"))
    assert any(event.get("name") == "discriminators backward" for event in trace["traceEvents"])
    assert checkpoint_folders(logs) == []


def test_overfitting_is_a_run_of_its_own(raw_config, config_file):
    said = run("-c", str(config_file), "--overfit", "2", "--max-steps", "2")
    logs = Path(raw_config["train"]["output_directory"])
    assert "2 clips" in said and "left out 10" in said and "--overfit 2" in said
    assert checkpoint_folders(logs) == [] and len(checkpoint_folders(logs.with_name("logs-overfit-2"))) == 1


def test_the_line_of_progress_has_losses_pace_and_time_left(raw_config, config_file):
    said = run("-c", str(config_file), "--max-steps", "2", "--max-minutes", "600")
    (line,) = [line for line in said.splitlines() if " step 2  epoch" in line]
    for words in ("mel ", "kl ", "duration ", "adversarial ", "discriminator ", "steps/s", "frames/s", "0 min left"):
        assert words in line


def test_whoever_looks_on_is_called_after_each_validation_with_the_average(raw_config):
    raw_config["train"]["validation_steps"] = 2
    seen = []

    def look(trainer, logger):
        seen.append((trainer.progress.step, trainer.average.module.training))
        logger.scalars(trainer.progress.step, {"cer": 0.25}, "evaluation")

    folder = train(parse_config(raw_config), limits=Limits(max_steps=5), after_validation=look)
    assert seen == [(2, False), (4, False)]
    rows = [json.loads(line) for line in (folder.parent / "losses.jsonl").read_text().splitlines()]
    assert [(row["step"], row["cer"]) for row in rows if row["kind"] == "evaluation"] == [(2, 0.25), (4, 0.25)]


def test_a_clip_to_validate_on_that_is_also_trained_on_is_left_out(raw_config, corpus, capfd):
    row = (corpus / "train_metadata.csv").read_text(encoding="utf-8").splitlines()[0]
    with (corpus / "val_metadata.csv").open("a", encoding="utf-8") as file:
        file.write(f"{row}\n")
    train(parse_config(raw_config), limits=Limits(max_steps=1))
    assert "left out 1 (0.0 minutes): also in the training files" in capfd.readouterr().out
