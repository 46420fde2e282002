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
    Progress,
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
from swaram.training.logger import Logger
from swaram.training.measured import Measured
from swaram.training.nan_guard import NonFiniteGuard, TrainingError

__all__ = ["Progress", "Trainer", "TrainingError"]


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
        self.fine_spectra = [self._fine_spectra(window) for window in train.fine_mel_windows]
        self.average = MovingAverage(self.generator, train.ema_decay, train.ema_every)
        self.generator_optimizer = self._optimizer(self.generator, train.learning_rate)
        self.discriminator_optimizer = self._optimizer(
            self.discriminators, train.discriminator_learning_rate or train.learning_rate
        )
        modules = (self.generator, self.discriminators)
        self._sums = {module: sums for module in modules if (sums := self.processes.gradient_sums(module))}
        if train.compile and self.device.type == "cuda":
            # Their shapes are the same in every full batch; in place, so that the names of the weights stay.
            self.generator.dec.compile()
            self.discriminators.compile()
        if self.processes.rank:  # the same weights everywhere, other noise in each process
            torch.manual_seed(train.seed + self.processes.rank)

    def _fine_spectra(self, window: int) -> Spectra:
        """A mel spectrogram by a shorter window: hops of a quarter, and fewer bands."""
        data = self.config.data
        bands = max(1, round(data.n_mel_channels * math.sqrt(min(1.0, window / data.win_length))))
        spectra = Spectra(data.sample_rate, window, window // 4, window, bands, data.mel_fmin, data.mel_fmax)
        return spectra.to(self.device)

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
        """What the generator takes, with the flat start's durations in the steps that use them."""
        return batch.inputs(self.spectra, self.progress.step < self.config.train.bootstrap_steps)

    def _alignment_noise(self) -> float:
        train = self.config.train
        return train.alignment_noise * max(0.0, 1 - self.progress.step / train.alignment_noise_steps)

    def text_step(self, batch: Batch) -> bool:
        """``launch_text`` and ``read``: False where the update was left out because it was not finite."""
        return self.read(self.launch_text(batch)) is not None

    def launch_text(self, batch: Batch) -> Measured:
        """One update of text encoder, flow and durations alone: a third of a step's work, for what learns slowest."""
        self._set_learning_rates()
        with self.processes.fabric.autocast():
            prior = self.generator.text_side(self.inputs(batch), self._alignment_noise())
        weights = self._weights()
        parts = {"kl": losses.kl(prior) * batch.shares.frames, "duration": prior.duration_loss * batch.shares.symbols}
        loss = weights["kl"] * parts["kl"] + weights["duration"] * parts["duration"]
        self.generator_optimizer.zero_grad()  # to None, so that the other parts stay where they are
        loss.backward()
        norms = {"gradient_generator": self._clipped(self.generator)}
        measured = self._measured(parts, norms, batch, "text")
        self._update(self.generator_optimizer, measured)
        return measured

    def step(self, batch: Batch) -> dict[str, float] | None:
        """``launch`` and ``read``: every loss by name, gradient norms and the learning rate.

        None where the update was left out because a loss or a gradient was not finite, in this or any other process.
        """
        return self.read(self.launch(batch))

    def launch(self, batch: Batch) -> Measured:
        """One update of both networks, whose figures are for ``read``: a GPU may still be at it on return.

        Of every ``train.adversarial_every`` steps all but the first leave the discriminators out: no loss of theirs. A
        batch's ``shares`` of the global batch scale the losses, so that they add up over the processes.
        """
        train, shares, utterances = self.config.train, batch.shares, len(batch.symbols)
        adversarial = self.progress.step % train.adversarial_every == 0
        self._set_learning_rates()

        # The generator: text and speech to the prior and to decoded segments.
        decoded = train.decoded(utterances)
        with record_function("forward"), self.processes.fabric.autocast():
            prior, output = self.generator(
                self.inputs(batch),
                train.segment_frames,
                decoded if decoded != utterances else None,
                self._alignment_noise(),
            )
        fake = output.audio
        real = validation.cut_audio(
            batch.audio[output.rows], output.starts, train.segment_frames, self.config.data.hop_length
        )
        parts = {
            "mel": losses.mel(self.spectra(real), self.spectra(fake)) * shares.segments,
            "kl": losses.kl(prior) * shares.frames,
            "duration": prior.duration_loss * shares.symbols,
        }
        if self.fine_spectra:
            fine = torch.stack([losses.mel(spectra(real), spectra(output.audio)) for spectra in self.fine_spectra])
            parts["fine_mel"] = fine.mean() * batch.shares.segments
        if batch.pitch is not None:
            parts["pitch"] = losses.pitch(prior, batch.pitch) * shares.frames

        # The discriminators: recordings and synthesis in one pass.
        if adversarial:
            seen = train.judged(utterances)
            if seen < len(real):
                chosen = torch.randperm(len(real), device=real.device)[:seen]
                real, fake = real[chosen], fake[chosen]
            with record_function("forward"), self.processes.fabric.autocast():
                real_scores, fake_scores, real_maps, fake_maps = self.discriminators.compare(real, fake)
            parts["adversarial"] = losses.adversarial(fake_scores) * shares.judged
            parts["feature_matching"] = losses.feature_matching(real_maps, fake_maps) * shares.judged
            discriminator_loss = losses.discriminator(real_scores, fake_scores) * shares.judged
        weights = self._weights()
        generator_loss = torch.stack([weights[name] * loss for name, loss in parts.items()]).sum()

        # Each network's gradients stop at its own parameters, so one graph serves both.
        if adversarial:
            with record_function("discriminators backward"):
                self.discriminator_optimizer.zero_grad()
                discriminator_loss.backward(inputs=list(self.discriminators.parameters()), retain_graph=True)
        with record_function("generator backward"):
            self.generator_optimizer.zero_grad()
            generator_loss.backward(inputs=[p for p in self.generator.parameters() if p.requires_grad])

        # The updates, unless something is not finite.
        with record_function("optimizers"):
            norms = {"gradient_generator": self._clipped(self.generator)}
            parts["generator"] = generator_loss
            if adversarial:
                norms["gradient_discriminator"] = self._clipped(self.discriminators)
                parts["discriminator"] = discriminator_loss
            measured = self._measured(parts, norms, batch, "step")
            if adversarial:
                self._update(self.discriminator_optimizer, measured)
            self._update(self.generator_optimizer, measured)
            self.average.update(self.generator, self.progress.step, measured.left_out)
        self.progress.step += 1
        return measured

    def read(self, measured: Measured) -> dict[str, float] | None:
        """The figures of one update, once the device has them; None where the update was left out.

        What was left out is counted, its batch is written, and its step is none. Raises TrainingError where too many
        came in a row. Every update is read once, in the order in which they were launched.
        """
        values = measured.values()
        if all(math.isfinite(value) for value in values.values()):
            self.guard.passed()
            return values | {"learning_rate": measured.learning_rate}
        self.progress.skipped += 1
        self.progress.step -= measured.kind == "step"
        self.guard.caught(measured.batch, self.progress.step, measured.kind, values)
        return None

    def _clipped(self, module: torch.nn.Module) -> Tensor:
        """Sum the gradients over all processes and clip them; returns their norm before."""
        if module in self._sums:
            self._sums[module].finish()
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        norm, largest = torch.nn.utils.get_total_norm(gradients), self.config.train.gradient_clip
        # On a GPU asking whether it is too long would wait; elsewhere a pass over all gradients is saved.
        if largest is not None and (norm.is_cuda or not norm <= largest):
            torch.nn.utils.clip_grads_with_norm_(module.parameters(), largest, norm)
        return norm

    def _measured(self, parts: dict[str, Tensor], norms: dict[str, Tensor], batch: Batch, kind: str) -> Measured:
        """Losses of the global batch and gradient norms, on their way from the device."""
        shared = self.processes.sum(torch.stack([value.detach().float() for value in parts.values()]))
        numbers = torch.cat([shared, torch.stack(list(norms.values())).float()])
        rate = self.generator_optimizer.param_groups[0]["lr"]
        return Measured([*parts, *norms], numbers, batch, kind, rate)

    def _update(self, optimizer: torch.optim.Optimizer, measured: Measured) -> None:
        """An optimizer's step, left out by the device itself where a figure is not finite, as for gradient scalers."""
        optimizer.found_inf = measured.left_out  # type: ignore[attr-defined]
        optimizer.step()

    def state(self) -> tuple[CheckpointInfo, dict[str, dict[str, Tensor]]]:
        """All that ``restore`` needs: what ``state.json`` says, and tensors by group and name.

        Groups: generator, discriminator, ema (weights), optimizer (moments and random states). Every process must call
        it: the random states are those of all of them.
        """
        info = CheckpointInfo(self.config, self.symbols, self.speakers, **vars(self.progress))
        info.unlogged = dict(self.progress.unlogged)
        random = _by_rank("random.cpu", self.processes.gather(torch.get_rng_state()))
        if self.device.type == "cuda":
            random |= _by_rank("random.cuda", self.processes.gather(torch.cuda.get_rng_state(self.device)))
        tensors = {group: module.state_dict() for group, module in self._modules().items()}
        tensors["optimizer"] = random
        for prefix, optimizer in self._optimizers().items():
            tensors["optimizer"] |= optimizer_tensors(optimizer, prefix)
        return info, tensors

    def restore(self, info: CheckpointInfo, tensors: dict[str, dict[str, Tensor]]) -> None:
        """Become what ``state`` was called on; the model must be the same one. Nothing of the arguments is kept."""
        for group, module in self._modules().items():
            module.load_state_dict(tensors[group])
        for prefix, optimizer in self._optimizers().items():
            restore_optimizer(optimizer, prefix, tensors["optimizer"])
        self._set_random_states(tensors["optimizer"], info.step)
        self.progress = info.progress

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminators, "ema": self.average.module}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"generator": self.generator_optimizer, "discriminator": self.discriminator_optimizer}

    def _set_random_states(self, state: dict[str, Tensor], step: int) -> None:
        rank = self.processes.rank
        ending = f".{rank}" if rank else ""
        if f"random.cpu{ending}" in state:
            torch.set_rng_state(state[f"random.cpu{ending}"])
        else:  # a process that was not there before begins with noise of its own
            torch.manual_seed(self.config.train.seed + rank + step)
        if self.device.type == "cuda" and f"random.cuda{ending}" in state:
            torch.cuda.set_rng_state(state[f"random.cuda{ending}"], self.device)

    def save(self, directory: Path) -> Path:
        """Write a checkpoint from which ``load`` goes on exactly; every process must call it, the first writes."""
        info, tensors = self.state()
        folder = checkpoint_folder(directory, info.step)
        if self.processes.first:
            folder = save_checkpoint(directory, info, tensors, self.config.train.keep_checkpoints)
        self.processes.wait()
        return folder

    def load(self, folder: Path) -> None:
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
        self.restore(info, {group: read_tensors(folder, group) for group in (*self._modules(), "optimizer")})

    def validate(self, logger: Logger, dataset: Dataset) -> float:
        """Write validation losses and sentences to the logger; returns the mel loss. Uses the moving average.

        Every process must call it; the sentences are spoken by the first.
        """
        model, numbers = self.average.module, {name: i for i, name in enumerate(self.speakers)}
        values = validation.validate(
            model, self.discriminators, self.spectra, dataset, numbers, self.config, self.processes
        )
        logger.scalars(self.progress.step, values, "validation")
        if not self.processes.first:
            return values["mel"]
        sentences = validation.validation_sentences(self.config, dataset, self.symbols)
        for number, (text, ids, speaker, language) in enumerate(sentences):
            spoken = validation.speak(model, self.spectra, ids, text, numbers.get(speaker, 0), language=language)
            logger.sentence(
                self.progress.step,
                f"sentence_{number}",
                spoken.audio,
                self.config.data.sample_rate,
                spoken.mel,
                spoken.durations,
            )
        logger.info("validation  " + "  ".join(f"{name} {value:.4f}" for name, value in values.items()))
        return values["mel"]


def _by_rank(name: str, states: list[Tensor]) -> dict[str, Tensor]:
    """The first process's state under the plain name, those of others with their rank."""
    return {f"{name}.{rank}" if rank else name: value for rank, value in enumerate(states)}
