"""The training loop: ``python train.py -c config.json`` or ``swaram train -c config.json``."""

import copy
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from swaram.config.config import Config
from swaram.text.symbols import SymbolTable
from swaram.training import checkpoints
from swaram.training.batches import BatchOrder, ahead, endless_batches
from swaram.training.dataset import Dataset, load_dataset
from swaram.training.distributed import choose_device, choose_precision
from swaram.training.ema import MovingAverage
from swaram.training.flat_start import FeatureCache, flat_start_durations
from swaram.training.logger import Logger, Throughput
from swaram.training.measured import Measured
from swaram.training.nan_guard import TrainingError
from swaram.training.trainer import Trainer
from swaram.training.warm_start import warm_start

JUDGED = ("adversarial", "feature_matching", "discriminator", "gradient_discriminator")  # not in every step
AfterValidation = Callable[[Trainer, Logger], None]
AfterCheckpoint = Callable[[Path, Trainer], None]


@dataclass
class Limits:
    """When to stop: steps altogether, minutes of this call; None is no limit of its own."""

    max_steps: int | None = None
    max_minutes: float | None = None


def train(
    config: Config,
    resume: bool = False,
    warm: str | None = None,
    limits: Limits | None = None,
    overfit: int | None = None,
    after_validation: AfterValidation | None = None,
    after_checkpoint: AfterCheckpoint | None = None,
) -> Path:
    """Train as the configuration says; returns the last checkpoint's folder.

    ``overfit``: learn only so many clips, the first ones, and validate on the same, in a directory of its own.
    ``after_validation`` is called by the first process after each validation, with the trainer and the logger;
    ``after_checkpoint`` by every process once a checkpoint is whole, with its folder, which only the first one sees
    where processes share no disk.
    Raises SwaramError when the data, the configuration or a checkpoint cannot be used, and when the output directory
    already holds checkpoints but ``resume`` is not set: a run is never overwritten.
    """
    if overfit:
        config = config.model_copy(deep=True)
        config.train.output_directory += f"-overfit-{overfit}"
    directory = Path(config.train.output_directory)
    if not resume and checkpoints.checkpoint_folders(directory):
        raise TrainingError(
            f"{directory} holds a training already; --resume goes on with it, or name another directory"
        )
    trainer, training, validating = assemble(config, overfit)
    folder = checkpoints.find_checkpoint(directory) if resume else None
    if folder:
        trainer.load(folder)
    logger = Logger(directory, trainer.progress.step, silent=not trainer.processes.first)
    logger.info(f"training: {training.summary()}")
    logger.info(f"validation: {validating.summary()}" + ("" if validating.clips else "; nothing will be validated"))
    if folder:
        logger.info(f"resumed from {folder} at step {trainer.progress.step}")
    elif warm:
        started = warm_start(warm, trainer.generator, trainer.discriminators, config, trainer.symbols, trainer.speakers)
        trainer.average = MovingAverage(trainer.generator, config.train.ema_decay, config.train.ema_every)
        trainer.progress.earlier_steps, trainer.progress.earlier_seconds = started.steps, started.seconds
        logger.info(f"warm start from {warm}: {started}")
    try:
        _align(trainer, training, logger)
        return _run(
            trainer, training, validating, logger, directory, limits or Limits(), after_validation, after_checkpoint
        )
    finally:
        logger.close()


def assemble(config: Config, overfit: int | None = None) -> tuple[Trainer, Dataset, Dataset]:
    """Networks, training and validation clips as the configuration says; DataError where there is nothing to train."""
    if config.train.threads:
        torch.set_num_threads(config.train.threads)
    if config.train.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
        torch.use_deterministic_algorithms(True)
    symbols = SymbolTable.for_languages(*config.data.languages)
    training = load_dataset(config.data.training_files, config, symbols)
    if overfit:
        for clip in training.clips[overfit:]:
            training.leave_out(clip, f"--overfit {overfit}")
        validating = training
    else:
        validating = load_dataset(config.data.validation_files, config, symbols, may_be_empty=True)
        unknown = set(validating.speakers) - set(training.speakers)
        for clip in [clip for clip in validating.clips if clip.speaker in unknown]:
            validating.leave_out(clip, "speaker not in the training files")
        learnt = {clip.path for clip in training.clips}
        for clip in [clip for clip in validating.clips if clip.path in learnt]:
            validating.leave_out(clip, "also in the training files")
    device = choose_device(config.train)
    trainer = Trainer(config, symbols, training.speakers, device, choose_precision(config.train, device))
    return trainer, training, validating


