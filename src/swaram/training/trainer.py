"""What learns: generator, discriminators, their optimizers and the moving average, one update at a time.

One step is one pass of the generator, one pass of the discriminators over recordings and synthesis together, and two
updates from it: where the published code runs the discriminators twice, here both networks learn from the same pass.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.profiler import record_function

from swaram.config.config import Config
from swaram.model.discriminators import Discriminators
from swaram.model.spectra import Spectra
from swaram.model.vits import Inputs, Vits
from swaram.text.symbols import SymbolTable
from swaram.training import losses, validation
from swaram.training.batches import Batch
from swaram.training.checkpoints import (
    CheckpointError,
    CheckpointInfo,
    checkpoint_folder,
    optimizer_tensors,
    read_info,
    read_tensors,
    restore_optimizer,
    save_checkpoint,
)
from swaram.training.dataset import Dataset
from swaram.training.distributed import Processes
from swaram.training.ema import MovingAverage
from swaram.training.freezing import freeze
from swaram.training.logger import Journal
from swaram.training.nan_guard import NonFiniteGuard, TrainingError

__all__ = ["Progress", "Trainer", "TrainingError"]


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
    skipped: int = 0  # updates left out because they were not finite
    order: str = ""  # digest of the order of batches that ``position`` is a place in
    unlogged: dict[str, float] = field(default_factory=dict)  # sums of losses since the last line of the journal


@dataclass
class Trainer:
    """Everything that learns, and what it learns from.

    ``device`` and ``precision`` are what is asked for; under ``torchrun`` each process gets a device of its own.
    """

    config: Config
    symbols: SymbolTable
    speakers: list[str]
    device: torch.device
    precision: torch.dtype
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        data, train = self.config.data, self.config.train
        self.processes = Processes(self.device, self.precision)
        self.device = self.processes.device
        self.guard = NonFiniteGuard(Path(train.output_directory), train.skip_limit, self.processes.rank)
        torch.manual_seed(train.seed)
        self.generator = Vits(self.config.model, data, len(self.symbols.symbols), len(self.speakers))
        freeze(self.generator, train.freeze, train.text_steps)
        self.discriminators = Discriminators(self.config.model.discriminator)
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
        self.average = MovingAverage(self.generator, train.ema_decay, train.ema_every)
        self.generator_optimizer = self._optimizer(self.generator, train.learning_rate)
        self.discriminator_optimizer = self._optimizer(
            self.discriminators, train.discriminator_learning_rate or train.learning_rate
        )
        if train.compile and self.device.type == "cuda":
            # Their shapes are the same in every full batch; in place, so that the names of the weights stay.
            self.generator.dec.compile()
            self.discriminators.compile()
        if self.processes.rank:  # the same weights everywhere, other noise in each process
            torch.manual_seed(train.seed + self.processes.rank)

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

    def inputs(self, batch: Batch) -> Inputs:
        """What both kinds of pass take: spectra are made here, on the device."""
        return Inputs(
            batch.symbols,
            batch.symbol_lengths,
            self.spectra.linear(batch.audio),
            batch.frame_lengths,
            batch.speaker,
            batch.language,
            batch.style,
            batch.durations if self.progress.step < self.config.train.bootstrap_steps else None,
            None if batch.pitch is None else batch.pitch[:, 0],
        )

    def _alignment_noise(self) -> float:
        train = self.config.train
        return train.alignment_noise * max(0.0, 1 - self.progress.step / train.alignment_noise_steps)

    def text_step(self, batch: Batch) -> bool:
        """One update of text encoder, flow and durations alone: a third of a step's work, for what learns slowest.

        False where it was left out because it was not finite.
        """
        self._set_learning_rates()
        with self.processes.fabric.autocast():
            prior = self.generator.text_side(self.inputs(batch), self._alignment_noise())
        weights = self._weights()
        parts = {"kl": losses.kl(prior) * batch.shares.frames, "duration": prior.duration_loss * batch.shares.symbols}
        loss = weights["kl"] * parts["kl"] + weights["duration"] * parts["duration"]
        self.generator_optimizer.zero_grad()  # to None, so that the other parts stay where they are
        loss.backward()
        norms = {"gradient_generator": self._clipped(self.generator)}
        values = self._values(parts, norms)
        if not self._finite(values, batch, "text"):
            return False
        self.generator_optimizer.step()
        return True

    def step(self, batch: Batch) -> dict[str, float] | None:
        """One update of both networks; returns every loss by name, gradient norms and the learning rate.

        Of every ``train.adversarial_every`` steps all but the first leave the discriminators out: no loss of theirs.
        None where it was left out because a loss or a gradient was not finite, in this or any other process.
        """
        self._set_learning_rates()
        judge = self.progress.step % self.config.train.adversarial_every == 0
        parts, generator_loss, discriminator_loss = self._losses(batch, judge)
        # Each network's gradients stop at its own parameters, so one graph serves both.
        if discriminator_loss is not None:
            with record_function("discriminators backward"):
                self.discriminator_optimizer.zero_grad()
                discriminator_loss.backward(inputs=list(self.discriminators.parameters()), retain_graph=True)
        with record_function("generator backward"):
            self.generator_optimizer.zero_grad()
            generator_loss.backward(inputs=[p for p in self.generator.parameters() if p.requires_grad])
        with record_function("optimizers"):
            norms = {"gradient_generator": self._clipped(self.generator)}
            parts = parts | {"generator": generator_loss}
            if discriminator_loss is not None:
                norms["gradient_discriminator"] = self._clipped(self.discriminators)
                parts["discriminator"] = discriminator_loss
            values = self._values(parts, norms)
            if not self._finite(values, batch, "step"):
                return None
            if discriminator_loss is not None:
                self.discriminator_optimizer.step()
            self.generator_optimizer.step()
            self.average.update(self.generator, self.progress.step)
        self.progress.step += 1
        return values | {"learning_rate": self.generator_optimizer.param_groups[0]["lr"]}

    def _losses(self, batch: Batch, judge: bool) -> tuple[dict[str, Tensor], Tensor, Tensor | None]:
        """One pass: this process's share of each loss of the generator, its weighted sum, the discriminators' loss."""
        train, utterances = self.config.train, len(batch.symbols)
        decoded = train.decoded(utterances)
        with record_function("forward"), self.processes.fabric.autocast():
            prior, output = self.generator(
                self.inputs(batch),
                train.segment_frames,
                decoded if decoded != utterances else None,
                self._alignment_noise(),
            )
            real = validation.cut_audio(
                batch.audio[output.rows], output.starts, train.segment_frames, self.config.data.hop_length
            )
        parts = {
            "mel": losses.mel(self.spectra(real), self.spectra(output.audio)) * batch.shares.segments,
            "kl": losses.kl(prior) * batch.shares.frames,
            "duration": prior.duration_loss * batch.shares.symbols,
        }
        if batch.pitch is not None:
            parts["pitch"] = losses.pitch(prior, batch.pitch) * batch.shares.frames
        discriminator_loss = None
        if judge:
            fake = output.audio
            seen = train.judged(utterances)
            if seen < len(real):
                chosen = torch.randperm(len(real), device=real.device)[:seen]
                real, fake = real[chosen], fake[chosen]
            judged, discriminator_loss = self._judge(real, fake, batch.shares.judged)
            parts |= judged
        weights = self._weights()
        generator_loss = torch.stack([weights[name] * loss for name, loss in parts.items()]).sum()
        return parts, generator_loss, discriminator_loss

    def _judge(self, real: Tensor, fake: Tensor, share: float) -> tuple[dict[str, Tensor], Tensor]:
        """One pass of the discriminators over recordings and synthesis, both float32 [segments, samples], -1..1.

        ``share`` of the global batch's judged segments scales the losses. Returns those of the generator by name, and
        the discriminators'.
        """
        with record_function("forward"), self.processes.fabric.autocast():
            scores, features = self.discriminators(torch.cat([real, fake]))
        # Whatever a discriminator makes of its batch, recordings are the first half of it.
        real_scores, fake_scores = zip(*(score.chunk(2) for score in scores), strict=True)
        halves = [[feature.chunk(2) for feature in maps] for maps in features]
        real_maps = [[half[0] for half in maps] for maps in halves]
        fake_maps = [[half[1] for half in maps] for maps in halves]
        parts = {
            "adversarial": losses.adversarial(list(fake_scores)) * share,
            "feature_matching": losses.feature_matching(real_maps, fake_maps) * share,
        }
        return parts, losses.discriminator(list(real_scores), list(fake_scores)) * share

    def _clipped(self, module: torch.nn.Module) -> Tensor:
        """Sum the gradients over all processes and clip them; returns their norm before."""
        self.processes.sum_gradients(module.parameters())
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        norm, largest = torch.nn.utils.get_total_norm(gradients), self.config.train.gradient_clip
        # On a GPU asking whether it is too long would wait; elsewhere a pass over all gradients is saved.
        if largest is not None and (norm.is_cuda or not norm <= largest):
            torch.nn.utils.clip_grads_with_norm_(module.parameters(), largest, norm)
        return norm

    def _values(self, parts: dict[str, Tensor], norms: dict[str, Tensor]) -> dict[str, float]:
        """Losses of the global batch and gradient norms as numbers: the one place where a GPU is waited for."""
        shared = self.processes.sum(torch.stack([value.detach().float() for value in parts.values()]))
        numbers = torch.cat([shared, torch.stack(list(norms.values())).float()]).tolist()
        return dict(zip([*parts, *norms], numbers, strict=True))

    def _finite(self, values: dict[str, float], batch: Batch, kind: str) -> bool:
        if all(math.isfinite(value) for value in values.values()):
            self.guard.passed()
            return True
        self.progress.skipped += 1
        self.guard.caught(batch, self.progress.step, kind, values)
        return False

    def state(self) -> tuple[CheckpointInfo, dict[str, dict[str, Tensor]]]:
        """All that ``restore`` needs: what ``state.json`` says, and tensors by file and name.

        Files: generator, discriminator, ema (weights), optimizer (moments and random states). Every process must call
        it; the random states are those of all processes.
        """
        info = CheckpointInfo(config=self.config, symbols=self.symbols, speakers=self.speakers, **vars(self.progress))
        info.unlogged = dict(self.progress.unlogged)
        random = _by_rank("random.cpu", self.processes.gather(torch.get_rng_state()))
        if self.device.type == "cuda":
            random |= _by_rank("random.cuda", self.processes.gather(torch.cuda.get_rng_state(self.device)))
        return info, {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminators.state_dict(),
            "ema": self.average.module.state_dict(),
            "optimizer": random
            | optimizer_tensors(self.generator_optimizer, "generator")
            | optimizer_tensors(self.discriminator_optimizer, "discriminator"),
        }

    def save(self, directory: Path) -> Path:
        """Write a checkpoint from which ``restore`` goes on exactly; every process must call it, the first writes."""
        info, tensors = self.state()
        folder = checkpoint_folder(directory, info.step)
        if self.processes.first:
            folder = save_checkpoint(directory, info, tensors, self.config.train.keep_checkpoints)
        self.processes.wait()
        return folder

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint; CheckpointError where model, symbols, speakers or sound are others."""
        info = read_info(folder)
        same = info.symbols.to_dict() == self.symbols.to_dict() and info.speakers == self.speakers
        if not same or info.config.model != self.config.model:
            raise CheckpointError(
                f"{folder} has another model, symbol table or set of speakers; use --warm-start to take what fits"
            )
        for key in ("languages", "styles", "sample_rate", "hop_length", "n_fft"):
            theirs, ours = getattr(info.config.data, key), getattr(self.config.data, key)
            if theirs != ours:
                raise CheckpointError(
                    f"{folder} was trained with data.{key} {theirs}, this configuration has {ours}; "
                    "put it back to resume"
                )
        self.generator.load_state_dict(read_tensors(folder, "generator"))
        self.discriminators.load_state_dict(read_tensors(folder, "discriminator"))
        self.average.module.load_state_dict(read_tensors(folder, "ema"))
        state = read_tensors(folder, "optimizer")
        restore_optimizer(self.generator_optimizer, "generator", state)
        restore_optimizer(self.discriminator_optimizer, "discriminator", state)
        self._set_random_states(state)
        for name in vars(self.progress):
            setattr(self.progress, name, getattr(info, name))

    def _set_random_states(self, state: dict[str, Tensor]) -> None:
        # A process that was not there before begins with noise of its own.
        rank = self.processes.rank
        ending = f".{rank}" if rank else ""
        if f"random.cpu{ending}" in state:
            torch.set_rng_state(state[f"random.cpu{ending}"])
        else:
            torch.manual_seed(self.config.train.seed + rank + self.progress.step)
        if self.device.type == "cuda" and f"random.cuda{ending}" in state:
            torch.cuda.set_rng_state(state[f"random.cuda{ending}"], self.device)

    def validate(self, journal: Journal, dataset: Dataset) -> float:
        """Write validation losses and sentences to the journal; returns the mel loss. Uses the moving average.

        Every process must call it; the sentences are spoken by the first.
        """
        model, numbers = self.average.module, {name: i for i, name in enumerate(self.speakers)}
        values = validation.validate(
            model, self.discriminators, self.spectra, dataset, numbers, self.config, self.processes
        )
        journal.losses(self.progress.step, values, "validation")
        if not self.processes.first:
            return values["mel"]
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


def _by_rank(name: str, states: list[Tensor]) -> dict[str, Tensor]:
    """The first process's state under the plain name, those of others with their rank."""
    return {f"{name}.{rank}" if rank else name: value for rank, value in enumerate(states)}
