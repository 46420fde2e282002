"""A look at a run before it is made: ``--dry-run`` tries the worst batch and prints the plan, ``--profile`` times it.

Neither writes a checkpoint nor touches one.
"""

import shutil
import sys
import time
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule

from swaram.config.config import Config
from swaram.training.batches import Batch, BatchOrder, collate, endless_batches, shared_out
from swaram.training.dataset import Dataset
from swaram.training.loop import assemble, batch_order, plan
from swaram.training.nan_guard import TrainingError
from swaram.training.trainer import Trainer
from swaram.training.validation import validation_sentences

EPOCHS_LOOKED_AT = 5
GIB = 2**30


def dry_run(config: Config) -> list[str]:
    """Check data and configuration, run a step on the worst batch, and say what a run would be, a line each.

    Under ``torchrun`` only the first process has something to say. Raises SwaramError as the run itself would.
    """
    trainer, training, validating = assemble(config)
    order = batch_order(trainer, training)
    batch = _worst(trainer, training, order)
    sentences = validation_sentences(config, validating, trainer.symbols) if validating.clips else []
    first, second = (_timed(trainer, batch) for _ in range(2))
    train, batches = config.train, len(order.epoch(0))
    epochs = -(-train.max_steps * (1 + train.text_steps) // batches)
    hours = train.max_steps * second / 3600
    size = _checkpoint_bytes(trainer)
    directory = Path(train.output_directory)
    free = shutil.disk_usage(next(path for path in [directory, *directory.absolute().parents] if path.exists())).free
    kept = train.keep_checkpoints + 2  # the best one, and the one being written
    lines = [
        f"training: {training.summary()}",
        f"validation: {validating.summary()}; {len(sentences)} sentences spoken every {train.validation_steps} steps",
        plan(trainer, order),
        f"worst batch of {EPOCHS_LOOKED_AT} epochs: {len(batch.symbols)} utterances, padded to "
        f"{batch.audio.shape[1] // config.data.hop_length} frames and {batch.symbols.shape[1]} symbols",
        f"memory with that batch: {_memory(trainer)}",
        f"a step on it takes {second:.2f} s (the first {first:.2f} s), text steps included",
        f"{train.max_steps} steps are {epochs} epochs and at most {hours:.1f} hours at that speed",
        f"a checkpoint takes {size / GIB:.2f} GiB, {kept} of them {kept * size / GIB:.2f} GiB; "
        f"{free / GIB:.1f} GiB are free for {directory}",
    ]
    if kept * size > free:
        raise TrainingError(
            f"{kept} checkpoints take {kept * size / GIB:.2f} GiB and {free / GIB:.2f} GiB are free for {directory}; "
            "make room or lower train.keep_checkpoints"
        )
    return lines if trainer.processes.first else []


def profile_steps(config: Config, steps: int = 3) -> str:
    """Profile so many steps after two to warm up: the table of what took longest; the trace goes to a file.

    The trace is ``<output_directory>/profile/trace.json``, for chrome://tracing or Perfetto.
    """
    trainer, training, _ = assemble(config)
    numbers = {name: i for i, name in enumerate(trainer.speakers)}
    order = batch_order(trainer, training)
    train, rank = config.train, trainer.processes.rank
    place = config.data.hop_length, 0, 0, rank, train
    batches = endless_batches(training, order, numbers, *place)
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if trainer.device.type == "cuda" else [])
    with profile(activities=activities, schedule=schedule(wait=1, warmup=1, active=steps)) as profiler:
        for _ in range(2 + steps):
            trainer.step(next(batches)[2].to(trainer.device))
            for _ in range(config.train.text_steps):
                trainer.text_step(next(batches)[2].to(trainer.device))
            profiler.step()
    folder = Path(config.train.output_directory) / "profile"
    folder.mkdir(parents=True, exist_ok=True)
    profiler.export_chrome_trace(str(folder / "trace.json"))
    longest = "self_cuda_time_total" if trainer.device.type == "cuda" else "self_cpu_time_total"
    table = profiler.key_averages().table(sort_by=longest, row_limit=25, max_name_column_width=50)
    return f"{table}\n{steps} steps; the trace is {folder / 'trace.json'}"


def _worst(trainer: Trainer, training: Dataset, order: BatchOrder) -> Batch:
    """The batch with most padded frames that this process would see in the first epochs."""
    train, rank = trainer.config.train, trainer.processes.rank
    parts = []
    for epoch in range(EPOCHS_LOOKED_AT):
        for whole in order.epoch(epoch):
            mine, shares = shared_out(training, order, whole, rank, train)
            parts.append((len(mine) * int(order.frames[whole].max()), mine, shares))
    _, mine, shares = max(parts, key=lambda part: part[0])
    numbers = {name: i for i, name in enumerate(trainer.speakers)}
    return collate(training, mine, numbers, trainer.config.data.hop_length, shares=shares).to(trainer.device)


def _timed(trainer: Trainer, batch: Batch) -> float:
    begun = time.monotonic()
    trainer.step(batch)
    for _ in range(trainer.config.train.text_steps):
        trainer.text_step(batch)
    return time.monotonic() - begun


def _memory(trainer: Trainer) -> str:
    if trainer.device.type == "cuda":
        whole = torch.cuda.get_device_properties(trainer.device).total_memory
        return f"{torch.cuda.max_memory_allocated(trainer.device) / GIB:.2f} of {whole / GIB:.1f} GiB of the GPU"
    try:
        import resource
    except ImportError:  # Windows
        return "unknown on this system"
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB:.2f} GiB at most for the whole process"


def _checkpoint_bytes(trainer: Trainer) -> int:
    """Both networks with two moments each, and the average."""
    generator, discriminators = (
        sum(p.numel() * p.element_size() for p in module.parameters())
        for module in (trainer.generator, trainer.discriminators)
    )
    return 4 * generator + 3 * discriminators
