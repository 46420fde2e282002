"""Training on a GPU: every preset steps, a GPU computes what a CPU computes, checkpoints go both ways."""

import copy
import json

import numpy as np
import pytest
import torch

from swaram.model import cpu
from swaram.model.alignment import batched_path, maximum_path
from swaram.training import loop
from swaram.training.logger import Logger
from tests.cuda.conftest import ROOT, weights
from tests.model.tiny import DECODERS, TINY

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("name", ["mini", "paper"])
def test_two_steps_of_every_preset_are_finite_and_move_the_weights(setting, device, name):
    path = ROOT / ("config.json" if name == "mini" else f"configs/{name}.json")
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["train"] = {"segment_frames": 32}
    raw["data"] = raw.get("data", {}) | {"sample_rate": 16_000}
    config = setting.config(raw)
    trainer, batch = setting.trainer(config, device), setting.batch(config, device)
    before = weights(trainer.generator)
    for _ in range(2):
        values = trainer.step(batch)
        assert values is not None and all(np.isfinite(value) for value in values.values())
    after = weights(trainer.generator)
    assert all(p.device.type == device.type for p in trainer.generator.parameters())
    assert sum(not np.array_equal(before[key], after[key]) for key in before) > len(before) // 2


@pytest.mark.parametrize("decoder", ["vocos", "harmonic-short", "hifigan"])
def test_losses_are_those_of_a_cpu(setting, device, decoder, equal_noise, monkeypatch):
    raw = copy.deepcopy(TINY)
    raw["model"] |= {"decoder": DECODERS[decoder], "text_dropout": 0.0}
    raw["train"] |= {"fine_mel_windows": [512]}
    config = setting.config(raw)
    found = []
    for place in (torch.device("cpu"), device):
        monkeypatch.setattr(cpu, "by_hand", lambda x, ours=place is device: not ours and x.device.type == "cpu")
        trainer = setting.trainer(config, place)
        for module in (trainer.generator, trainer.discriminators):
            for part in module.modules():
                if isinstance(part, torch.nn.Dropout):
                    part.p = 0.0
        torch.manual_seed(7)
        found.append([trainer.step(setting.batch(config, place)) for _ in range(2)])
    for ours, theirs in zip(*found, strict=True):
        for name, value in ours.items():
            assert theirs[name] == pytest.approx(value, rel=2e-3, abs=2e-3), name


def test_both_alignment_searches_find_the_same_path(device):
    generator = torch.Generator().manual_seed(3)
    score = torch.randn(5, 31, 90, generator=generator)
    symbols, frames = torch.tensor([31, 20, 1, 7, 30]), torch.tensor([90, 44, 12, 7, 31])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu, "by_hand", lambda x: True)
        expected = maximum_path(score, symbols, frames)
    found = batched_path(score.to(device), symbols.to(device), frames.to(device))
    assert found.device.type == device.type
    assert torch.equal(found.cpu(), expected)


def test_a_resumed_run_is_bit_for_bit_the_unbroken_one(setting, device, monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        config = setting.config()
        whole, batch = setting.trainer(config, device), setting.batch(config, device)
        for _ in range(2):
            whole.step(batch)
        folder = whole.save(setting.folder / "kept")
        expected = [whole.step(batch) for _ in range(2)]
        resumed = setting.trainer(config, device)
        resumed.load(folder)
        assert [resumed.step(batch) for _ in range(2)] == expected
        ours, theirs = weights(whole.generator), weights(resumed.generator)
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    finally:
        torch.use_deterministic_algorithms(False)


def test_checkpoints_go_from_a_cpu_to_the_device_and_back(setting, device):
    config = setting.config()
    home = torch.device("cpu")
    first = setting.trainer(config, home)
    first.step(setting.batch(config, home))
    there = setting.trainer(config, device)
    there.load(first.save(setting.folder / "to"))
    ours, theirs = weights(first.average.module), weights(there.average.module)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert there.step(setting.batch(config, device)) is not None
    back = setting.trainer(config, home)
    back.load(there.save(setting.folder / "back"))
    assert back.progress.step == 2
    assert back.step(setting.batch(config, home)) is not None


def test_what_is_not_finite_leaves_the_weights_alone(setting, device):
    config = setting.config()
    trainer, batch = setting.trainer(config, device), setting.batch(config, device)
    before = weights(trainer.generator)
    batch.audio[0, 100] = float("nan")
    assert trainer.step(batch) is None
    after = weights(trainer.generator)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert trainer.progress.skipped == 1


def test_validation_speaks_and_measures(setting, device, tmp_path):
    config = setting.config()
    trainer = setting.trainer(config, device)
    logger = Logger(tmp_path / "log")
    mel = trainer.validate(logger, setting.dataset(config))
    assert np.isfinite(mel)


def test_a_whole_run_trains_saves_and_resumes(setting, device):
    config = setting.config(device=device.type, max_steps=3, validation_steps=2, keep_checkpoints=9)
    loop.train(config)
    folder = loop.train(config, resume=True, limits=loop.Limits(max_steps=3))
    assert folder.name.endswith("3")


def test_a_compiled_step_is_like_the_other(setting, device, equal_noise):
    if device.type != "cuda":
        pytest.skip("the decoder and the discriminators are compiled for GPUs alone")
    found = []
    for compiled in (False, True):
        config = setting.config(compile=compiled)
        trainer = setting.trainer(config, device)
        torch.manual_seed(7)
        found.append(trainer.step(setting.batch(config, device)))
    for name, value in found[0].items():
        assert found[1][name] == pytest.approx(value, rel=1e-2, abs=1e-2), name


def test_a_voice_from_the_device_speaks_like_the_network(setting, device):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not there: export is checked where it is")
    pytest.importorskip("onnx", reason="onnx is not there: export is checked where it is")
    from swaram.export.voice import VoiceFacts, export_voice
    from swaram.voice.engine import Engine
    from swaram.voice.request import SpeechRequest
    from swaram.voice.voice import Voice

    config = setting.config()
    trainer = setting.trainer(config, device)
    trainer.step(setting.batch(config, device))
    folder = trainer.save(setting.folder / "log")
    export_voice(folder, setting.folder / "voice", VoiceFacts("tried", half=False))  # it compares with PyTorch itself
    speech = Engine(Voice.open(setting.folder / "voice")).synthesise(SpeechRequest("അമ്മ വന്നു"))
    assert np.isfinite(speech.audio).all() and len(speech.audio) > 1000
