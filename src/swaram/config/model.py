"""The architecture, typed: decoders, discriminators, sizes. Defaults are the published VITS (Kim et al. 2021).

A decoder or the discriminators may be named instead of described: ``"decoder": "vocos-causal"``.
"""

from math import prod
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from swaram.config.section import Section


def _check_upsampling(rates: list[int], kernels: list[int], channels: int) -> None:
    if len(rates) != len(kernels):
        raise ValueError("upsample_kernels must have one kernel for each of upsample_rates")
    if any(kernel < rate or (kernel - rate) % 2 for rate, kernel in zip(rates, kernels, strict=True)):
        raise ValueError("each of upsample_kernels must be its upsample rate plus an even number")
    if channels % 2 ** len(rates):
        raise ValueError("initial_channels must be divisible by 2 for each of upsample_rates")


class HifiganConfig(Section):
    """HiFi-GAN decoder (Kong et al. 2020): transposed convolutions and residual blocks at the sample rate."""

    type: Literal["hifigan"] = "hifigan"
    initial_channels: PositiveInt = 512
    upsample_rates: list[PositiveInt] = Field([8, 8, 2, 2])
    upsample_kernels: list[PositiveInt] = Field([16, 16, 4, 4])
    residual_block: Literal["paired", "single"] = Field(
        "paired", description="block 1 of the paper (a plain convolution after each dilated one) or block 2 (none)"
    )
    residual_kernels: list[PositiveInt] = Field([3, 7, 11])
    residual_dilations: list[list[PositiveInt]] = Field([[1, 3, 5], [1, 3, 5], [1, 3, 5]])

    @model_validator(mode="after")
    def check(self) -> "HifiganConfig":
        _check_upsampling(self.upsample_rates, self.upsample_kernels, self.initial_channels)
        if len(self.residual_kernels) != len(self.residual_dilations):
            raise ValueError("residual_dilations must have one list for each of residual_kernels")
        return self

    def misfit(self, hop: int) -> str | None:
        """Why this decoder cannot make ``hop`` samples of a frame; None where it can."""
        if prod(self.upsample_rates) != hop:
            return "the product of model.decoder.upsample_rates must be data.hop_length"
        return None


class MultibandConfig(Section):
    """Multi-band iSTFT decoder (Kawamura et al. 2022): bands by small inverse transforms, joined by a filter bank."""

    type: Literal["multiband"]
    initial_channels: PositiveInt = 512
    upsample_rates: list[PositiveInt] = Field([4, 4])
    upsample_kernels: list[PositiveInt] = Field([16, 16])
    residual_kernels: list[PositiveInt] = Field([3, 7, 11])
    residual_dilations: list[list[PositiveInt]] = Field([[1, 3, 5], [1, 3, 5], [1, 3, 5]])
    bands: Literal[2, 4, 8] = 4
    n_fft: PositiveInt = 16
    band_hop: PositiveInt = 4

    @model_validator(mode="after")
    def check(self) -> "MultibandConfig":
        _check_upsampling(self.upsample_rates, self.upsample_kernels, self.initial_channels)
        if len(self.residual_kernels) != len(self.residual_dilations):
            raise ValueError("residual_dilations must have one list for each of residual_kernels")
        if self.n_fft % self.band_hop or self.n_fft < 4 * self.band_hop:
            raise ValueError("n_fft must be a multiple of band_hop, at least 4 times it")
        return self

    def misfit(self, hop: int) -> str | None:
        """Why this decoder cannot make ``hop`` samples of a frame; None where it can."""
        if prod(self.upsample_rates) * self.band_hop * self.bands != hop:
            return "the product of model.decoder.upsample_rates, band_hop and bands must be data.hop_length"
        return None


class FrameRateConfig(Section):
    """What the decoders at frame rate share: ConvNeXt blocks and one inverse short-time Fourier transform."""

    channels: PositiveInt = 256
    blocks: PositiveInt = 8
    kernel: PositiveInt = 7
    expansion: PositiveInt = 3
    n_fft: PositiveInt = 1024
    lookahead: int | None = Field(
        None, ge=0, description="frames that all convolutions together look ahead; null: as far as they look back"
    )

    @model_validator(mode="after")
    def check(self) -> "FrameRateConfig":
        if self.kernel % 2 == 0:
            raise ValueError("kernel must be odd")
        if self.lookahead is not None and self.lookahead > (self.blocks + 1) * (self.kernel - 1):
            raise ValueError("lookahead must not exceed (blocks + 1) * (kernel - 1), all that there is to look")
        return self

    def misfit(self, hop: int) -> str | None:
        """Why this decoder cannot make ``hop`` samples of a frame; None where it can."""
        if self.n_fft % hop or self.n_fft < 4 * hop:
            return "model.decoder.n_fft must be a multiple of data.hop_length, at least 4 times it"
        return None


