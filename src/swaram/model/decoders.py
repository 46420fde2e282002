"""Decoders: latent frames to samples, swappable; each states how far its output looks (section 2.1.3)."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.config import HifiganConfig, VocosConfig


class Decoder(nn.Module, ABC):
    """latent [batch, latent, frames], conditioning [batch, condition, 1] or None to audio [batch, frames * hop].

    ``margin``: an output frame depends on at most so many latent frames on either side, so that windows decoded
    with that margin join to exactly what one pass gives.
    """

    margin: int

    @abstractmethod
    def forward(self, latent: Tensor, conditioning: Tensor | None = None) -> Tensor: ...


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, normalisation and a two-layer network at each frame (Liu et al. 2022), scaled residual."""

    def __init__(self, channels: int, kernel: int, expansion: int, scale: float):
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, expansion * channels)
        self.project = nn.Linear(expansion * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """x [batch, channels, frames] to the same shape."""
        y = self.depthwise(x).transpose(-1, -2)  # (B, C, T) -> (B, T, C)
        y = self.project(F.gelu(self.expand(self.norm(y)))) * self.scale
        return x + y.transpose(-1, -2)


class InverseSpectrogram(nn.Module):
    """Inverse short-time Fourier transform with a Hann window as two matrix products and shifted additions.

    The cosine part of a frame is even and the sine part odd, so half of each is computed and mirrored. The window and
    its constant overlap are one factor, so every output sample is the same linear function of the frames around it,
    wherever the frame stands: windows of frames join exactly.
    """

    cosines: Tensor
    sines: Tensor
    window: Tensor

    def __init__(self, n_fft: int, hop: int):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        half = n_fft // 2 + 1
        identity = torch.eye(half, dtype=torch.float64)
        cosines = torch.fft.irfft(identity, n=n_fft)[:, :half].T
        sines = torch.fft.irfft(1j * identity, n=n_fft)[:, :half].T
        window = torch.hann_window(n_fft, dtype=torch.float64)
        overlap = window.square().reshape(-1, hop).sum(0)  # constant for a hop of at most a quarter of n_fft
        self.register_buffer("cosines", cosines.float().contiguous(), persistent=False)
        self.register_buffer("sines", sines.float().contiguous(), persistent=False)
        self.register_buffer("window", (window / overlap.mean()).float()[:, None], persistent=False)

    def forward(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """real, imaginary float32 [batch, n_fft / 2 + 1, frames] to audio [batch, frames * hop]."""
        even, odd = self.cosines @ real, self.sines @ imaginary  # (B, n_fft / 2 + 1, T)
        mirrored = (even - odd)[:, 1:-1].flip(1)
        frames = torch.cat([even + odd, mirrored], dim=1) * self.window  # (B, n_fft, T)
        parts = self.n_fft // self.hop
        pieces = frames.unflatten(1, (parts, self.hop))
        padded = [F.pad(pieces[:, i], (i, parts - 1 - i)) for i in range(parts)]
        blocks = torch.stack(padded).sum(0)  # (B, hop, T + parts - 1)
        audio = blocks.transpose(1, 2).flatten(1)
        trim = (self.n_fft - self.hop) // 2
        return audio[:, trim : audio.shape[1] - trim]


class VocosDecoder(Decoder):
    """ConvNeXt blocks at frame rate, then magnitude and phase of a spectrogram (Siuzdak 2023, section 3)."""

    def __init__(self, config: VocosConfig, latent: int, hop: int, condition: int = 0):
        super().__init__()
        channels = config.channels
        self.pre = nn.Conv1d(latent, channels, config.kernel, padding=config.kernel // 2)
        self.cond = nn.Conv1d(condition, channels, 1) if condition else None
        self.norm_in = nn.LayerNorm(channels, eps=1e-6)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(channels, config.kernel, config.expansion, 1 / config.blocks) for _ in range(config.blocks)
        )
        self.norm_out = nn.LayerNorm(channels, eps=1e-6)
        self.head = nn.Linear(channels, config.n_fft + 2)
        self.inverse = InverseSpectrogram(config.n_fft, hop)
        overlap = config.n_fft // hop
        self.margin = (config.blocks + 1) * (config.kernel // 2) + (overlap + 1) // 2
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, latent: Tensor, conditioning: Tensor | None = None) -> Tensor:
        x = self.pre(latent)
        if self.cond is not None and conditioning is not None:
            x = x + self.cond(conditioning)
        x = self.norm_in(x.transpose(-1, -2)).transpose(-1, -2)
        for block in self.blocks:
            x = block(x)
        x = self.head(self.norm_out(x.transpose(-1, -2))).float().transpose(-1, -2)  # (B, T, C) -> (B, n_fft + 2, T)
        log_magnitude, phase = x.chunk(2, dim=1)
        # The clip keeps an untrained network from overflowing, as in Vocos.
        magnitude = torch.exp(log_magnitude.clamp(max=4.6))
        with torch.autocast(x.device.type, enabled=False):
            return self.inverse(magnitude * torch.cos(phase), magnitude * torch.sin(phase))


class ResidualBlock(nn.Module):
    """HiFi-GAN's residual block 1: pairs of dilated and plain convolutions."""

    def __init__(self, channels: int, kernel: int, dilations: list[int]):
        super().__init__()

        def conv(dilation: int) -> nn.Module:
            layer = nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2)
            nn.init.normal_(layer.weight, 0.0, 0.01)
            return nn.utils.parametrizations.weight_norm(layer)

        self.convs1 = nn.ModuleList(conv(dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(conv(1) for _ in dilations)
        self.reach = sum((kernel - 1) * dilation // 2 + (kernel - 1) // 2 for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, 0.1)), 0.1))
        return x


class HifiganDecoder(Decoder):
    """HiFi-GAN V1 generator, the published VITS decoder (Kong et al. 2020; section 2.1.3)."""

    def __init__(self, config: HifiganConfig, latent: int, condition: int = 0):
        super().__init__()
        channels = config.initial_channels
        self.conv_pre = nn.Conv1d(latent, channels, 7, padding=3)
        self.cond = nn.Conv1d(condition, channels, 1) if condition else None
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        self.kinds = len(config.residual_kernels)
        reach, rate = 3.0, 1
        for up, kernel in zip(config.upsample_rates, config.upsample_kernels, strict=True):
            layer = nn.ConvTranspose1d(channels, channels // 2, kernel, up, padding=(kernel - up) // 2)
            nn.init.normal_(layer.weight, 0.0, 0.01)
            self.ups.append(nn.utils.parametrizations.weight_norm(layer))
            channels //= 2
            reach += (kernel / up + 1) / (2 * rate)
            rate *= up
            blocks = [
                ResidualBlock(channels, size, dilations)
                for size, dilations in zip(config.residual_kernels, config.residual_dilations, strict=True)
            ]
            self.resblocks.extend(blocks)
            reach += max(block.reach for block in blocks) / rate
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=False)
        self.margin = int(reach + 3 / rate) + 1

    def forward(self, latent: Tensor, conditioning: Tensor | None = None) -> Tensor:
        x = self.conv_pre(latent)
        if self.cond is not None and conditioning is not None:
            x = x + self.cond(conditioning)
        for index, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            blocks = self.resblocks[index * self.kinds : (index + 1) * self.kinds]
            x = torch.stack([block(x) for block in blocks]).sum(0) / self.kinds
        return torch.tanh(self.conv_post(F.leaky_relu(x)).float()).squeeze(1)


def build_decoder(config: HifiganConfig | VocosConfig, latent: int, hop: int, condition: int = 0) -> Decoder:
    """The decoder that the configuration names; ``latent`` and ``condition`` are channel counts, hop in samples."""
    if isinstance(config, VocosConfig):
        return VocosDecoder(config, latent, hop, condition)
    return HifiganDecoder(config, latent, condition)
