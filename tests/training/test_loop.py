"""A run stops when told, goes on exactly where it was, and never overwrites."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from swaram.audio.resample import resample
from swaram.config.config import parse_config
from swaram.languages import get_language
from swaram.text.frontend import TextFrontend
from swaram.text.symbols import SymbolTable
from swaram.training import checkpoints
from swaram.training.batches import collate
from swaram.training.checkpoints import CheckpointError, checkpoint_folders
from swaram.training.dataset import load_dataset
from swaram.training.loop import Limits, train
from swaram.training.nan_guard import TrainingError
from tests.recorded_speech import spoken_clips
from tests.training.runs import logged, swaram_train

ROOT = Path(__file__).parents[2]
UTTERANCES = 4


def test_a_resumed_run_repeats_the_losses_of_the_run_that_was_not_stopped(raw_config, tmp_path):
    raw_config["train"] |= {"alignment_noise": 0.5, "validation_steps": 4, "text_steps": 1, "segments": 3}
    raw_config["train"]["ema_every"] = 3
    whole, parts = dict(raw_config), dict(raw_config)
    whole["train"] = raw_config["train"] | {"output_directory": str(tmp_path / "whole")}
    parts["train"] = raw_config["train"] | {"output_directory": str(tmp_path / "parts")}
    train(parse_config(whole), limits=Limits(max_steps=8))
    train(parse_config(parts), limits=Limits(max_steps=3))
    train(parse_config(parts), resume=True, limits=Limits(max_steps=8))
    assert logged(tmp_path / "parts") == logged(tmp_path / "whole")
    assert logged(tmp_path / "parts", "validation") == logged(tmp_path / "whole", "validation")


def test_a_run_killed_at_any_step_repeats_the_losses_of_the_run_that_was_not(raw_config, config_file, tmp_path):
    # Two steps a line and a checkpoint now and then: the kill finds steps without a checkpoint and half a line's sum.
    raw_config["train"] |= {"checkpoint_minutes": 0.004, "deterministic": True, "log_steps": 2, "alignment_noise": 0.5}
    raw_config["model"]["decoder"] = {"type": "harmonic", "channels": 16, "blocks": 2}  # draws phases and noise
    config_file.write_text(json.dumps(raw_config), encoding="utf-8")
    logs = Path(raw_config["train"]["output_directory"])
    command = [sys.executable, str(ROOT / "train.py"), "-c", str(config_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path)
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and (len(checkpoints.checkpoint_folders(logs)) < 2 or len(lines(logs)) < 4):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with (logs / "losses.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 1000000, "kind": "tra')  # the kill may come in the middle of a line
    step = checkpoints.read_info(checkpoints.find_checkpoint(logs)).step
    last = 2 * ((len(lines(logs)) + step) // 2) + 4
    done = subprocess.run(
        [*command, "--resume", "--max-steps", str(last)], capture_output=True, text=True, cwd=tmp_path, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"at step {step}" in done.stdout
    raw_config["train"]["output_directory"] = str(tmp_path / "whole")
    try:
        whole = train(parse_config(raw_config), limits=Limits(max_steps=last))
    finally:
        torch.use_deterministic_algorithms(False)
    assert len(logged(logs)) == last // 2
    assert logged(logs) == logged(tmp_path / "whole")
    for group in ("generator", "discriminator", "ema"):
        ours, theirs = (
            checkpoints.read_tensors(folder, group) for folder in (checkpoints.find_checkpoint(logs), whole)
        )
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def lines(directory: Path) -> list[str]:
    path = directory / "losses.jsonl"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_other_clips_on_resume_begin_the_epoch_anew_and_say_so(raw_config, corpus, capfd):
    train(parse_config(raw_config), limits=Limits(max_steps=1))
    rows = (corpus / "train_metadata.csv").read_text(encoding="utf-8").splitlines()
    (corpus / "train_metadata.csv").write_text("\n".join(rows[:-1]) + "\n", encoding="utf-8")
    folder = train(parse_config(raw_config), resume=True, limits=Limits(max_steps=2))
    assert "epoch 0 begins anew" in capfd.readouterr().out
    assert checkpoints.read_info(folder).position == 1


def test_validation_does_not_change_a_run(raw_config, tmp_path):
    for name, every in (("often", 1), ("never", 1000)):
        raw_config["train"] |= {"output_directory": str(tmp_path / name), "validation_steps": every}
        train(parse_config(raw_config), limits=Limits(max_steps=4))
    assert logged(tmp_path / "often") == logged(tmp_path / "never")


def test_a_run_in_the_same_directory_is_refused_unless_resumed(config):
    train(config, limits=Limits(max_steps=1))
    with pytest.raises(TrainingError, match="--resume"):
        train(config, limits=Limits(max_steps=2))


def test_a_resume_without_a_checkpoint_is_one_sentence(config):
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        train(config, resume=True)


def test_a_resume_with_another_model_is_refused(raw_config):
    train(parse_config(raw_config), limits=Limits(max_steps=1))
    raw_config["model"]["hidden_channels"] = 24
    with pytest.raises(CheckpointError, match="another model"):
        train(parse_config(raw_config), resume=True)


def test_minutes_end_a_run(config):
    folder = train(config, limits=Limits(max_minutes=0.0))
    assert checkpoints.read_info(folder).step == 0


def test_the_command_line_says_in_one_sentence_what_is_wrong(tmp_path, config_file, raw_config):
    command = [sys.executable, str(ROOT / "train.py"), "-c"]
    raw_config["train"]["learning_rat"] = 1.0
    config_file.write_text(json.dumps(raw_config), encoding="utf-8")
    for arguments, words in (
        ([str(tmp_path / "none.json")], "does not exist"),
        ([str(config_file)], "train.learning_rate"),
    ):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert done.returncode == 1
        assert words in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_without_validation_clips_training_goes_on_and_says_so(raw_config, corpus, capfd):
    (corpus / "val_metadata.csv").write_text("", encoding="utf-8")
    raw_config["train"]["validation_steps"] = 1
    folder = train(parse_config(raw_config), limits=Limits(max_steps=2))
    assert checkpoints.read_info(folder).step == 2
    assert "nothing will be validated" in capfd.readouterr().out


def test_a_run_with_rests_goes_on_exactly(raw_config, tmp_path):
    raw_config["train"] |= {"adversarial_every": 3, "segments": 5, "discriminator_segments": 2, "log_steps": 1}
    raw_config["train"]["output_directory"] = str(tmp_path / "whole")
    train(parse_config(raw_config), limits=Limits(max_steps=7))
    raw_config["train"]["output_directory"] = str(tmp_path / "halves")
    train(parse_config(raw_config), limits=Limits(max_steps=4))
    train(parse_config(raw_config), resume=True, limits=Limits(max_steps=7))
    assert logged(tmp_path / "halves") == logged(tmp_path / "whole")


def test_overfitting_is_a_run_of_its_own(raw_config, config_file):
    said = swaram_train("-c", str(config_file), "--overfit", "2", "--max-steps", "2")
    logs = Path(raw_config["train"]["output_directory"])
    assert "2 clips" in said and "left out 10" in said and "--overfit 2" in said
    assert checkpoint_folders(logs) == [] and len(checkpoint_folders(logs.with_name("logs-overfit-2"))) == 1


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


@pytest.fixture
def real(raw_config, corpus):
    """Five utterances of real speech in place of the murmurs, as preparation would leave them."""
    frontend, rows = TextFrontend(get_language("ml")), []
    for number, clip in enumerate(spoken_clips()):
        text = " ".join(sentence.text for sentence in frontend.analyse(clip.text).sentences)
        audio = resample(clip.audio, clip.rate, 16000)
        if text and len(rows) < UTTERANCES + 1:
            soundfile.write(corpus / "audio_files" / f"real-{number}.flac", audio, 16000, subtype="PCM_16")
            rows.append(f"audio_files/real-{number}.flac|{text}")
    (corpus / "train_metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    raw_config["train"] |= {"learning_rate": 2e-3, "ema_decay": 0.9, "validation_steps": 45, "precision": "auto"}
    raw_config["model"] |= {"hidden_channels": 32, "latent_channels": 16}
    raw_config["model"]["decoder"] = {"type": "vocos", "channels": 32, "blocks": 2}
    return raw_config


def distances_to_recordings(trainer, dataset) -> np.ndarray:
    """Mean difference in log mel of each clip, coded and decoded by the average, to each recording: [clips, clips]."""
    batch = collate(dataset, list(range(UTTERANCES)), {name: i for i, name in enumerate(trainer.speakers)}, 256)
    inputs, model = batch.inputs(trainer.spectra), trainer.average.module
    with torch.no_grad():
        conditioning = model.condition_on(batch.speaker)
        _, mean, _, _ = model.enc_q(inputs.spectrogram, inputs.frame_lengths, conditioning)
        decoded, recorded = trainer.spectra(model.decode(mean, conditioning)), trainer.spectra(batch.audio)
    lengths = batch.frame_lengths.tolist()
    pairs = [[min(a, b) for b in lengths] for a in lengths]
    return np.array(
        [
            [float((decoded[i, :, :n] - recorded[j, :, :n]).abs().mean()) for j, n in enumerate(row)]
            for i, row in enumerate(pairs)
        ]
    )


def test_four_real_utterances_are_learnt(real):
    config, found = parse_config(real), {}
    dataset = load_dataset(config.data.training_files, config, SymbolTable.for_languages("ml"))

    def look(trainer, logger):
        found["distances"] = distances_to_recordings(trainer, dataset)

    folder = train(config, limits=Limits(max_steps=45), overfit=UTTERANCES, after_validation=look)
    assert folder.parent.name == "logs-overfit-4"
    (validation,) = logged(folder.parent, "validation")
    first = np.mean([row["mel"] for row in logged(folder.parent)[:3]])
    # How far it comes depends on the voice and on the processor's rounding; that it comes far does not.
    assert validation["mel"] < 0.8 * first
    # What it makes of each utterance is nearer to that utterance than to any other.
    assert found["distances"].argmin(1).tolist() == list(range(UTTERANCES))
    assert checkpoints.read_info(folder).best_mel == pytest.approx(validation["mel"], abs=1e-6)
