"""Pseudo-quadrature mirror filters: a signal in bands of equal width, each at a fraction of the rate (Nguyen 1994).

The prototype low-pass is a Kaiser-windowed sinc whose cutoff is found by bisection: at the border of two bands both
must have half of the power, or the sum would not be flat.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KAISER_BETA = 9.0
TAPS_PER_BAND = 16


class FilterBank(nn.Module):
    """Splits audio into ``bands`` and joins them again."""

    split: Tensor
    join: Tensor

    def __init__(self, bands: int):
        super().__init__()
        self.bands = bands
        taps = TAPS_PER_BAND * bands - 2  # one less than the length of a filter
        self.centre = taps // 2
        time = torch.arange(taps + 1, dtype=torch.float64) - self.centre
        band = torch.arange(bands, dtype=torch.float64)[:, None]
        carrier = (2 * band + 1) * math.pi / (2 * bands) * time
        phase = torch.where(band % 2 == 0, 1.0, -1.0) * math.pi / 4
        prototype = 2 * _prototype(time, bands)
        split, join = prototype * torch.cos(carrier + phase), prototype * torch.cos(carrier - phase) * bands
        # A convolution in PyTorch does not turn its kernel around, a transposed one does.
        self.register_buffer("split", split.flip(1).float()[:, None].contiguous(), persistent=False)
        self.register_buffer("join", join.float()[:, None].contiguous(), persistent=False)

    def analyse(self, audio: Tensor) -> Tensor:
        """audio float32 [batch, samples], a multiple of ``bands``, to [batch, bands, samples / bands]."""
        return F.conv1d(audio.unsqueeze(1), self.split, stride=self.bands, padding=self.centre)

    def forward(self, bands: Tensor) -> Tensor:
        """Bands float32 [batch, bands, samples] to audio [batch, samples * bands]."""
        audio = F.conv_transpose1d(
            bands, self.join, stride=self.bands, padding=self.centre, output_padding=self.bands - 1
        )
        return audio.squeeze(1)


def _prototype(time: Tensor, bands: int) -> Tensor:
    """The low-pass filter, float64 [taps + 1], with half of its power left at a quarter of a band's double width."""
    window = torch.kaiser_window(len(time), periodic=False, beta=KAISER_BETA, dtype=torch.float64)
    border = torch.cos(math.pi / (2 * bands) * time)
    low, high = 0.25 / bands, 1.0 / bands
    for _ in range(60):
        cutoff = (low + high) / 2
        taps = torch.sinc(cutoff * time) * cutoff * window
        too_wide = (taps * border).sum() / taps.sum() > math.sqrt(0.5)
        low, high = (low, cutoff) if too_wide else (cutoff, high)
    return taps / taps.sum()
