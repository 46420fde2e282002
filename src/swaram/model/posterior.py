"""Posterior encoder: linear spectrogram to the latent of training (section 2.1.3, WaveNet residual blocks)."""

import torch
from torch import Tensor, nn

from swaram.model.layers import TimeConv, WaveNet, sequence_mask


class PosteriorEncoder(nn.Module):
    """q(z | spectrogram): mean, log deviation and a sample."""

    def __init__(self, bins: int, latent: int, hidden: int, kernel: int, layers: int, condition: int = 0):
        super().__init__()
        self.pre = TimeConv(bins, hidden, 1)
        self.enc = WaveNet(hidden, kernel, layers, condition)
        self.proj = TimeConv(hidden, 2 * latent, 1)

    def forward(
        self, spectrogram: Tensor, lengths: Tensor, conditioning: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """spectrogram [batch, bins, frames], lengths int64 [batch].

        Returns the sample z, mean and log deviation [batch, latent, frames] in float32, mask [batch, 1, frames].
        """
        mask = sequence_mask(lengths, spectrogram.shape[2])
        x = self.enc(self.pre(spectrogram) * mask, mask, conditioning)
        mean, log_deviation = (self.proj(x) * mask).float().chunk(2, dim=1)
        noise = torch.randn(mean.mT.shape, device=mean.device).mT  # as the mean lies in memory
        z = (mean + noise * log_deviation.exp()) * mask
        return z, mean, log_deviation, mask
