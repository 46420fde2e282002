"""The one configuration tree: typed, loaded from ``config.json``, with the mission's names.

The defaults are the published VITS configuration (Kim et al. 2021, appendix B), so that a preset says only what
differs. An unknown key or a wrong type is an error that names the key and the nearest right one.
"""

import math
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from swaram.config.files import LayerError, read_layers
from swaram.config.model import (
    DiscriminatorConfig,
    HarmonicConfig,
    HifiganConfig,
    ModelConfig,
    MultibandConfig,
    VocosConfig,
)
from swaram.config.prepare import PrepareSettings
from swaram.config.section import Section
from swaram.errors import SwaramError
from swaram.validation import first_problem

__all__ = [
    "Config",
    "ConfigError",
    "DataConfig",
    "DiscriminatorConfig",
    "HarmonicConfig",
    "HifiganConfig",
    "LossWeights",
    "ModelConfig",
    "MultibandConfig",
    "TrainConfig",
    "VocosConfig",
    "load_config",
    "parse_config",
]


_DECODERS: dict[str, type[Section]] = {
    "hifigan": HifiganConfig,
    "multiband": MultibandConfig,
    "vocos": VocosConfig,
    "harmonic": HarmonicConfig,
}


class ConfigError(SwaramError):
    """A configuration that cannot be used; the message names the key."""


class LossWeights(Section):
    """Weight of each generator loss; the names are those of the losses and of the TensorBoard tags."""

    mel: float = 45.0
    fine_mel: float = Field(30.0, description="of the mel losses with train.fine_mel_windows, their mean")
    kl: float = 1.0
    duration: float = 1.0
    pitch: float = Field(1.0, description="of models whose decoder has a harmonic source; a semitone's error is 1")
    adversarial: float = 1.0
    feature_matching: float = 2.0


FrozenPart = Literal["text_encoder", "posterior_encoder", "flow", "durations", "pitch", "decoder", "speakers", "styles"]


class TrainConfig(Section):
    """How to train; times in the units that the names say."""

    output_directory: str = "logs/voice"
    seed: int = 1234
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    threads: int = Field(0, ge=0, description="CPU threads, 0 for all cores")
    deterministic: bool = Field(False, description="only operations that give the same bits each time")
    compile: bool = Field(False, description="torch.compile of decoder and discriminators, on CUDA only")
    learning_rate: PositiveFloat = 2e-4
    discriminator_learning_rate: PositiveFloat | None = Field(None, description="null: as learning_rate")
    betas: list[float] = Field([0.8, 0.99], min_length=2, max_length=2)
    epsilon: PositiveFloat = 1e-9
    weight_decay: float = Field(0.01, ge=0)
    learning_rate_decay: PositiveFloat = Field(0.999875, le=1, description="factor an epoch")
    warmup_steps: int = Field(0, ge=0)
    batch_size: PositiveInt = 64
    batch_frames: PositiveInt | None = Field(None, description="at most so many padded frames in a batch of a process")
    balance_speakers: bool = Field(False, description="as many clips of each speaker in an epoch")
    segment_frames: PositiveInt = 32
    segments: PositiveInt | None = Field(
        None,
        description="decode so many segments of a batch, several of an utterance where it is more; null: one of every "
        "utterance, as published",
    )
    segments_per_utterance: PositiveFloat | None = Field(
        None,
        description="the same by the size of a batch: so many for each utterance, rounded up; in place of segments",
    )
    discriminator_segments: PositiveInt | None = Field(
        None, description="the discriminators judge at most so many of the decoded segments; null: all, as published"
    )
    discriminator_segments_per_utterance: PositiveFloat | None = Field(
        None, description="the same by the size of a batch, rounded up; in place of discriminator_segments"
    )
    adversarial_every: PositiveInt = Field(
        1, description="every n-th step has discriminators, the others learn to reconstruct; 1 as published"
    )
    text_steps: int = Field(
        0, ge=0, description="after each step, so many cheap updates of text encoder, flow and durations alone"
    )
    spans: float = Field(
        0.0, ge=0, le=1, description="of so much of the utterances only a random stretch of words is taken"
    )
    max_steps: PositiveInt = 800_000
    gradient_clip: PositiveFloat | None = Field(1000.0, description="largest norm of the gradient")
    skip_limit: PositiveInt = Field(10, description="updates in a row that may be left out for not being finite")
    ema_decay: float = Field(0.9995, ge=0, lt=1)
    ema_every: PositiveInt = 1  # steps; the average moves once for all of them
    bootstrap_steps: int = Field(
        0, ge=0, description="steps that use a flat-start alignment instead of the search; 0 as published"
    )
    alignment_noise: float = Field(0.0, ge=0, description="noise scale of the alignment search at step 0")
    alignment_noise_steps: PositiveInt = Field(5000, description="steps over which that noise falls to 0")
    kl_warmup_steps: int = Field(0, ge=0, description="steps over which the weight of kl rises from 0")
    cache_directory: str | None = Field(None, description="features kept by content; null: cache in output_directory")
    log_steps: PositiveInt = 50
    validation_steps: PositiveInt = 2000
    checkpoint_minutes: PositiveFloat = 10.0
    keep_checkpoints: PositiveInt = 2
    validation_sentences: list[str] = Field(
        default=[], description="texts spoken at each validation; empty: the first of the validation files"
    )
    weights: LossWeights = LossWeights()
    fine_mel_windows: list[PositiveInt] = Field(
        default=[], description="samples of further, shorter windows of the mel loss: what long ones blur in time"
    )
    freeze: list[FrozenPart] = Field(default=[], description="parts of the generator that keep their weights")

    @model_validator(mode="after")
    def check(self) -> "TrainConfig":
        for name in ("segments", "discriminator_segments"):
            if getattr(self, name) is not None and getattr(self, f"{name}_per_utterance") is not None:
                raise ValueError(f"{name} and {name}_per_utterance exclude each other; leave one of them out")
        return self

    def decoded(self, utterances: int) -> int:
        """How many segments of so many utterances are decoded."""
        if self.segments_per_utterance is not None:
            return math.ceil(self.segments_per_utterance * utterances)
        return self.segments or utterances

    def judged(self, utterances: int) -> int:
        """How many of them the discriminators see."""
        decoded, most = self.decoded(utterances), self.discriminator_segments
        if self.discriminator_segments_per_utterance is not None:
            most = math.ceil(self.discriminator_segments_per_utterance * utterances)
        return min(decoded, most or decoded)


