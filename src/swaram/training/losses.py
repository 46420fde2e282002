"""Losses of VITS (section 2); the names are the configuration's weights and TensorBoard's tags."""

import torch
from torch import Tensor
from torch.nn import functional as F

from swaram.model.vits import Prior


def kl(prior: Prior) -> Tensor:
    """Kullback-Leibler divergence of posterior and prior, one sample of it, in nats a latent frame (equation 4)."""
    difference = prior.z_p - prior.mean_p
    nats = prior.log_deviation_p - prior.log_deviation_q - 0.5
    nats = nats + 0.5 * difference.square() * torch.exp(-2 * prior.log_deviation_p)
    return (nats * prior.mask).sum() / prior.mask.sum()


def pitch(prior: Prior, track: Tensor) -> Tensor:
    """Mean distance in semitones of predicted and recorded pitch; ``track`` [batch, 2, frames]: Hz, 1 where voiced.

    Voiceless frames, whose pitch is drawn from one voiced frame to the next, count a twentieth: it is inaudible.
    """
    assert prior.pitch is not None
    weight = (0.05 + 0.95 * track[:, 1]) * prior.mask[:, 0]
    semitones = 12 * torch.log2(prior.pitch / track[:, 0]).abs()
    return (semitones * weight).sum() / weight.sum()


def adversarial(scores: list[Tensor]) -> Tensor:
    """Least squares: the generator wants scores of 1 (equation 9). Scores [batch, n] of each discriminator."""
    return torch.stack([(1 - score.float()).square().mean() for score in scores]).sum()


def discriminator(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Least squares: 1 for recordings, 0 for synthesis (equation 8)."""
    parts = [(1 - r.float()).square().mean() + f.float().square().mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(parts).sum()


def feature_matching(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Mean absolute difference of every layer's feature maps, summed (equation 10); no gradient to ``real``."""
    # The maps stay in their own format (their gradient is only a sign); the mean is taken in float32.
    parts = [
        (f - r.detach()).abs().mean(dtype=torch.float32)
        for maps_r, maps_f in zip(real, fake, strict=True)
        for r, f in zip(maps_r, maps_f, strict=True)
    ]
    return torch.stack(parts).sum()


def mel(real: Tensor, fake: Tensor) -> Tensor:
    """Mean absolute difference of log mel spectrograms [batch, n_mels, frames] (equation 3)."""
    return F.l1_loss(fake, real)
