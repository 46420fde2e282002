"""Pitch from latent frames: what drives the decoders that have a harmonic source.

The latent carries the pitch because this head's loss asks it to, so the text side learns it as part of the prior.
"""

import math

import torch
from torch import Tensor, nn

from swaram.model.layers import ChannelNorm, TimeConv
from swaram.model.voice_constant import VoiceConstant

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
        self.range: VoiceConstant | None = None
        self.centre: VoiceConstant | None = None  # octaves above REFERENCE

    @torch.no_grad()
    def widen(self, factors: Tensor, conditioning: Tensor | None, centres: Tensor) -> float:
        """Make the pitch move so many times as far from its speaker's centre as it was predicted, for inference.

        A prior that is drawn with little noise gives a pitch that is right on average and moves too little, as any
        regression does (global variance, Toda and Tokuda 2007). ``factors`` float32 [voices]; ``conditioning`` float32
        [voices, condition], or None where there is none; ``centres`` float32 [voices] in Hz, of each. Returns how far
        factors and centres (in octaves) that are computed from the conditioning are off at most.
        """
        self.range = VoiceConstant(factors, conditioning)
        self.centre = VoiceConstant(torch.log2(centres.double() / REFERENCE), conditioning)
        return max(self.range.error, self.centre.error)

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
        if self.centre is not None and self.range is not None:
            centre = self.centre(conditioning)
            octaves = centre + self.range(conditioning) * (octaves - centre)
        return (REFERENCE * torch.exp(math.log(2) * octaves)).squeeze(1).clamp(LOWEST, HIGHEST)