class DataConfig(Section):
    """What to train on and how audio becomes spectra."""

    training_files: str = "data/train_metadata.csv"
    validation_files: str = "data/val_metadata.csv"
    languages: list[str] = Field(["ml"], min_length=1)
    styles: list[str] = Field(default=[], description="styles of the manifest to learn; any other counts as none")
    sample_rate: PositiveInt = 22050
    n_fft: PositiveInt = 1024
    hop_length: PositiveInt = 256
    win_length: PositiveInt = 1024
    n_mel_channels: PositiveInt = 80
    mel_fmin: float = Field(0.0, ge=0)
    mel_fmax: PositiveFloat | None = Field(None, description="null: half of the sample rate")
    min_frames: PositiveInt = 32
    max_frames: PositiveInt = 1000
    max_symbols: PositiveInt = 400


class Config(Section):
    """The whole tree, as it stands in ``config.json``, in every checkpoint and nowhere else."""

    prepare: PrepareSettings = PrepareSettings()
    train: TrainConfig = TrainConfig()
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()

    @model_validator(mode="after")
    def check(self) -> "Config":
        misfit = self.model.decoder.misfit(self.data.hop_length)
        if misfit:
            raise ValueError(misfit)
        if self.train.segment_frames > self.data.min_frames:
            raise ValueError("train.segment_frames must not exceed data.min_frames")
        return self


def load_config(path: str | Path) -> Config:
    """Read a configuration file, and those that it extends (``swaram.config.files``).

    Raises ConfigError in one sentence: a missing or unreadable file, an unknown key (with the nearest right one),
    a wrong type or value.
    """
    try:
        raw = read_layers(Path(path))
    except LayerError as error:
        raise ConfigError(str(error)) from None
    return parse_config(raw, str(path))


def parse_config(raw: object, where: str = "configuration") -> Config:
    """Check a configuration that was read from JSON; ``where`` names it in the ConfigError."""
    if not isinstance(raw, dict):
        raise ConfigError(f"{where} must hold an object with the keys prepare, train, data and model")
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_problem(error, Config)}") from None
