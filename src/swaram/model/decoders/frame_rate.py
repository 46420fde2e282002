"""The body of the decoders that work at frame rate: ConvNeXt blocks (Siuzdak 2023, section 3)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.config.model import FrameRateConfig
from swaram.model.decoders.base import Decoder, Reach
from swaram.model.decoders.fourier import InverseSpectrogram
from swaram.model.layers import TimeConv


class LeaningConv(TimeConv):
    """A convolution over frames that looks ``ahead`` frames ahead and kernel - 1 - ahead back."""

    def __init__(self, channels: int, outputs: int, kernel: int, ahead: int, groups: int = 1):
        super().__init__(channels, outputs, kernel, padding=ahead if 2 * ahead == kernel - 1 else 0, groups=groups)
        self.sides = (kernel - 1 - ahead, ahead)

    def forward(self, x: Tensor) -> Tensor:
        """x [batch, channels, frames] to [batch, outputs, frames]."""
        return super().forward(x if self.padding[0] else F.pad(x, self.sides))


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, normalisation and a two-layer network at each frame (Liu et al. 2022), scaled residual."""

    def __init__(self, channels: int, kernel: int, ahead: int, expansion: int, scale: float):
        super().__init__()
        self.depthwise = LeaningConv(channels, channels, kernel, ahead, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, expansion * channels)
        self.project = nn.Linear(expansion * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """x [batch, channels, frames] to the same shape."""
        y = self.depthwise(x).transpose(-1, -2)  # (B, C, T) -> (B, T, C)
        y = self.project(F.gelu(self.expand(self.norm(y)))) * self.scale
        return x + y.transpose(-1, -2)


class FrameRateDecoder(Decoder):
    """Everything but the last layer, which says what the features of a frame mean, and the inverse transform.

    ``frames``: how many frames of the inverse transform the last layer makes of one of the latent.
    """

    def __init__(self, config: FrameRateConfig, latent: int, hop: int, condition: int = 0, frames: int = 1):
        super().__init__()
        channels, kernel = config.channels, config.kernel
        ahead = _shares(config)
        self.pre = LeaningConv(latent, channels, kernel, ahead[0])
        self.cond = nn.Conv1d(condition, channels, 1) if condition else None
        self.norm_in = nn.LayerNorm(channels, eps=1e-6)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(channels, kernel, share, config.expansion, 1 / config.blocks) for share in ahead[1:]
        )
        self.norm_out = nn.LayerNorm(channels, eps=1e-6)
        self.inverse = InverseSpectrogram(config.n_fft, hop // frames)
        reach = Reach()
        for share in ahead:
            reach.convolution(kernel - 1 - share, share)
        reach.upsampling(frames, frames, 0)
        reach.upsampling(hop // frames, config.n_fft, self.inverse.trim)
        self.left_margin, self.right_margin = reach.margins()

    def features(self, latent: Tensor, conditioning: Tensor | None, more: Tensor | None = None) -> Tensor:
        """latent [batch, latent, frames] to [batch, frames, channels]; ``more`` [batch, channels, frames] is added."""
        x = self.pre(latent)
        if self.cond is not None and conditioning is not None:
            x = x + self.cond(conditioning)
        if more is not None:
            x = x + more
        x = self.norm_in(x.transpose(-1, -2)).transpose(-1, -2)
        for block in self.blocks:
            x = block(x)
        return self.norm_out(x.transpose(-1, -2))  # (B, C, T) -> (B, T, C)

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def _shares(config: FrameRateConfig) -> list[int]:
    """Frames that each convolution looks ahead: half of its kernel, or ``lookahead`` spent by the first ones."""
    half = config.kernel // 2
    if config.lookahead is None:
        return [half] * (config.blocks + 1)
    shares, left = [], config.lookahead
    for _ in range(config.blocks + 1):
        shares.append(min(left, config.kernel - 1))
        left -= shares[-1]
    return shares
