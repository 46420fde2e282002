"""Multi-band iSTFT decoder (Kawamura et al. 2022): most of the upsampling is Fourier's and the filter bank's."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.config.model import MultibandConfig
from swaram.model.decoders.bands import FilterBank
from swaram.model.decoders.base import Decoder, Reach, Source
from swaram.model.decoders.fourier import InverseSpectrogram
from swaram.model.decoders.residual import SLOPE, PairedBlock, mean_of, upsampling, weight_norm


class MultibandDecoder(Decoder):
    """HiFi-GAN's blocks to a sixteenth of the sample rate, a small spectrogram for each band, and the bands joined.

    The speaker conditions every upsampling, not only the first layer.
    """

    def __init__(self, config: MultibandConfig, latent: int, condition: int = 0):
        super().__init__()
        channels, self.bands = config.initial_channels, config.bands
        self.conv_pre = weight_norm(nn.Conv1d(latent, channels, 7, padding=3))
        self.conds = nn.ModuleList()
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        self.kinds = len(config.residual_kernels)
        reach = Reach()
        reach.convolution(3, 3)
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernels, strict=True):
            if condition:
                self.conds.append(nn.Conv1d(condition, channels, 1))
            self.ups.append(upsampling(channels, rate, kernel))
            channels //= 2
            reach.upsampling(rate, kernel, (kernel - rate) // 2)
            blocks = [
                PairedBlock(channels, size, dilations)
                for size, dilations in zip(config.residual_kernels, config.residual_dilations, strict=True)
            ]
            self.resblocks.extend(blocks)
            furthest = max(block.reach for block in blocks)
            reach.convolution(furthest, furthest)
        head = nn.Conv1d(channels, self.bands * (config.n_fft + 2), 7, padding=3)
        nn.init.normal_(head.weight, 0.0, 0.01)
        self.conv_post = weight_norm(head)
        self.inverse = InverseSpectrogram(config.n_fft, config.band_hop)
        self.bank = FilterBank(self.bands)
        reach.convolution(3, 3)
        reach.upsampling(config.band_hop, config.n_fft, self.inverse.trim)
        reach.upsampling(self.bands, 2 * self.bank.centre + 1, self.bank.centre)
        self.left_margin, self.right_margin = reach.margins()

    def forward(self, latent: Tensor, conditioning: Tensor | None = None, source: Source | None = None) -> Tensor:
        x = self.conv_pre(latent)
        for index, up in enumerate(self.ups):
            if conditioning is not None and len(self.conds):
                x = x + self.conds[index](conditioning)
            x = up(F.leaky_relu(x, SLOPE))
            x = mean_of(self.resblocks[index * self.kinds : (index + 1) * self.kinds], x)
        x = self.conv_post(F.leaky_relu(x)).float()
        spectrum = x.unflatten(1, (self.bands, -1)).flatten(0, 1)  # (B, bands * (n + 2), T) -> (B * bands, n + 2, T)
        log_magnitude, turn = spectrum.chunk(2, dim=1)
        magnitude, phase = torch.exp(log_magnitude.clamp(max=4.6)), math.pi * torch.sin(turn)
        with torch.autocast(x.device.type, enabled=False):
            bands = self.inverse(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
            return self.bank(bands.unflatten(0, (-1, self.bands)))  # (B * bands, samples) -> (B, bands, samples)
