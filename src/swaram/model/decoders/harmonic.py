"""Frame-rate decoder that filters a source instead of inventing phases: harmonics of the pitch, and noise."""

import math

import torch
from torch import Tensor, nn

from swaram.model.decoders.base import Source
from swaram.model.decoders.frame_rate import FrameRateDecoder
from swaram.model.decoders.inverse import Spectrogram
from swaram.model.decoders.source import pulses
from swaram.model.pitch import REFERENCE
from swaram.model.settings import HarmonicConfig

# Standard deviation of the noise in each part of a bin: white noise of deviation 0.1 has it in a Hann window of 1,024.
NOISE = 1.386
INITIAL_LOG_GAIN = -2.0
HIGHEST_LOG_GAIN = 4.0


class HarmonicDecoder(FrameRateDecoder):
    """The spectrograms of a harmonic source and of noise, each scaled bin by bin by what ConvNeXt blocks say.

    The phases are those of the source, so the pitch is right from the first step on, and a frame-rate network has only
    magnitudes to learn.
    """

    def __init__(self, config: HarmonicConfig, latent: int, hop: int, sample_rate: int, condition: int = 0):
        super().__init__(config, latent, hop, condition)
        self.hop, self.sample_rate, self.noise_channels = hop, sample_rate, config.n_fft + 2
        self.pitch = nn.Conv1d(1, config.channels, 1)
        self.gains = nn.Linear(config.channels, config.n_fft + 2)
        self.analysis = Spectrogram(config.n_fft, hop)
        # A gliding pitch looks a frame to each side, its spectrogram as far as half a window, the inverse again.
        reach = 1 + 2 * (config.n_fft // hop // 2)
        self.left_margin, self.right_margin = max(self.left_margin, reach), max(self.right_margin, reach)
        self._initialise()

    def forward(self, latent: Tensor, conditioning: Tensor | None = None, source: Source | None = None) -> Tensor:
        if source is None:
            raise ValueError("a harmonic decoder needs its source: pitch, phase and noise")
        octaves = (torch.log(source.pitch / REFERENCE) / math.log(2)).unsqueeze(1)
        x = self.gains(self.features(latent, conditioning, self.pitch(octaves))).float().transpose(-1, -2)
        with torch.autocast(x.device.type, enabled=False):
            voiced, noisy = torch.exp((x + INITIAL_LOG_GAIN).clamp(max=HIGHEST_LOG_GAIN)).chunk(2, dim=1)
            real, imaginary = self.analysis(pulses(source.pitch, source.phase, self.hop, self.sample_rate))
            noise_real, noise_imaginary = (NOISE * source.noise).chunk(2, dim=1)
            return self.inverse(
                voiced * real + noisy * noise_real,
                voiced * imaginary + noisy * noise_imaginary,
            )