class VocosConfig(FrameRateConfig):
    """Frame-rate decoder that makes magnitudes and phases itself (Siuzdak 2023)."""

    type: Literal["vocos"]


class HarmonicConfig(FrameRateConfig):
    """Frame-rate decoder that filters harmonics of a predicted pitch, and noise."""

    type: Literal["harmonic"]
    frames: PositiveInt = Field(
        1, description="transforms of n_fft in a frame of the latent; more of them, and shorter, blur less in time"
    )

    def misfit(self, hop: int) -> str | None:
        """Why this decoder cannot make ``hop`` samples of a frame; None where it can."""
        if hop % self.frames:
            return "data.hop_length must be a multiple of model.decoder.frames"
        step = hop // self.frames
        if self.n_fft % step or self.n_fft < 4 * step:
            return "model.decoder.n_fft must be a multiple of data.hop_length / frames, at least 4 times it"
        return None


DECODERS: dict[str, dict[str, Any]] = {
    "hifigan-large": {"type": "hifigan"},
    "hifigan-medium": {
        "type": "hifigan",
        "initial_channels": 256,
        "upsample_rates": [8, 8, 4],
        "upsample_kernels": [16, 16, 8],
        "residual_block": "single",
        "residual_kernels": [3, 5, 7],
        "residual_dilations": [[1, 2], [2, 6], [3, 12]],
    },
    "multiband": {"type": "multiband"},
    "vocos": {"type": "vocos"},
    "vocos-causal": {"type": "vocos", "lookahead": 2},
    "harmonic": {"type": "harmonic"},
}


class DiscriminatorConfig(Section):
    """Discriminators: of periods (Kong et al. 2020), of the waveform and of spectrograms (Jang et al. 2021)."""

    periods: list[PositiveInt] = Field([2, 3, 5, 7, 11])
    period_channels: list[PositiveInt] = Field([32, 128, 512, 1024, 1024])
    scale: bool = True
    resolutions: list[PositiveInt] = Field(default=[], description="FFT sizes of the spectrogram discriminators")
    resolution_channels: list[PositiveInt] = Field([8, 16, 16, 16])


DISCRIMINATORS: dict[str, dict[str, Any]] = {
    "paper": {},
    "light": {
        "period_channels": [16, 32, 64, 128, 128],
        "scale": False,
        "resolutions": [512, 1024],
        "resolution_channels": [8, 16, 32, 32],
    },
}


def _named(presets: dict[str, dict[str, Any]]) -> BeforeValidator:
    def look_up(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in presets:
            raise ValueError(f"there is no preset {value!r}; choose one of {', '.join(presets)}, or describe it")
        return presets[value]

    return BeforeValidator(look_up)


DecoderConfig = HifiganConfig | MultibandConfig | VocosConfig | HarmonicConfig


class ModelConfig(Section):
    """The generator and the discriminators; the defaults are the published ones."""

    latent_channels: PositiveInt = 192
    hidden_channels: PositiveInt = 192
    filter_channels: PositiveInt = 768
    text_layers: PositiveInt = 6
    text_heads: PositiveInt = 2
    text_kernel: PositiveInt = 3
    text_dropout: float = Field(0.1, ge=0, lt=1)
    attention_window: PositiveInt = 4
    posterior_layers: PositiveInt = 16
    posterior_kernel: PositiveInt = 5
    flow_couplings: PositiveInt = 4
    flow_layers: PositiveInt = 4
    flow_kernel: PositiveInt = 5
    duration_predictor: Literal["stochastic", "plain"] = "stochastic"
    duration_channels: PositiveInt = Field(192, description="of the predictor; published: 192, plain 256")
    duration_sums: bool = Field(
        False,
        description="durations are rounded so that their sum stays right, in place of each upwards; a plain predictor "
        "also learns the sum",
    )
    speaker_channels: PositiveInt = Field(256, description="used when there are several speakers, or styles")
    decoder: Annotated[Annotated[DecoderConfig, Field(discriminator="type")], _named(DECODERS)] = HifiganConfig()
    discriminator: Annotated[DiscriminatorConfig, _named(DISCRIMINATORS)] = DiscriminatorConfig()

    @model_validator(mode="after")
    def check(self) -> "ModelConfig":
        if self.hidden_channels % self.text_heads:
            raise ValueError("hidden_channels must be a multiple of text_heads")
        if self.latent_channels % 2:
            raise ValueError("latent_channels must be even")
        return self
