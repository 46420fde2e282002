"""Several processes compute what one would on the same global batch, and decide together."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from swaram.config.config import parse_config
from swaram.training.distributed import Processes
from swaram.training.nan_guard import TrainingError
from tests.training.two_processes import updates

ROOT = Path(__file__).parents[2]


def test_two_processes_equal_one_on_the_same_global_batch(raw_config, config_file, tmp_path):
    # A large epsilon keeps AdamW smooth: with the usual one its first steps are the signs of the gradients.
    raw_config["train"] |= {"epsilon": 1e-3, "learning_rate": 1e-3, "batch_size": 4, "weight_decay": 0.0}
    raw_config["train"]["precision"] = "float32"  # sums in another order are equal to its rounding alone
    config_file.write_text(json.dumps(raw_config), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = ["-m", "tests.training.two_processes", str(config_file), str(tmp_path)]
    # torchrun chooses a free port of its own, so that two runs on a machine never meet.
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [json.loads((tmp_path / f"told-{rank}.json").read_text()) for rank in (0, 1)]
    weights = [load_file(tmp_path / f"weights-{rank}.safetensors") for rank in (0, 1)]

    raw_config["train"]["batch_size"] = 8
    alone, alone_weights = updates(parse_config(raw_config))

    assert sorted({*alone["clips"]}) == [1, 8]  # a batch of a single clip is among them
    assert sorted({*told[0]["clips"]}) == [1, 4] == sorted({*told[1]["clips"]})
    for one, first, second in zip(alone["steps"], told[0]["steps"], told[1]["steps"], strict=True):
        assert first == second
        assert first == pytest.approx(one, rel=2e-4)
    assert told[0]["validation"] == told[1]["validation"] == pytest.approx(alone["validation"], rel=2e-4)
    for name, expected in alone_weights.items():
        assert torch.equal(weights[0][name], weights[1][name]), name
        assert torch.allclose(weights[0][name], expected, atol=2e-5), name
    # Messages went while the backward pass was still going on, the same ones in both; alone there is none.
    assert alone["early"] == [] and told[0]["early"] == told[1]["early"] and min(told[0]["early"]) > 0
    # Spoilt in the second process alone, left out by both; a flag of one is seen by both.
    assert told[0]["spoilt"] is told[1]["spoilt"] is alone["spoilt"] is None
    assert told[0]["any"] is told[1]["any"] is True


def test_a_single_process_needs_nothing_of_torchrun(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")  # as some schedulers leave it in the environment
    processes = Processes(torch.device("cpu"), torch.float32)
    assert (processes.rank, processes.size, processes.first) == (0, 1, True)
    value = torch.ones(2)
    assert processes.sum(value) is value
    assert processes.any(True) is True and processes.any(False) is False


def test_machines_with_unequal_numbers_of_processes_are_refused(monkeypatch):
    told = {"RANK": 0, "WORLD_SIZE": 3, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 2, "MASTER_ADDR": "x", "MASTER_PORT": 1}
    for name, value in told.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(TrainingError, match="3 processes are not 2 on every machine"):
        Processes(torch.device("cpu"), torch.float32)
