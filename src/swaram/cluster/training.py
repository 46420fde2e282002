"""Training on a cluster: Ray Train starts the processes, and again from the newest checkpoint where one of them ends.

Around the loop of ``swaram.training.loop``, which knows nothing of it. Each process works in a folder of its own
machine; checkpoints, and with each the log up to it, go to the storage that all machines share.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from swaram.cluster import storage
from swaram.cluster.connection import on_every_node
from swaram.cluster.errors import ClusterError
from swaram.errors import SwaramError

if TYPE_CHECKING:
    from swaram.config.config import Config

MAX_FAILURES = 8  # ends of processes or machines that a run goes on after
BESIDE = ("losses.jsonl", "best")  # what a training directory holds beside its checkpoints


@dataclass(frozen=True)
class Plan:
    """What each process is told: the configuration as JSON, and the options of ``swaram train``."""

    config: str
    resume: bool = False
    warm_start: str | None = None
    max_steps: int | None = None
    max_minutes: float | None = None
    overfit: int | None = None
    evaluate_every: int | None = None


def shared_directory(config: "Config", overfit: int | None = None) -> str:
    """The training directory, as all machines name it: a URL, or an absolute path."""
    named = config.train.output_directory + (f"-overfit-{overfit}" if overfit else "")
    return storage.url_of(named) or str(Path(named).absolute())


def train_on_cluster(ray: ModuleType, config: "Config", plan: Plan, processes: int = 0) -> str:
    """Train; returns the training directory. ``processes``: 0 is one for each GPU, without GPUs one for each node.

    Raises SwaramError: a directory that holds a training already, storage without rights, a node that does not see it,
    and what ends training itself.
    """
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.train.v2.api.exceptions import TrainingFailedError

    home = shared_directory(config, plan.overfit)
    _check_directory(ray, home, plan.resume)
    gpus = int(ray.cluster_resources().get("GPU", 0)) if config.train.device in ("auto", "cuda") else 0
    many = processes or gpus or len([node for node in ray.nodes() if node["Alive"]])
    if config.train.device == "cuda" and not gpus:
        raise ClusterError("train.device is cuda, and the cluster has no GPU; start its nodes with --num-gpus.")
    parent, _, name = home.rpartition("/")
    trainer = TorchTrainer(
        work,
        train_loop_config=vars(plan),
        scaling_config=ScalingConfig(num_workers=many, use_gpu=bool(gpus), placement_strategy="SPREAD"),
        torch_config=TorchConfig(backend="nccl" if gpus else "gloo"),
        run_config=RunConfig(
            name=name,
            **_file_system(parent or "/"),
            failure_config=FailureConfig(max_failures=MAX_FAILURES),
            checkpoint_config=CheckpointConfig(num_to_keep=config.train.keep_checkpoints),
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        raise ClusterError(_sentence(error)) from error
    return home


def _file_system(parent: str) -> dict[str, Any]:
    """Ray's own file systems know fewer storages and other settings than fsspec, so all URLs go through fsspec."""
    if "://" not in parent:
        return {"storage_path": parent}
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    system, path = storage.open_storage(parent)
    return {"storage_path": path, "storage_filesystem": PyFileSystem(FSSpecHandler(system))}


def _check_directory(ray: ModuleType, home: str, resume: bool) -> None:
    if "://" in home:
        storage.check_rights(home, write=True)
        on_every_node(ray, storage.check_rights, home, True)
        system, path = storage.open_storage(home)
        there = any("/step-" in name for name in system.find(path))
    else:
        _check_shared(ray, Path(home))
        there = any(Path(home).glob("step-*/state.json"))
    if there and not resume:
        raise ClusterError(f"{home} holds a training already; --resume goes on with it, or name another directory.")
    if resume and not there:
        raise ClusterError(f"{home} holds no checkpoint to go on from; leave --resume out.")