def batch_order(trainer: Trainer, training: Dataset) -> BatchOrder:
    """The order in which the configuration sees the training clips."""
    train = trainer.config.train
    frames = np.array([clip.samples // trainer.config.data.hop_length for clip in training.clips])
    speakers = np.array([trainer.speakers.index(clip.speaker) for clip in training.clips])
    return BatchOrder(
        frames,
        train.batch_size,
        train.batch_frames,
        train.seed,
        trainer.processes.size,
        speakers if train.balance_speakers else None,
    )


def _align(trainer: Trainer, training: Dataset, logger: Logger) -> None:
    """Flat-start durations for the first steps, and to cut spans by: the first process makes them, the others read."""
    train, processes = trainer.config.train, trainer.processes
    if trainer.progress.step >= train.bootstrap_steps and not train.spans:
        return
    cache = FeatureCache(Path(train.cache_directory or Path(train.output_directory) / "cache"))
    spectra = copy.deepcopy(trainer.spectra).cpu()
    for turn in (True, False):
        if processes.first is turn:
            symbols = len(trainer.symbols.symbols)
            training.durations = flat_start_durations(training, spectra, symbols, logger.info, cache)
        processes.wait()


def _run(
    trainer: Trainer,
    training: Dataset,
    validating: Dataset,
    logger: Logger,
    directory: Path,
    limits: Limits,
    after_validation: AfterValidation | None,
    after_checkpoint: AfterCheckpoint | None,
) -> Path:
    config, progress, processes = trainer.config, trainer.progress, trainer.processes
    train = config.train
    order = batch_order(trainer, training)
    if progress.order and progress.order != order.digest:
        logger.info(f"other clips or batches than before: epoch {progress.epoch} begins anew")
        progress.position = 0
    progress.order = order.digest
    last_step = min(train.max_steps, limits.max_steps or train.max_steps)
    logger.info(plan(trainer, order) + f", from step {progress.step} to at most {last_step}")
    stopping: list[int] = []
    handlers = {number: signal.signal(number, lambda n, _: stopping.append(n)) for number in _stop_signals()}
    throughput = Throughput(progress.step, last_step, limits.max_minutes)
    saved = time.monotonic()
    folder = checkpoints.checkpoint_folders(directory)[-1:] or [directory]
    numbers = {name: i for i, name in enumerate(trainer.speakers)}
    hop, rank = config.data.hop_length, processes.rank
    place = progress.epoch, progress.position
    batches = endless_batches(training, order, numbers, hop, *place, rank, train)
    if trainer.device.type == "cuda":
        batches = ahead(batches)
    behind, unread = _behind(trainer), deque[Measured]()

    def save() -> tuple[list[Path], float]:
        made = trainer.save(directory)
        if after_checkpoint:
            after_checkpoint(made, trainer)
        return [made], time.monotonic()

    try:
        while progress.step < last_step and not processes.any(bool(stopping) or throughput.time_is_up):
            begun, before = time.monotonic(), progress.step
            epoch, position, batch = next(batches)
            throughput.count(batch)
            unread.append(trainer.launch(batch.to(trainer.device)))
            for _ in range(train.text_steps):
                epoch, position, batch = next(batches)
                throughput.count(batch)
                unread.append(trainer.launch_text(batch.to(trainer.device)))
            progress.epoch, progress.position = epoch, position
            due = progress.step >= last_step or any(
                progress.step % every == 0 for every in (train.log_steps, train.validation_steps)
            )
            _read(trainer, logger, unread, 0 if due else behind)
            progress.seconds_trained += time.monotonic() - begun
            if progress.step == before and not unread:
                continue  # it was left out
            if progress.step % train.log_steps == 0 and progress.unlogged:
                means = _means(progress.unlogged)
                progress.unlogged = {}
                logger.scalars(progress.step, means | throughput.rates(progress.step))
                logger.info(_line(progress.step, progress.epoch, means, throughput.describe(progress.step)))
                throughput.restart(progress.step)
            if validating.clips and progress.step % train.validation_steps == 0:
                with throughput.paused():
                    _read(trainer, logger, unread, 0)
                    _validate(trainer, validating, logger, directory, after_validation)
                    folder, saved = save()
            elif processes.any(time.monotonic() - saved > train.checkpoint_minutes * 60):
                with throughput.paused():
                    _read(trainer, logger, unread, 0)
                    folder, saved = save()
        _read(trainer, logger, unread, 0)
        if not folder[0].name.endswith(f"{progress.step:08d}"):
            folder, saved = save()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    left_out = f", {progress.skipped} updates left out as not finite" if progress.skipped else ""
    hours = progress.seconds_trained / 3600
    logger.info(f"stopped at step {progress.step} after {hours:.2f} hours{left_out}: {folder[0]}")
    return folder[0]


def _behind(trainer: Trainer) -> int:
    """How many updates are launched before the figures of the oldest are read: on a GPU those of a step, so that it
    has the next one by then; elsewhere none."""
    return 1 + trainer.config.train.text_steps if trainer.device.type == "cuda" else 0


def _read(trainer: Trainer, logger: Logger, unread: deque[Measured], behind: int) -> None:
    """Take in the figures of the oldest updates, until ``behind`` are left."""
    while len(unread) > behind:
        measured = unread.popleft()
        values = trainer.read(measured)
        if measured.kind == "text":
            continue
        if values is None:
            logger.info(f"step {trainer.progress.step} left out: not finite; its batch is in {trainer.guard.directory}")
            continue
        sums = Counter(trainer.progress.unlogged)
        sums.update({**values, "steps": 1, "judged": int("discriminator" in values)})  # type: ignore[arg-type]
        trainer.progress.unlogged = dict(sums)


def _validate(
    trainer: Trainer, validating: Dataset, logger: Logger, directory: Path, callback: AfterValidation | None
) -> None:
    mel, progress = trainer.validate(logger, validating), trainer.progress
    better = progress.best_mel is None or mel < progress.best_mel
    progress.best_mel = mel if better else progress.best_mel
    if trainer.processes.first:
        if better:
            checkpoints.mark_best(directory, progress.step)
        if callback:
            callback(trainer, logger)
    trainer.processes.wait()


def plan(trainer: Trainer, order: BatchOrder) -> str:
    """Size of the model, where it is trained, batches an epoch: half a sentence."""
    parameters = sum(p.numel() for p in trainer.generator.parameters()) / 1e6
    several = f" by {trainer.processes.size} processes" if trainer.processes.size > 1 else ""
    precision = str(trainer.precision).removeprefix("torch.")
    return (
        f"{parameters:.2f} M parameters on {trainer.device} in {precision}{several}, "
        f"{len(order.epoch(0))} batches an epoch"
    )


def _stop_signals() -> list[int]:
    # Handlers can only be set in the main thread; elsewhere the limits stop the run.
    main = threading.current_thread() is threading.main_thread()
    return [signal.SIGTERM, signal.SIGINT] if main else []


def _means(sums: dict[str, float]) -> dict[str, float]:
    """Sums of losses over the steps that had them: those of the discriminators over the judged ones."""
    counts = ("steps", "judged")
    return {
        name: total / sums["judged" if name in JUDGED else "steps"]
        for name, total in sums.items()
        if name not in counts
    }


def _line(step: int, epoch: int, means: dict[str, float], throughput: str) -> str:
    names = ("mel", "fine_mel", "kl", "duration", "pitch", "adversarial", "feature_matching", "discriminator")
    parts = "  ".join(f"{name} {means[name]:.3f}" for name in names if name in means)
    return f"step {step}  epoch {epoch}  {parts}  {throughput}"
