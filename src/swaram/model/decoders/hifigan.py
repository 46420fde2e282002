"""HiFi-GAN, the published VITS decoder (Kong et al. 2020; section 2.1.3), large or medium by its configuration."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.config.model import HifiganConfig
from swaram.model.decoders.base import Decoder, Reach, Source
from swaram.model.decoders.residual import SLOPE, PairedBlock, SingleBlock, mean_of, upsampling


class HifiganDecoder(Decoder):
    """Transposed convolutions up to the sample rate, residual blocks of several kernels after each."""

    def __init__(self, config: HifiganConfig, latent: int, condition: int = 0):
        super().__init__()
        channels = config.initial_channels
        block = PairedBlock if config.residual_block == "paired" else SingleBlock
        self.conv_pre = nn.Conv1d(latent, channels, 7, padding=3)
        self.cond = nn.Conv1d(condition, channels, 1) if condition else None
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        self.kinds = len(config.residual_kernels)
        reach = Reach()
        reach.convolution(3, 3)
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernels, strict=True):
            self.ups.append(upsampling(channels, rate, kernel))
            channels //= 2
            reach.upsampling(rate, kernel, (kernel - rate) // 2)
            blocks = [
                block(channels, size, dilations)
                for size, dilations in zip(config.residual_kernels, config.residual_dilations, strict=True)
            ]
            self.resblocks.extend(blocks)
            furthest = max(block.reach for block in blocks)
            reach.convolution(furthest, furthest)
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=False)
        reach.convolution(3, 3)
        self.left_margin, self.right_margin = reach.margins()

    def forward(self, latent: Tensor, conditioning: Tensor | None = None, source: Source | None = None) -> Tensor:
        x = self.conv_pre(latent)
        if self.cond is not None and conditioning is not None:
            x = x + self.cond(conditioning)
        for index, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            x = mean_of(self.resblocks[index * self.kinds : (index + 1) * self.kinds], x)
        # The last slope is PyTorch's default, 0.01, as published.
        return torch.tanh(self.conv_post(F.leaky_relu(x)).float()).squeeze(1)
