"""The training loop: ``python train.py -c config.json`` or ``swaram train -c config.json``."""

import copy
import os
import signal
import threading
import time
from collections import Counter
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
from swaram.training.logger import Journal, Pace
from swaram.training.nan_guard import TrainingError
from swaram.training.trainer import Trainer
from swaram.training.warm_start import warm_start

JUDGED = ("adversarial", "feature_matching", "discriminator", "gradient_discriminator")  # not in every step
AfterValidation = Callable[[Trainer, Journal], None]


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
) -> Path:
    """Train as the configuration says; returns the last checkpoint's folder.

    ``overfit``: learn only so many clips, the first ones, and validate on the same, in a directory of its own.
    ``after_validation`` is called by the first process after each validation, with the engine and the journal.
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
    engine, training, validating = assemble(config, overfit)
    folder = checkpoints.find_checkpoint(directory) if resume else None
    if folder:
        engine.restore(folder)
    journal = Journal(directory, engine.progress.step, silent=not engine.processes.first)
    journal.say(f"training: {training.summary()}")
    journal.say(f"validation: {validating.summary()}" + ("" if validating.clips else "; nothing will be validated"))
    if folder:
        journal.say(f"resumed from {folder} at step {engine.progress.step}")
    elif warm:
        started = warm_start(warm, engine.generator, engine.discriminators, config, engine.symbols, engine.speakers)
        engine.average = MovingAverage(engine.generator, config.train.ema_decay, config.train.ema_every)
        engine.progress.earlier_steps, engine.progress.earlier_seconds = started.steps, started.seconds
        journal.say(f"warm start from {warm}: {started}")
    try:
        _align(engine, training, journal)
        return _run(engine, training, validating, journal, directory, limits or Limits(), after_validation)
    finally:
        journal.close()


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
        strangers = set(validating.speakers) - set(training.speakers)
        for clip in [clip for clip in validating.clips if clip.speaker in strangers]:
            validating.leave_out(clip, "speaker not in the training files")
        learnt = {clip.path for clip in training.clips}
        for clip in [clip for clip in validating.clips if clip.path in learnt]:
            validating.leave_out(clip, "also in the training files")
    device = choose_device(config.train)
    engine = Trainer(config, symbols, training.speakers, device, choose_precision(config.train, device))
    return engine, training, validating


def batch_order(engine: Trainer, training: Dataset) -> BatchOrder:
    """The order in which the configuration sees the training clips."""
    train = engine.config.train
    frames = np.array([clip.samples // engine.config.data.hop_length for clip in training.clips])
    speakers = np.array([engine.speakers.index(clip.speaker) for clip in training.clips])
    return BatchOrder(
        frames,
        train.batch_size,
        train.batch_frames,
        train.seed,
        engine.processes.size,
        speakers if train.balance_speakers else None,
    )


def _align(engine: Trainer, training: Dataset, journal: Journal) -> None:
    """Flat-start durations for the first steps: made by the first process, taken from the cache by the others."""
    train, processes = engine.config.train, engine.processes
    if engine.progress.step >= train.bootstrap_steps:
        return
    cache = FeatureCache(Path(train.cache_directory or Path(train.output_directory) / "cache"))
    spectra = copy.deepcopy(engine.spectra).cpu()
    for turn in (True, False):
        if processes.first is turn:
            symbols = len(engine.symbols.symbols)
            training.durations = flat_start_durations(training, spectra, symbols, journal.say, cache)
        processes.wait()


def _run(
    engine: Trainer,
    training: Dataset,
    validating: Dataset,
    journal: Journal,
    directory: Path,
    limits: Limits,
    after_validation: AfterValidation | None,
) -> Path:
    config, progress, processes = engine.config, engine.progress, engine.processes
    train = config.train
    order = batch_order(engine, training)
    if progress.order and progress.order != order.digest:
        journal.say(f"other clips or batches than before: epoch {progress.epoch} begins anew")
        progress.position = 0
    progress.order = order.digest
    last_step = min(train.max_steps, limits.max_steps or train.max_steps)
    journal.say(plan(engine, order) + f", from step {progress.step} to at most {last_step}")
    stopping: list[int] = []
    handlers = {number: signal.signal(number, lambda n, _: stopping.append(n)) for number in _stop_signals()}
    pace = Pace(progress.step, last_step, limits.max_minutes)
    saved = time.monotonic()
    folder = checkpoints.checkpoint_folders(directory)[-1:] or [directory]
    numbers = {name: i for i, name in enumerate(engine.speakers)}
    hop, rank = config.data.hop_length, processes.rank
    place = progress.epoch, progress.position
    batches = endless_batches(training, order, numbers, hop, *place, rank, train)
    if engine.device.type == "cuda":
        batches = ahead(batches)
    try:
        while progress.step < last_step and not processes.any(bool(stopping) or pace.over):
            begun = time.monotonic()
            epoch, position, batch = next(batches)
            pace.count(batch)
            values = engine.step(batch.to(engine.device))
            for _ in range(train.text_steps):
                epoch, position, batch = next(batches)
                pace.count(batch)
                engine.text_step(batch.to(engine.device))
            progress.epoch, progress.position = epoch, position
            progress.seconds_trained += time.monotonic() - begun
            if values is None:
                journal.say(f"step {progress.step} left out: not finite; its batch is in {engine.guard.directory}")
                continue
            sums = Counter(progress.unlogged)
            sums.update({**values, "steps": 1, "judged": int("discriminator" in values)})  # type: ignore[arg-type]
            progress.unlogged = dict(sums)
            if progress.step % train.log_steps == 0:
                means = _means(dict(sums))
                progress.unlogged = {}
                journal.losses(progress.step, means | pace.rates(progress.step))
                journal.say(_line(progress.step, progress.epoch, means, pace.words(progress.step)))
                pace.lap(progress.step)
            if validating.clips and progress.step % train.validation_steps == 0:
                with pace.paused():
                    _validate(engine, validating, journal, directory, after_validation)
                    folder, saved = [engine.save(directory)], time.monotonic()
            elif processes.any(time.monotonic() - saved > train.checkpoint_minutes * 60):
                with pace.paused():
                    folder, saved = [engine.save(directory)], time.monotonic()
        if not folder[0].name.endswith(f"{progress.step:08d}"):
            folder = [engine.save(directory)]
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    left_out = f", {progress.skipped} updates left out as not finite" if progress.skipped else ""
    hours = progress.seconds_trained / 3600
    journal.say(f"stopped at step {progress.step} after {hours:.2f} hours{left_out}: {folder[0]}")
    return folder[0]


def _validate(
    engine: Trainer, validating: Dataset, journal: Journal, directory: Path, callback: AfterValidation | None
) -> None:
    mel, progress = engine.validate(journal, validating), engine.progress
    better = progress.best_mel is None or mel < progress.best_mel
    progress.best_mel = mel if better else progress.best_mel
    if engine.processes.first:
        if better:
            checkpoints.mark_best(directory, progress.step)
        if callback:
            callback(engine, journal)
    engine.processes.wait()


def plan(engine: Trainer, order: BatchOrder) -> str:
    """Size of the model, where it is trained, batches an epoch: half a sentence."""
    parameters = sum(p.numel() for p in engine.generator.parameters()) / 1e6
    several = f" by {engine.processes.size} processes" if engine.processes.size > 1 else ""
    precision = str(engine.precision).removeprefix("torch.")
    return (
        f"{parameters:.2f} M parameters on {engine.device} in {precision}{several}, "
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


def _line(step: int, epoch: int, means: dict[str, float], pace: str) -> str:
    names = ("mel", "kl", "duration", "pitch", "adversarial", "feature_matching", "discriminator")
    parts = "  ".join(f"{name} {means[name]:.3f}" for name in names if name in means)
    return f"step {step}  epoch {epoch}  {parts}  {pace}"
