"""The training loop: ``python train.py -c config.json`` or ``swaram train -c config.json``."""

import copy
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from swaram.config import Config
from swaram.text.symbols import SymbolTable
from swaram.training import checkpoints
from swaram.training.batches import BatchOrder, endless_batches
from swaram.training.bootstrap import flat_start_durations
from swaram.training.dataset import Dataset, load_dataset
from swaram.training.ema import MovingAverage
from swaram.training.engine import Engine, Progress, TrainingError
from swaram.training.journal import Journal
from swaram.training.precision import choose_device, choose_precision
from swaram.training.warm_start import warm_start


@dataclass
class Limits:
    """When to stop: steps altogether, minutes of this call; None is no limit of its own."""

    max_steps: int | None = None
    max_minutes: float | None = None


def train(config: Config, resume: bool = False, warm: str | None = None, limits: Limits | None = None) -> Path:
    """Train as the configuration says; returns the last checkpoint's folder.

    Raises SwaramError when the data, the configuration or a checkpoint cannot be used, and when the output directory
    already holds checkpoints but ``resume`` is not set: a run is never overwritten.
    """
    limits = limits or Limits()
    directory = Path(config.train.output_directory)
    if not resume and checkpoints.checkpoint_folders(directory):
        raise TrainingError(
            f"{directory} holds a training already; --resume goes on with it, or name another directory"
        )
    if config.train.threads:
        torch.set_num_threads(config.train.threads)
    symbols = SymbolTable.for_languages(*config.data.languages)
    training = load_dataset(config.data.training_files, config, symbols)
    validating = load_dataset(config.data.validation_files, config, symbols, may_be_empty=True)
    strangers = sorted(set(validating.speakers) - set(training.speakers))
    for clip in [clip for clip in validating.clips if clip.speaker in strangers]:
        validating.leave_out(clip, "speaker not in the training files")
    device = choose_device(config.train)
    engine = Engine(config, symbols, training.speakers, device, choose_precision(config.train, device))
    journal = Journal(directory)
    journal.say(f"training: {training.summary()}")
    journal.say(f"validation: {validating.summary()}" + ("" if validating.clips else "; nothing will be validated"))
    if resume:
        folder = checkpoints.find_checkpoint(directory)
        engine.restore(folder)
        journal.say(f"resumed from {folder} at step {engine.progress.step}")
    elif warm:
        started = warm_start(warm, engine.generator, engine.discriminators, config, symbols, engine.speakers)
        engine.average = MovingAverage(engine.generator, config.train.ema_decay)
        engine.progress.earlier_steps, engine.progress.earlier_seconds = started.steps, started.seconds
        journal.say(f"warm start from {warm}: {started.taken} tensors taken, {len(started.left)} left")
    if engine.progress.step < config.train.bootstrap_steps:
        spectra = copy.deepcopy(engine.spectra).cpu()
        training.durations = flat_start_durations(training, spectra, len(symbols.symbols), journal.say)
    try:
        return _run(engine, training, validating, journal, directory, limits)
    finally:
        journal.close()


def _run(
    engine: Engine, training: Dataset, validating: Dataset, journal: Journal, directory: Path, limits: Limits
) -> Path:
    config, progress = engine.config, engine.progress
    train = config.train
    frames = np.array([clip.samples // config.data.hop_length for clip in training.clips])
    order = BatchOrder(frames, train.batch_size, train.batch_frames, train.seed)
    numbers = {name: i for i, name in enumerate(engine.speakers)}
    last_step = min(train.max_steps, limits.max_steps or train.max_steps)
    parameters = sum(p.numel() for p in engine.generator.parameters()) / 1e6
    journal.say(
        f"{parameters:.2f} M parameters on {engine.device} in {str(engine.precision).removeprefix('torch.')}, "
        f"{len(order.epoch(0))} batches an epoch, from step {progress.step} to at most {last_step}"
    )
    stopping: list[int] = []
    handlers = {number: signal.signal(number, lambda n, _: stopping.append(n)) for number in _stop_signals()}
    begun = saved = logged = time.monotonic()
    sums: Counter[str] = Counter()
    folder = checkpoints.checkpoint_folders(directory)[-1:] or [directory]
    try:
        batches = endless_batches(training, order, numbers, config.data.hop_length, progress.epoch, progress.position)
        while progress.step < last_step and not stopping:
            if limits.max_minutes is not None and time.monotonic() - begun > limits.max_minutes * 60:
                break
            step_begun = time.monotonic()
            epoch, position, batch = next(batches)
            values = engine.step(batch.to(engine.device))
            for _ in range(train.text_steps):
                epoch, position, batch = next(batches)
                engine.text_step(batch.to(engine.device))
            progress.epoch, progress.position = epoch, position
            progress.seconds_trained += time.monotonic() - step_begun
            sums.update({**values, "steps": 1})  # type: ignore[arg-type]
            if progress.step % train.log_steps == 0:
                seconds = (time.monotonic() - logged) / sums["steps"]
                means = {name: total / sums["steps"] for name, total in sums.items() if name != "steps"}
                journal.losses(progress.step, means | {"seconds_per_step": seconds})
                journal.say(_line(progress, means, seconds))
                sums.clear()
                logged = time.monotonic()
            if validating.clips and progress.step % train.validation_steps == 0:
                mel = engine.validate(journal, validating)
                better = progress.best_mel is None or mel < progress.best_mel
                progress.best_mel = mel if better else progress.best_mel
                if better:
                    checkpoints.mark_best(directory, progress.step)
                folder, saved = [engine.save(directory)], time.monotonic()
                logged = time.monotonic()
            elif time.monotonic() - saved > train.checkpoint_minutes * 60:
                folder, saved = [engine.save(directory)], time.monotonic()
        if not folder[0].name.endswith(f"{progress.step:08d}"):
            folder = [engine.save(directory)]
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    journal.say(f"stopped at step {progress.step} after {progress.seconds_trained / 3600:.2f} hours: {folder[0]}")
    return folder[0]


def _stop_signals() -> list[int]:
    # Handlers can only be set in the main thread; elsewhere the limits stop the run.
    main = threading.current_thread() is threading.main_thread()
    return [signal.SIGTERM, signal.SIGINT] if main else []


def _line(progress: Progress, means: dict[str, float], seconds: float) -> str:
    names = ("mel", "kl", "duration", "adversarial", "feature_matching", "discriminator")
    parts = "  ".join(f"{name} {means[name]:.3f}" for name in names)
    return f"step {progress.step}  epoch {progress.epoch}  {parts}  {seconds:.2f} s/step"
