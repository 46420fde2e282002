"""HiFi-GAN's residual blocks and upsampling layers (Kong et al. 2020, section 2.2 and appendix)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1
weight_norm = nn.utils.parametrizations.weight_norm


class PairedBlock(nn.Module):
    """Block 1: pairs of a dilated and a plain convolution. x [batch, channels, time] to the same shape."""

    def __init__(self, channels: int, kernel: int, dilations: list[int]):
        super().__init__()
        self.convs1 = nn.ModuleList(_conv(channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_conv(channels, kernel, 1) for _ in dilations)
        self.reach = sum((kernel - 1) * dilation // 2 + (kernel - 1) // 2 for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class SingleBlock(nn.Module):
    """Block 2: dilated convolutions alone. x [batch, channels, time] to the same shape."""

    def __init__(self, channels: int, kernel: int, dilations: list[int]):
        super().__init__()
        self.convs = nn.ModuleList(_conv(channels, kernel, dilation) for dilation in dilations)
        self.reach = sum((kernel - 1) * dilation // 2 for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = x + conv(F.leaky_relu(x, SLOPE))
        return x


def mean_of(blocks: nn.ModuleList, x: Tensor) -> Tensor:
    """The mean of what several blocks make of x, which is of the same shape."""
    return torch.stack([block(x) for block in blocks]).sum(0) / len(blocks)


def upsampling(channels: int, rate: int, kernel: int) -> nn.Module:
    """[batch, channels, time] to [batch, channels / 2, time * rate]."""
    layer = nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2)
    nn.init.normal_(layer.weight, 0.0, 0.01)
    return weight_norm(layer)


def _conv(channels: int, kernel: int, dilation: int) -> nn.Module:
    layer = nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2)
    nn.init.normal_(layer.weight, 0.0, 0.01)
    return weight_norm(layer)
