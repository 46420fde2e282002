"""The harmonic source: all harmonics of a pitch that glides from frame to frame, with a phase that is carried along.

Nothing is learnt here. A frame's pitch holds at its middle and glides to the next frame's; the sum of the first K
harmonics of equal strength has a closed form (Dirichlet's kernel), so the cost does not depend on K. Harmonic plus
noise synthesis with predicted pitch follows the neural source-filter models (Wang, Takaki and Yamagishi 2019).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

STRENGTH = 0.1  # amplitude of each harmonic
HIGHEST = 0.4875  # of the sample rate; no harmonic above, so that nothing is folded back


def borders(pitch: Tensor) -> tuple[Tensor, Tensor]:
    """pitch [batch, frames], Hz, to the pitch where each frame begins and where it ends, of the same shape."""
    padded = torch.cat([pitch[:, :1], pitch, pitch[:, -1:]], dim=1)
    between = 0.5 * (padded[:, :-1] + padded[:, 1:])
    return between[:, :-1], between[:, 1:]


def carried_phase(pitch: Tensor, hop: int, sample_rate: int) -> Tensor:
    """pitch [batch, frames], Hz, to the phase in turns, 0..1, where each frame begins; the first begins at 0.

    A frame's phase depends on no frame after it, so the pitch may come in pieces.
    """
    first, last = borders(pitch.double())
    turns = 0.5 * (first + last) * (hop / sample_rate)
    before = F.pad(turns.cumsum(1)[:, :-1], (1, 0))
    return (before - before.floor()).float()


def pulses(pitch: Tensor, phase: Tensor, hop: int, sample_rate: int) -> Tensor:
    """pitch in Hz and phase in turns, float32 [batch, frames], to audio [batch, frames * hop]."""
    first, last = borders(pitch)
    n = torch.arange(hop, device=pitch.device, dtype=torch.float32)
    glide = (last - first).unsqueeze(2) * (0.5 / hop / sample_rate)
    turns = phase.unsqueeze(2) + first.unsqueeze(2) * (n / sample_rate) + glide * n.square()  # (B, T, hop)
    turns = turns - torch.round(turns)
    harmonics = torch.floor(HIGHEST * sample_rate / torch.maximum(first, last)).unsqueeze(2)
    order = 2 * harmonics + 1
    # Where a pulse stands both sines are nearly 0, and their quotient is the order.
    apart = turns.abs() > 1e-6
    angle = math.pi * torch.where(apart, turns, torch.full_like(turns, 0.25))
    kernel = torch.where(apart, torch.sin(order * angle) / torch.sin(angle), order.expand_as(turns))
    return (0.5 * STRENGTH * (kernel - 1)).flatten(1)
