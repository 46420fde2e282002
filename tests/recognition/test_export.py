"""Export and schedule: matrices in bytes are what was compared with PyTorch, and the rate rises twice."""

import shutil
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from swaram.recognition import RecognizerError
from swaram.recognition.export import round_to_bytes
from swaram.recognition.training import Plan, Trainer
from tests.recognition.toy import TINY


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


def test_the_rate_rises_and_falls_to_nearly_nothing(selection, tmp_path):
    trainer = Trainer(selection, "ml", tmp_path, Plan(minutes=100, warm_up=0.02), TINY)

    def rate(minute):
        trainer.seconds = 60.0 * minute
        return trainer._rate() / trainer.plan.learning_rate

    assert rate(0) < 0.05 and rate(2) == pytest.approx(1.0) and rate(51) == pytest.approx(0.5)
    assert rate(99.9) < 0.01


def test_a_state_of_other_features_cannot_be_resumed(learnt, selection, tmp_path):
    shutil.copytree(learnt.folder / "newest", tmp_path / "newest")
    trainer = Trainer(selection, "ml", tmp_path, Plan(speeds=(1.0,)), TINY)
    trainer.features = replace(trainer.features, level=-20.0)
    with pytest.raises(RecognizerError, match="train anew"):
        trainer.resume()