def _check_shared(ray: ModuleType, home: Path) -> None:
    """Raise ClusterError where a node does not see the folder."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".seen-by-all-", dir=home)
        os.close(handle)
    except OSError as error:
        raise ClusterError(f"{home}: cannot be written to ({error.strerror}); name another output_directory.") from None
    try:
        on_every_node(ray, _may_write, name)
    finally:
        Path(name).unlink(missing_ok=True)


def _may_write(file: str) -> None:
    if not os.access(file, os.W_OK):
        raise ClusterError(
            f"does not see or may not write {Path(file).parent}; name a folder that every node shares, or a URL of "
            "object storage, as train.output_directory."
        )


def _sentence(error: Any) -> str:
    """What ended the training, in one sentence."""
    faults = list(getattr(error, "worker_failures", {}).values()) or [error.__cause__ or error]
    for fault in faults:
        for one in (fault, getattr(fault, "cause", None), fault.__cause__):
            if isinstance(one, SwaramError):
                return str(one)
    lines = [line for line in str(faults[0]).strip().splitlines() if line.strip()]
    return f"the training ended {MAX_FAILURES + 1} times, at last by: {lines[-1].strip() if lines else type(faults[0])}"


def work(plan: dict[str, Any]) -> None:
    """One process of the training, on its machine."""
    import ray.train

    from swaram.config.config import parse_config
    from swaram.training.loop import Limits, train

    told, context = Plan(**plan), ray.train.get_context()
    # Fabric takes rank and size from what torchrun would have set.
    os.environ |= {"TORCHELASTIC_RUN_ID": "ray", "GROUP_RANK": str(context.get_node_rank())}
    config = parse_config(json.loads(told.config))
    _bring_data(config, context.get_local_rank() == 0)
    with tempfile.TemporaryDirectory(prefix="swaram-training-") as place:
        config.train.output_directory = place
        directory = Path(f"{place}-overfit-{told.overfit}") if told.overfit else Path(place)
        resuming = _restore(ray.train.get_checkpoint(), directory)
        listener = None
        if told.evaluate_every:
            from swaram.evaluation.during_training import make_listener

            listener = make_listener(config, told.evaluate_every)
        warm = None if resuming else told.warm_start
        limits = Limits(told.max_steps, told.max_minutes)
        train(config, resuming, warm, limits, told.overfit, listener, _reporter(ray.train, directory))


def _bring_data(config: "Config", first_here: bool) -> None:
    """Prepared data from a URL, once for each machine; the files are named there from then on."""
    from ray.train.collective import barrier

    urls = [key for key in ("training_files", "validation_files") if storage.url_of(getattr(config.data, key))]
    for key in urls:
        folder, _, file = str(storage.url_of(getattr(config.data, key))).rpartition("/")
        if first_here:
            storage.pull(folder, storage.mirror_of(folder))
        setattr(config.data, key, str(storage.mirror_of(folder) / file))
    if urls:
        barrier()


def _restore(checkpoint: Any, directory: Path) -> bool:
    """Lay the newest checkpoint, and the log up to it, into the training directory; whether there was one."""
    from swaram.training.checkpoints import checkpoint_folder

    if checkpoint is None:
        return False
    directory.mkdir(parents=True, exist_ok=True)
    with checkpoint.as_directory() as held:
        step = json.loads((Path(held) / "state.json").read_text(encoding="utf-8"))["step"]
        folder = checkpoint_folder(directory, step)
        shutil.copytree(held, folder)
    for name in BESIDE:
        if (folder / name).exists():
            shutil.move(folder / name, directory / name)
    return True


def _reporter(report: Any, directory: Path) -> Callable[[Path, Any], None]:
    def after_checkpoint(folder: Path, trainer: Any) -> None:
        """Every process reports, the first with the checkpoint; all go on when it lies on the storage."""
        values: dict[str, Any] = {"step": trainer.progress.step, "mel": trainer.progress.best_mel}
        if not trainer.processes.first:
            report.report(values)
            return
        with tempfile.TemporaryDirectory(prefix="swaram-checkpoint-") as place:
            for file in (*folder.iterdir(), *(directory / name for name in BESIDE)):
                if file.is_file():
                    shutil.copy2(file, place)
            checkpoint = report.Checkpoint.from_directory(place)
            report.report(values, checkpoint=checkpoint, checkpoint_dir_name=folder.name)

    return after_checkpoint
