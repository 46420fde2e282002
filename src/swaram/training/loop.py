"""The training loop: ``python train.py -c config.json`` or ``swaram train -c config.json``.

One step is one pass of the generator, one pass of the discriminators over recordings and synthesis together, and two
updates from it: where the published code runs the discriminators twice, here both networks learn from the same pass.
"""

import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from swaram.config import Config
from swaram.errors import SwaramError
from swaram.model.discriminators import Discriminators
from swaram.model.spectra import Spectra
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training import checkpoints, losses, validation
from swaram.training.batches import Batch, BatchOrder, endless_batches
from swaram.training.dataset import Dataset, load_dataset
from swaram.training.ema import MovingAverage
from swaram.training.journal import Journal
from swaram.training.precision import choose_device, choose_precision
from swaram.training.warm_start import warm_start


class TrainingError(SwaramError):
    """A training run that cannot start or go on."""


@dataclass
class Limits:
    """When to stop: steps altogether, minutes of this call; None is no limit of its own."""

    max_steps: int | None = None
    max_minutes: float | None = None


@dataclass
class Progress:
    """Where a run is; all of it goes into the checkpoint."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    best_mel: float | None = None
    seconds_trained: float = 0.0


@dataclass
class Engine:
    """Everything that learns, and what it learns from."""

    config: Config
    symbols: SymbolTable
    speakers: list[str]
    device: torch.device
    precision: torch.dtype
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        data, train = self.config.data, self.config.train
        torch.manual_seed(train.seed)
        self.generator = Vits(self.config.model, data, len(self.symbols.symbols), len(self.speakers))
        self.discriminators = Discriminators(self.config.model.discriminator)
        accelerator = "cuda" if self.device.type == "cuda" else "cpu"
        fabric = Fabric(accelerator=accelerator, devices=1, precision="32-true")
        self.device = fabric.device
        self.generator.to(self.device)
        self.discriminators.to(self.device)
        self.spectra = Spectra(
            data.sample_rate,
            data.n_fft,
            data.hop_length,
            data.win_length,
            data.n_mel_channels,
            data.mel_fmin,
            data.mel_fmax,
        ).to(self.device)
        self.average = MovingAverage(self.generator, train.ema_decay)
        self.generator_optimizer = self._optimizer(self.generator, train.learning_rate)
        self.discriminator_optimizer = self._optimizer(
            self.discriminators, train.discriminator_learning_rate or train.learning_rate
        )

    def _optimizer(self, module: torch.nn.Module, learning_rate: float) -> torch.optim.Optimizer:
        train = self.config.train
        return torch.optim.AdamW(
            module.parameters(),
            lr=learning_rate,
            betas=(train.betas[0], train.betas[1]),
            eps=train.epsilon,
            weight_decay=train.weight_decay,
            fused=True,
        )

    def _schedule(self) -> float:
        """Factor of the learning rates now: warm-up by step, decay by epoch."""
        train = self.config.train
        warm = min(1.0, (self.progress.step + 1) / train.warmup_steps) if train.warmup_steps else 1.0
        return warm * train.learning_rate_decay**self.progress.epoch

    def step(self, batch: Batch) -> dict[str, float]:
        """One update of both networks; returns every loss by name, gradient norms and the learning rate."""
        config, train = self.config, self.config.train
        now = self.progress.step
        noise = train.alignment_noise * max(0.0, 1 - now / train.alignment_noise_steps)
        kl_weight = train.weights.kl * (min(1.0, (now + 1) / train.kl_warmup_steps) if train.kl_warmup_steps else 1.0)
        rates = (train.learning_rate, train.discriminator_learning_rate or train.learning_rate)
        for optimizer, rate in zip((self.generator_optimizer, self.discriminator_optimizer), rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * self._schedule()

        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision is torch.bfloat16):
            output = self.generator(
                batch.symbols,
                batch.symbol_lengths,
                self.spectra.linear(batch.audio),
                batch.frame_lengths,
                batch.speaker,
                train.segment_frames,
                train.segments,
                noise,
            )
            real = validation.cut_audio(batch.audio[output.rows], output.starts, train.segment_frames, config.data.hop_length)
            scores, features = self.discriminators(torch.cat([real, output.audio]))
        size = len(real)
        real_scores, fake_scores = zip(*(score.split(size) for score in scores), strict=True)
        real_maps = [[feature[:size] for feature in maps] for maps in features]
        fake_maps = [[feature[size:] for feature in maps] for maps in features]

        discriminator_loss = losses.discriminator(list(real_scores), list(fake_scores))
        parts = {
            "mel": losses.mel(self.spectra(real), self.spectra(output.audio)),
            "kl": losses.kl(output),
            "duration": output.duration_loss,
            "adversarial": losses.adversarial(list(fake_scores)),
            "feature_matching": losses.feature_matching(real_maps, fake_maps),
        }
        weights = train.weights.model_dump() | {"kl": kl_weight}
        generator_loss = torch.stack([weights[name] * loss for name, loss in parts.items()]).sum()
        if not bool(torch.isfinite(generator_loss) & torch.isfinite(discriminator_loss)):
            values = {name: float(loss.detach()) for name, loss in parts.items()}
            raise TrainingError(f"a loss is not finite at step {now}: {values}; lower train.learning_rate or resume")

        # Each network's gradients stop at its own parameters, so one graph serves both.
        self.discriminator_optimizer.zero_grad()
        discriminator_loss.backward(inputs=list(self.discriminators.parameters()), retain_graph=True)
        self.generator_optimizer.zero_grad()
        generator_loss.backward(inputs=list(self.generator.parameters()))
        clip = train.gradient_clip or float("inf")
        norms = {
            "gradient_discriminator": torch.nn.utils.clip_grad_norm_(self.discriminators.parameters(), clip),
            "gradient_generator": torch.nn.utils.clip_grad_norm_(self.generator.parameters(), clip),
        }
        self.discriminator_optimizer.step()
        self.generator_optimizer.step()
        self.average.update(self.generator, now)
        self.progress.step += 1
        values = {**parts, "generator": generator_loss, "discriminator": discriminator_loss, **norms}
        report = {name: float(value.detach()) for name, value in values.items()}
        return report | {"learning_rate": self.generator_optimizer.param_groups[0]["lr"]}

    def save(self, directory: Path) -> Path:
        """Write a checkpoint from which ``restore`` goes on exactly."""
        progress = self.progress
        info = checkpoints.CheckpointInfo(
            progress.step,
            progress.epoch,
            progress.position,
            self.config,
            self.symbols,
            self.speakers,
            progress.best_mel,
            progress.seconds_trained,
        )
        random = {"random.cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["random.cuda"] = torch.cuda.get_rng_state(self.device)
        tensors: dict[str, dict[str, Tensor]] = {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminators.state_dict(),
            "ema": self.average.module.state_dict(),
            "optimizer": random
            | checkpoints.optimizer_tensors(self.generator_optimizer, "generator")
            | checkpoints.optimizer_tensors(self.discriminator_optimizer, "discriminator"),
        }
        return checkpoints.save_checkpoint(directory, info, tensors, self.config.train.keep_checkpoints)

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint of the same model, symbols and speakers; CheckpointError otherwise."""
        info = checkpoints.read_info(folder)
        same = info.symbols.to_dict() == self.symbols.to_dict() and info.speakers == self.speakers
        if not same or info.config.model != self.config.model:
            raise checkpoints.CheckpointError(
                f"{folder} has another model, symbol table or set of speakers; use --warm-start to take what fits"
            )
        self.generator.load_state_dict(checkpoints.read_tensors(folder, "generator"))
        self.discriminators.load_state_dict(checkpoints.read_tensors(folder, "discriminator"))
        self.average.module.load_state_dict(checkpoints.read_tensors(folder, "ema"))
        state = checkpoints.read_tensors(folder, "optimizer")
        checkpoints.restore_optimizer(self.generator_optimizer, "generator", state)
        checkpoints.restore_optimizer(self.discriminator_optimizer, "discriminator", state)
        torch.set_rng_state(state["random.cpu"])
        if self.device.type == "cuda" and "random.cuda" in state:
            torch.cuda.set_rng_state(state["random.cuda"], self.device)
        self.progress = Progress(info.step, info.epoch, info.position, info.best_mel, info.seconds_trained)

    def validate(self, journal: Journal, dataset: Dataset) -> float:
        """Write validation losses and sentences to the journal; returns the mel loss. Uses the moving average."""
        model, numbers = self.average.module, {name: i for i, name in enumerate(self.speakers)}
        values = validation.validate(model, self.spectra, dataset, numbers, self.config, self.device)
        journal.losses(self.progress.step, values, "validation")
        sentences = validation.validation_sentences(self.config, dataset, self.symbols)
        for number, (text, ids, speaker) in enumerate(sentences):
            spoken = validation.speak(model, self.spectra, ids, text, numbers.get(speaker, 0))
            journal.sentence(
                self.progress.step,
                f"sentence_{number}",
                spoken.audio,
                self.config.data.sample_rate,
                spoken.mel,
                spoken.durations,
            )
        journal.say("validation  " + "  ".join(f"{name} {value:.4f}" for name, value in values.items()))
        return values["mel"]


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
        journal.say(f"warm start from {warm}: {started.taken} tensors taken, {len(started.left)} left")
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
    import threading

    # Handlers can only be set in the main thread; elsewhere the limits stop the run.
    main = threading.current_thread() is threading.main_thread()
    return [signal.SIGTERM, signal.SIGINT] if main else []


def _line(progress: Progress, means: dict[str, float], seconds: float) -> str:
    names = ("mel", "kl", "duration", "adversarial", "feature_matching", "discriminator")
    parts = "  ".join(f"{name} {means[name]:.3f}" for name in names)
    return f"step {progress.step}  epoch {progress.epoch}  {parts}  {seconds:.2f} s/step"
