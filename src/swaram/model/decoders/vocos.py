"""Frame-rate decoder: the cheapest to train and to run; symmetric, or leaning to the past for streaming."""

import torch
from torch import Tensor, nn

from swaram.config.model import VocosConfig
from swaram.model.decoders.base import Source
from swaram.model.decoders.frame_rate import FrameRateDecoder


class VocosDecoder(FrameRateDecoder):
    """ConvNeXt blocks at frame rate, then magnitude and phase of a spectrogram (Siuzdak 2023, section 3)."""

    def __init__(self, config: VocosConfig, latent: int, hop: int, condition: int = 0):
        super().__init__(config, latent, hop, condition)
        self.head = nn.Linear(config.channels, config.n_fft + 2)
        self._initialise()

    def forward(self, latent: Tensor, conditioning: Tensor | None = None, source: Source | None = None) -> Tensor:
        x = self.head(self.features(latent, conditioning)).float().transpose(-1, -2)  # (B, T, C) -> (B, n_fft + 2, T)
        log_magnitude, phase = x.chunk(2, dim=1)
        # The clip keeps an untrained network from overflowing, as in Vocos.
        magnitude = torch.exp(log_magnitude.clamp(max=4.6))
        with torch.autocast(x.device.type, enabled=False):
            return self.inverse(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
