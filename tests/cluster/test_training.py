"""Training on two nodes gives the losses of torchrun; killed in the middle, it goes on from the last checkpoint to the
same losses."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="what needs Ray is run by make soak, in an environment of its own")

import ray

from swaram.cluster.errors import ClusterError
from swaram.cluster.training import Plan, train_on_cluster
from swaram.config.config import parse_config
from tests.training.conftest import config_file, raw_config  # noqa: F401
from tests.training.conftest import corpus as corpus  # the prepared one
from tests.training.runs import logged

ROOT = Path(__file__).parents[2]
STEPS = 8


@pytest.fixture
def small(raw_config, config_file):  # noqa: F811
    raw_config["train"] |= {"batch_size": 2, "validation_steps": 2, "alignment_noise": 0.5, "keep_checkpoints": 9}
    config_file.write_text(json.dumps(raw_config), encoding="utf-8")
    return raw_config


def by_torchrun(config_file, steps):  # noqa: F811
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [str(ROOT / "train.py"), "-c", str(config_file), "--max-steps", str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=config_file.parent, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr


def in_cluster(raw, name, tmp_path, **more):
    raw = {**raw, "train": raw["train"] | {"output_directory": str(tmp_path / name)}}
    config = parse_config(raw)
    told = Plan(config.model_dump_json(), max_steps=STEPS, **more)
    return Path(train_on_cluster(ray, config, told, processes=2))


def log_of(home):
    return logged(home / f"step-{STEPS:08d}")


def worker_pids():
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if b"RayTrainWorker" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_two_nodes_train_as_torchrun_does(cluster, small, config_file, tmp_path):  # noqa: F811
    by_torchrun(config_file, STEPS)
    home = in_cluster(small, "ray", tmp_path)
    assert log_of(home) == logged(small["train"]["output_directory"]) and len(log_of(home)) == STEPS
    with pytest.raises(ClusterError, match="holds a training already; --resume goes on with it"):
        in_cluster(small, "ray", tmp_path)


def test_a_killed_process_costs_only_the_steps_since_the_checkpoint(cluster, small, config_file, tmp_path):  # noqa: F811
    killed = []

    def kill():
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and not (tmp_path / "killed" / "step-00000004" / "state.json").exists():
            time.sleep(0.02)
        killed.append(worker_pids()[-1])
        os.kill(killed[0], signal.SIGKILL)

    by_torchrun(config_file, STEPS)
    thread = threading.Thread(target=kill)
    thread.start()
    home = in_cluster(small, "killed", tmp_path)
    thread.join()
    assert killed and log_of(home) == logged(small["train"]["output_directory"])


def test_a_training_goes_on_when_it_is_asked_to(cluster, small, config_file, tmp_path, s3):  # noqa: F811
    by_torchrun(config_file, STEPS)
    raw = {**small, "train": small["train"] | {"output_directory": "s3://swaram/training/run"}}
    config = parse_config(raw)
    with pytest.raises(ClusterError, match="holds no checkpoint to go on from"):
        train_on_cluster(ray, config, Plan(config.model_dump_json(), resume=True), processes=2)
    train_on_cluster(ray, config, Plan(config.model_dump_json(), max_steps=4), processes=2)
    train_on_cluster(ray, config, Plan(config.model_dump_json(), max_steps=STEPS, resume=True), processes=2)
    import fsspec

    system = fsspec.filesystem("s3", use_listings_cache=False)
    held = tmp_path / "held"
    held.mkdir()
    system.get_file(f"swaram/training/run/step-{STEPS:08d}/losses.jsonl", str(held / "losses.jsonl"))
    assert logged(held) == logged(small["train"]["output_directory"])


def test_a_folder_that_cannot_be_written_is_a_sentence(cluster, small, tmp_path):
    (tmp_path / "file").write_text("")
    config = parse_config({**small, "train": small["train"] | {"output_directory": str(tmp_path / "file" / "logs")}})
    with pytest.raises(ClusterError, match="cannot be written to"):
        train_on_cluster(ray, config, Plan(config.model_dump_json()), processes=2)
