"""What learns: generator, discriminators, their optimizers and the moving average, one update at a time.

One step is one pass of the generator, one pass of the discriminators over recordings and synthesis together, and two
updates from it: where the published code runs the discriminators twice, here both networks learn from the same pass.
"""

from dataclasses import dataclass, field
from pathlib import Path

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
from swaram.training.batches import Batch
from swaram.training.dataset import Dataset
from swaram.training.ema import MovingAverage
from swaram.training.freezing import freeze
from swaram.training.journal import Journal


class TrainingError(SwaramError):
    """A training run that cannot start or go on."""


@dataclass
class Progress:
    """Where a run is; all of it goes into the checkpoint."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    best_mel: float | None = None
    seconds_trained: float = 0.0
    earlier_steps: int = 0
    earlier_seconds: float = 0.0


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
        freeze(self.generator, train.freeze, train.text_steps)
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

    def _set_learning_rates(self) -> None:
        train = self.config.train
        rates = (train.learning_rate, train.discriminator_learning_rate or train.learning_rate)
        for optimizer, rate in zip((self.generator_optimizer, self.discriminator_optimizer), rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * self._schedule()

    def _weights(self) -> dict[str, float]:
        """The configured weights of the losses, with that of kl as far as its warm-up is."""
        train = self.config.train
        warm = min(1.0, (self.progress.step + 1) / train.kl_warmup_steps) if train.kl_warmup_steps else 1.0
        return train.weights.model_dump() | {"kl": train.weights.kl * warm}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision is torch.bfloat16)

    def _inputs(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What both kinds of pass take first: symbols, their lengths, spectrogram, its lengths, speakers."""
        spectrogram = self.spectra.linear(batch.audio)
        return batch.symbols, batch.symbol_lengths, spectrogram, batch.frame_lengths, batch.speaker

    def _alignment_noise(self) -> float:
        train = self.config.train
        return train.alignment_noise * max(0.0, 1 - self.progress.step / train.alignment_noise_steps)

    def _known_durations(self, batch: Batch) -> Tensor | None:
        return batch.durations if self.progress.step < self.config.train.bootstrap_steps else None

    def text_step(self, batch: Batch) -> None:
        """One update of text encoder, flow and durations alone: a third of a step's work, for what learns slowest."""
        self._set_learning_rates()
        with self._autocast():
            prior = self.generator.text_side(
                *self._inputs(batch),
                self._alignment_noise(),
                self._known_durations(batch),
                batch.language,
                batch.style,
            )
        weights = self._weights()
        loss = weights["kl"] * losses.kl(prior) + weights["duration"] * prior.duration_loss
        if not bool(torch.isfinite(loss)):
            raise TrainingError(f"a loss of the text side is not finite at step {self.progress.step}; resume")
        self.generator_optimizer.zero_grad()  # to None, so that the other parts stay where they are
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.generator.parameters(), self.config.train.gradient_clip or float("inf"))
        self.generator_optimizer.step()

    def step(self, batch: Batch) -> dict[str, float]:
        """One update of both networks; returns every loss by name, gradient norms and the learning rate."""
        config, train = self.config, self.config.train
        now = self.progress.step
        self._set_learning_rates()
        with self._autocast():
            prior, output = self.generator(
                *self._inputs(batch),
                train.segment_frames,
                train.segments,
                self._alignment_noise(),
                self._known_durations(batch),
                batch.language,
                batch.style,
            )
            real = validation.cut_audio(
                batch.audio[output.rows], output.starts, train.segment_frames, config.data.hop_length
            )
            scores, features = self.discriminators(torch.cat([real, output.audio]))
        size = len(real)
        real_scores, fake_scores = zip(*(score.split(size) for score in scores), strict=True)
        real_maps = [[feature[:size] for feature in maps] for maps in features]
        fake_maps = [[feature[size:] for feature in maps] for maps in features]

        discriminator_loss = losses.discriminator(list(real_scores), list(fake_scores))
        parts = {
            "mel": losses.mel(self.spectra(real), self.spectra(output.audio)),
            "kl": losses.kl(prior),
            "duration": prior.duration_loss,
            "adversarial": losses.adversarial(list(fake_scores)),
            "feature_matching": losses.feature_matching(real_maps, fake_maps),
        }
        weights = self._weights()
        generator_loss = torch.stack([weights[name] * loss for name, loss in parts.items()]).sum()
        if not bool(torch.isfinite(generator_loss) & torch.isfinite(discriminator_loss)):
            values = {name: float(loss.detach()) for name, loss in parts.items()}
            raise TrainingError(f"a loss is not finite at step {now}: {values}; lower train.learning_rate or resume")

        # Each network's gradients stop at its own parameters, so one graph serves both.
        self.discriminator_optimizer.zero_grad()
        discriminator_loss.backward(inputs=list(self.discriminators.parameters()), retain_graph=True)
        self.generator_optimizer.zero_grad()
        generator_loss.backward(inputs=[p for p in self.generator.parameters() if p.requires_grad])
        clip = train.gradient_clip or float("inf")
        norms = {
            "gradient_discriminator": torch.nn.utils.clip_grad_norm_(self.discriminators.parameters(), clip),
            "gradient_generator": torch.nn.utils.clip_grad_norm_(self.generator.parameters(), clip),
        }
        self.discriminator_optimizer.step()
        self.generator_optimizer.step()
        self.average.update(self.generator, now)
        self.progress.step += 1
        tensors: dict[str, Tensor] = {
            **parts,
            "generator": generator_loss,
            "discriminator": discriminator_loss,
            **norms,
        }
        report = {name: float(value.detach()) for name, value in tensors.items()}
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
            progress.earlier_steps,
            progress.earlier_seconds,
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
        self.progress = Progress(
            info.step,
            info.epoch,
            info.position,
            info.best_mel,
            info.seconds_trained,
            info.earlier_steps,
            info.earlier_seconds,
        )

    def validate(self, journal: Journal, dataset: Dataset) -> float:
        """Write validation losses and sentences to the journal; returns the mel loss. Uses the moving average."""
        model, numbers = self.average.module, {name: i for i, name in enumerate(self.speakers)}
        values = validation.validate(model, self.spectra, dataset, numbers, self.config, self.device)
        journal.losses(self.progress.step, values, "validation")
        sentences = validation.validation_sentences(self.config, dataset, self.symbols)
        for number, (text, ids, speaker, language) in enumerate(sentences):
            spoken = validation.speak(model, self.spectra, ids, text, numbers.get(speaker, 0), language=language)
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
