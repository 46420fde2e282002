"""Training learns, stops when told, goes on exactly where it was, and never overwrites."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from swaram.config.config import parse_config
from swaram.text.symbols import SymbolTable
from swaram.training import checkpoints, validation
from swaram.training.checkpoints import CheckpointError
from swaram.training.ema import MovingAverage
from swaram.training.loop import Limits, train
from swaram.training.trainer import Trainer, TrainingError
from tests.training.runs import losses, trainer_of

ROOT = Path(__file__).parents[2]


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


def test_the_average_follows_the_generator(config):
    trainer, batch = trainer_of(config)
    start = trainer.generator.enc_p.emb.weight.detach().clone()
    for _ in range(20):
        trainer.step(batch)
    now, average = trainer.generator.enc_p.emb.weight, trainer.average.module.enc_p.emb.weight
    assert 0 < (average - now).norm() < (start - now).norm()


def test_an_average_of_every_few_steps_moves_by_the_decay_of_all_of_them():
    module, average = torch.nn.Linear(2, 1), MovingAverage(torch.nn.Linear(2, 1), 0.5, 3)
    start = average.module.weight.clone()
    for step in (30, 31):
        average.update(module, step)
        assert torch.equal(average.module.weight, start)
    average.update(module, 32)
    assert torch.allclose(average.module.weight, 0.5**3 * start + (1 - 0.5**3) * module.weight)


def test_a_resumed_run_repeats_the_losses_of_the_run_that_was_not_stopped(raw_config, tmp_path):
    raw_config["train"] |= {"alignment_noise": 0.5, "validation_steps": 4, "text_steps": 1, "segments": 3}
    raw_config["train"]["ema_every"] = 3
    whole, parts = dict(raw_config), dict(raw_config)
    whole["train"] = raw_config["train"] | {"output_directory": str(tmp_path / "whole")}
    parts["train"] = raw_config["train"] | {"output_directory": str(tmp_path / "parts")}
    train(parse_config(whole), limits=Limits(max_steps=8))
    train(parse_config(parts), limits=Limits(max_steps=3))
    train(parse_config(parts), resume=True, limits=Limits(max_steps=8))
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert losses(tmp_path / "parts", "validation") == losses(tmp_path / "whole", "validation")


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
    assert len(losses(logs)) == last // 2
    assert losses(logs) == losses(tmp_path / "whole")
    for group in ("generator", "discriminator", "ema"):
        ours, theirs = (
            checkpoints.read_tensors(folder, group) for folder in (checkpoints.find_checkpoint(logs), whole)
        )
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def lines(directory: Path) -> list[str]:
    path = directory / "losses.jsonl"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


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
    assert losses(tmp_path / "old") == losses(tmp_path / "new")


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
    assert losses(tmp_path / "often") == losses(tmp_path / "never")


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


def test_a_warm_start_takes_what_fits_by_symbol_and_speaker(raw_config, tmp_path):
    source = train(parse_config(raw_config), limits=Limits(max_steps=3))
    taken = checkpoints.read_tensors(source, "ema")
    raw_config["train"] |= {"output_directory": str(tmp_path / "second")}
    raw_config["data"]["languages"] = ["ml", "ta"]
    config = parse_config(raw_config)
    symbols = SymbolTable.for_languages("ml", "ta")
    trainer = Trainer(config, symbols, ["new", "high"], torch.device("cpu"), torch.float32)
    from swaram.training.warm_start import warm_start

    report = warm_start(source, trainer.generator, trainer.discriminators, config, symbols, ["new", "high"])
    assert report.left == ["enc_p.emb_l.weight"]  # the source had one language and needed no table of them
    old = SymbolTable.for_languages("ml")
    row, before = symbols.symbols.index("മ"), old.symbols.index("മ")
    assert torch.equal(trainer.generator.enc_p.emb.weight[row], taken["enc_p.emb.weight"][before])
    assert torch.equal(trainer.generator.emb_g.weight[1], taken["emb_g.weight"][0])
    raw_config["data"]["sample_rate"] = 22050
    with pytest.raises(CheckpointError, match=r"data\.sample_rate 16000"):
        warm_start(
            source, trainer.generator, trainer.discriminators, parse_config(raw_config), symbols, ["new", "high"]
        )


def test_tensorboard_has_the_losses_under_the_names_of_their_weights(raw_config):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    raw_config["train"]["validation_steps"] = 2
    raw_config["model"]["decoder"] = {"type": "harmonic", "channels": 16, "blocks": 2}  # pitch is a loss of it alone
    config = parse_config(raw_config)
    train(config, limits=Limits(max_steps=2))
    board = EventAccumulator(str(Path(config.train.output_directory) / "tensorboard")).Reload()
    tags = board.Tags()
    assert {f"train/{name}" for name in type(config.train.weights).model_fields} <= set(tags["scalars"])
    assert {f"validation/{name}" for name in type(config.train.weights).model_fields} <= set(tags["scalars"])
    assert "sentence_0/alignment" in tags["images"] and "sentence_0/mel" in tags["images"]
    assert "sentence_0/audio" in tags["audio"]


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
