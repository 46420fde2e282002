"""Export: several networks listen together, and matrices in bytes are what was compared with PyTorch."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from swaram.evaluation.recognizer import Recognizer, RecognizerError
from swaram.evaluation.recognizer.command import recognizer_app
from swaram.evaluation.recognizer.export import Papers, export_recognizer
from swaram.evaluation.recognizer.features import spectra
from swaram.evaluation.recognizer.quantisation import round_to_bytes
from swaram.evaluation.recognizer.state import load_network
from swaram.evaluation.recognizer.training import Plan, Trainer
from tests.evaluation.recognizer.toy import TINY


@pytest.fixture(scope="module")
def two_states(learnt, selection, tmp_path_factory):
    """A training's folder with the ends of two descents, which differ."""
    folder = tmp_path_factory.mktemp("run")
    plan = Plan(minutes=60, max_steps=4, rows=2, row_frames=603, restart=0.5, speeds=(1.0,))
    trainer = Trainer(selection, "ml", folder, plan, TINY)
    trainer.network.load_state_dict(learnt.network.state_dict())
    trainer.average.module.load_state_dict(learnt.average.module.state_dict())
    trainer.run()
    return folder


def test_two_descents_are_exported_as_one_that_hears_their_mean(two_states, selection, tmp_path):
    result = CliRunner().invoke(recognizer_app, ["export", str(two_states), "--out", str(tmp_path / "ml")])
    assert result.exit_code == 0, result.output
    audio = selection.train[0].audio(16_000)
    parts = []
    for name in ("first", "best"):
        network, features, _, _ = load_network(two_states / name)
        mel = spectra(audio, features)
        with torch.no_grad():
            parts.append(network(torch.from_numpy(np.pad(mel, ((0, -len(mel) % 3), (0, 0)), mode="edge"))[None])[0])
    assert not torch.allclose(parts[0], parts[1], atol=1e-3)
    expected = torch.log_softmax((parts[0] + parts[1]) / 2, -1).numpy()
    recognizer = Recognizer.load(tmp_path / "ml")
    found = recognizer.log_probabilities(audio, 16_000)
    assert np.abs(np.exp(found) - np.exp(expected)).max() < 0.05  # what bytes change
    assert np.abs(np.exp(found).sum(1) - 1).max() < 1e-4
    assert recognizer.manifest.training["networks"] == 2


def test_most_of_a_package_is_bytes(package):
    graph = onnx.load(package / "model.onnx")
    size = {kind: 0 for kind in (onnx.TensorProto.INT8, onnx.TensorProto.FLOAT)}
    for tensor in graph.graph.initializer:
        if tensor.data_type in size:
            size[tensor.data_type] += int(np.prod(tensor.dims))
    assert size[onnx.TensorProto.INT8] > 5 * size[onnx.TensorProto.FLOAT]


def test_rounding_twice_changes_nothing_and_once_little():
    layer = nn.Linear(128, 96)
    before = layer.weight.detach().clone()
    round_to_bytes(layer)
    once = layer.weight.detach().clone()
    round_to_bytes(layer)
    assert torch.allclose(layer.weight, once, atol=1e-7)
    step = before.abs().amax(1, keepdim=True) / 127
    assert ((once - before).abs() <= 0.51 * step).all() and not torch.equal(once, before)


def test_states_of_different_runs_do_not_listen_together(two_states, tmp_path):
    state = json.loads((two_states / "best" / "state.json").read_text(encoding="utf-8"))
    state["features"]["typical"][0] += 1.0
    other = tmp_path / "other"
    other.mkdir()
    (other / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (other / "average.safetensors").write_bytes((two_states / "best" / "average.safetensors").read_bytes())
    with pytest.raises(RecognizerError, match="are not of one run"):
        export_recognizer([other, two_states / "best"], tmp_path / "ml", Papers("toy"))


def test_the_rate_rises_twice_and_falls_to_nearly_nothing_before_each_end(learnt, selection, tmp_path):
    trainer = Trainer(selection, "ml", tmp_path, Plan(minutes=100, restart=0.6, again=0.5, warm_up=0.02), TINY)

    def rate(minute):
        trainer.seconds = 60.0 * minute
        return trainer._rate() / trainer.plan.learning_rate

    assert rate(2) == pytest.approx(1.0) and rate(62) == pytest.approx(0.5)
    assert rate(59.9) < 0.01 and rate(99.9) < 0.01
    assert rate(0) < 0.05 and rate(60) < 0.05


def test_a_state_of_other_features_cannot_be_resumed(two_states, selection, tmp_path):
    trainer = Trainer(selection, "ml", tmp_path, Plan(speeds=(1.0,)), TINY)
    trainer.features = replace(trainer.features, level=-20.0)
    trainer.folder = two_states
    with pytest.raises(RecognizerError, match="train anew"):
        trainer.resume()
