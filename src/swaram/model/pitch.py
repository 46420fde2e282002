"""Pitch from latent frames: what drives the decoders that have a harmonic source.

The latent carries the pitch because this head's loss asks it to, so the text side learns it as part of the prior.
"""

import math

import torch
from torch import Tensor, nn

from swaram.model.layers import ChannelNorm, TimeConv

REFERENCE = 150.0  # Hz
LOWEST, HIGHEST = 50.0, 700.0  # Hz, of what is ever given out


class PitchPredictor(nn.Module):
    """Two convolutions over latent frames. ``margin``: frames on either side that a frame's pitch depends on."""

    def __init__(self, latent: int, hidden: int, kernel: int, condition: int = 0):
        super().__init__()
        self.margin = 2 * (kernel // 2)
        self.conv_1 = TimeConv(latent, hidden, kernel, padding=kernel // 2)
        self.norm_1 = ChannelNorm(hidden)
        self.conv_2 = TimeConv(hidden, hidden, kernel, padding=kernel // 2)
        self.norm_2 = ChannelNorm(hidden)
        self.proj = TimeConv(hidden, 1, 1)
        self.cond = nn.Conv1d(condition, hidden, 1) if condition else None
        self.range = 1.0
        self.centre: Tensor | None = None  # float32 [condition + 1]: weights and bias of the octaves above REFERENCE

    @torch.no_grad()
    def widen(self, factor: float, conditioning: Tensor | None, centres: Tensor) -> float:
        """Make the pitch move ``factor`` times as far from its speaker's centre as it was predicted, for inference.

        A prior that is drawn with little noise gives a pitch that is right on average and moves too little, as any
        regression does (global variance, Toda and Tokuda 2007). ``conditioning`` float32 [voices, condition], or None
        where there is none; ``centres`` float32 [voices] in Hz, of each. Returns how many octaves the centre that is
        computed from the conditioning is off at most.
        """
        octaves = torch.log2(centres.double() / REFERENCE)
        known = torch.zeros(len(octaves), 0) if conditioning is None else conditioning
        known = torch.cat([known.double(), torch.ones(len(octaves), 1, dtype=torch.float64)], dim=1)
        solution = torch.linalg.pinv(known) @ octaves
        self.range, self.centre = factor, solution.float()
        return float((known @ solution - octaves).abs().max())

    def forward(self, latent: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """latent [batch, latent, frames], conditioning [batch, condition, 1] or None, to Hz, float32 [batch, frames].

        Voiceless frames have a pitch too; how loud the harmonics are is for the decoder to say.
        """
        x = self.conv_1(latent)
        if self.cond is not None and conditioning is not None:
            x = x + self.cond(conditioning)
        x = self.norm_1(torch.relu(x))
        x = self.norm_2(torch.relu(self.conv_2(x)))
        octaves = self.proj(x).float()
        if self.centre is not None:
            centre = self.centre[-1]
            if conditioning is not None:
                centre = centre + (self.centre[:-1].view(1, -1, 1) * conditioning).sum(1, keepdim=True)
            octaves = centre + self.range * (octaves - centre)
        return (REFERENCE * torch.exp(math.log(2) * octaves)).squeeze(1).clamp(LOWEST, HIGHEST)
