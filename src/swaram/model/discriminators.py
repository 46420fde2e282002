"""Discriminators of the adversarial training (section 2.3): of periods, of the waveform, of spectrograms.

Each maps audio [batch, samples] to its scores and to the feature maps of every layer, for feature matching.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.config.model import DiscriminatorConfig
from swaram.model import cpu

Layer = Callable[[Tensor], Tensor]
AlongRows = Callable[[Any, Tensor], Tensor]

weight_norm = nn.utils.parametrizations.weight_norm


def _score(convs: Iterable[Layer], conv_post: Layer, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Run the layers; the scores [batch, n] and every layer's output."""
    features = []
    for conv in convs:
        x = F.leaky_relu(conv(x), 0.1)
        features.append(x)
    features.append(conv_post(x))
    return features[-1].flatten(1), features


class PeriodDiscriminator(nn.Module):
    """Sees the samples folded into rows of ``period`` (Kong et al. 2020)."""

    def __init__(self, period: int, channels: list[int]):
        super().__init__()
        self.period = period
        self.wide = max(channels) >= 512
        sizes = [1, *channels]
        strides = [3] * (len(channels) - 1) + [1]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(sizes[i], sizes[i + 1], (5, 1), (stride, 1), (2, 0)))
            for i, stride in enumerate(strides)
        )
        self.conv_post = weight_norm(nn.Conv2d(sizes[-1], 1, (3, 1), 1, (1, 0)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = audio.unsqueeze(1)
        x = F.pad(x, (0, -x.shape[2] % self.period), mode="reflect")
        # Each of the columns is a signal of its own: (B, 1, samples) -> (B * period, rows, 1). The kernels are one
        # sample wide, so this is the same, and on CPUs up to twice as fast as two dimensions (docs/benchmarks.md).
        x = x.unflatten(2, (-1, self.period)).permute(0, 3, 2, 1).flatten(0, 1)
        along_rows: AlongRows = _convolutions if not cpu.by_hand(x) else _products if self.wide else _images
        score, features = _score(
            [partial(along_rows, conv) for conv in self.convs], partial(along_rows, self.conv_post), x
        )
        return score.reshape(len(audio), -1), features


def _convolutions(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """x [batch, rows, channels] through a kernel one sample wide, in one dimension, to the same form."""
    out = F.conv1d(x.transpose(1, 2), conv.weight.squeeze(-1), conv.bias, conv.stride[0], conv.padding[0])
    return out.transpose(1, 2)


def _images(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """The same as an image of one row whose channels lie together: for few channels a third faster on CPUs."""
    weight, stride = conv.weight.squeeze(-1).unsqueeze(2), (1, conv.stride[0])
    out = F.conv2d(x.transpose(1, 2).unsqueeze(2), weight, conv.bias, stride, (0, int(conv.padding[0])))
    return out.squeeze(2).transpose(1, 2)


def _products(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """The same as one matrix product: for hundreds of channels a quarter faster on CPUs than a convolution."""
    weight = conv.weight.squeeze(-1)  # (out, in, kernel)
    if weight.shape[1] < 16:
        return _convolutions(conv, x)
    kernel, stride, padding = weight.shape[2], conv.stride[0], int(conv.padding[0])
    x = F.pad(x, (0, 0, padding, padding))
    rows = (x.shape[1] - kernel) // stride + 1
    windows = torch.cat([x[:, k : k + stride * (rows - 1) + 1 : stride] for k in range(kernel)], dim=2)
    return F.linear(windows, weight.transpose(1, 2).flatten(1), conv.bias)


class ScaleDiscriminator(nn.Module):
    """Sees the waveform through strided grouped convolutions (Kumar et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        shapes = [  # in, out, kernel, stride, groups, padding
            (1, 16, 15, 1, 1, 7),
            (16, 64, 41, 4, 4, 20),
            (64, 256, 41, 4, 16, 20),
            (256, 1024, 41, 4, 64, 20),
            (1024, 1024, 41, 4, 256, 20),
            (1024, 1024, 5, 1, 1, 2),
        ]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv1d(a, b, kernel, stride, padding, groups=groups))
            for a, b, kernel, stride, groups, padding in shapes
        )
        self.conv_post = weight_norm(nn.Conv1d(1024, 1, 3, 1, 1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = audio.unsqueeze(1)
        return _score(self.convs, self.conv_post, x)


class SpectrogramDiscriminator(nn.Module):
    """Sees the complex spectrogram at one resolution (after Jang et al. 2021 and Défossez et al. 2022)."""

    window: Tensor

    def __init__(self, n_fft: int, channels: list[int]):
        super().__init__()
        self.n_fft, self.hop = n_fft, n_fft // 2
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        sizes = [2, *channels]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(sizes[i], sizes[i + 1], (9, 3), (2, 1), (4, 1))) for i in range(len(channels))
        )
        self.conv_post = weight_norm(nn.Conv2d(sizes[-1], 1, (3, 3), 1, (1, 1)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        with torch.autocast(audio.device.type, enabled=False):
            spectrum = torch.stft(
                audio.float(),
                self.n_fft,
                self.hop,
                self.n_fft,
                self.window,
                normalized=True,
                return_complex=True,
            )
            x = torch.view_as_real(spectrum).permute(0, 3, 1, 2).contiguous()  # (B, bins, T, 2) -> (B, 2, bins, T)
        return _score(self.convs, self.conv_post, x)


class Discriminators(nn.Module):
    """All the discriminators that the configuration names; the scale first, as in the published checkpoints."""

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        parts: list[nn.Module] = [ScaleDiscriminator()] if config.scale else []
        parts += [PeriodDiscriminator(period, config.period_channels) for period in config.periods]
        parts += [SpectrogramDiscriminator(size, config.resolution_channels) for size in config.resolutions]
        self.discriminators = nn.ModuleList(parts)

    def forward(self, audio: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """audio [batch, samples] to a list of scores [batch, n] and a list of feature maps for each discriminator."""
        scores, features = [], []
        for discriminator in self.discriminators:
            score, maps = discriminator(audio)
            scores.append(score)
            features.append(maps)
        return scores, features

    def compare(
        self, real: Tensor, fake: Tensor
    ) -> tuple[list[Tensor], list[Tensor], list[list[Tensor]], list[list[Tensor]]]:
        """One pass over recordings and synthesis together, both float32 [segments, samples], -1..1.

        Returns scores of the recordings, scores of the synthesis, feature maps of the one and of the other.
        """
        scores, features = self(torch.cat([real, fake]))
        # Whatever shape a discriminator gives its batch, recordings are the first half of it.
        real_scores, fake_scores = zip(*(score.chunk(2) for score in scores), strict=True)
        halves = [[feature.chunk(2) for feature in maps] for maps in features]
        real_maps, fake_maps = ([[half[side] for half in maps] for maps in halves] for side in (0, 1))
        return list(real_scores), list(fake_scores), real_maps, fake_maps
