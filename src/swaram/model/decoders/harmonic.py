"""Frame-rate decoder that filters a source instead of inventing phases: harmonics of the pitch, and noise."""

import math

import torch
from torch import Tensor, nn

from swaram.config.model import HarmonicConfig
from swaram.model.decoders.base import Source
from swaram.model.decoders.fourier import Spectrogram
from swaram.model.decoders.frame_rate import FrameRateDecoder
from swaram.model.decoders.source import STRENGTH, pulses
from swaram.model.pitch import REFERENCE

# Standard deviation of the noise in each part of a bin: white noise of deviation 0.1 has it in a Hann window of 1,024.
NOISE = 1.386
# How much of a voiced sound is noise, in dB of its power at 3 kHz: what D4C (Morise 2016) finds on average in Malayalam
# recordings (-5 to -2.7 by speaker), and drawn on as D4C draws it: straight from -60 dB at 0 Hz, and to 0 dB at 8 kHz.
NOISE_AT_3_KHZ = -4.0
INITIAL_LOG_GAIN = -2.0
HIGHEST_LOG_GAIN = 4.0
NOISE_DEVIATION = 0.1  # of the white noise that is analysed, where there are several frames


class HarmonicDecoder(FrameRateDecoder):
    """The spectrograms of a harmonic source and of noise, each scaled bin by bin by what ConvNeXt blocks say.

    The phases are those of the source, so the pitch is right from the first step on, and a frame-rate network has only
    magnitudes to learn. The harmonic part holds noise that grows with the frequency, as voices do: the mel loss alone
    would rather have harmonics everywhere, since they hold still.

    With one transform in a frame of the latent the noise is drawn bin by bin; with several (``config.frames``) it comes
    as samples, ``hop`` a frame, and is analysed as the pulses are: overlapping frames then share their noise.
    """

    tone: Tensor
    breath: Tensor

    def __init__(self, config: HarmonicConfig, latent: int, hop: int, sample_rate: int, condition: int = 0):
        super().__init__(config, latent, hop, condition, config.frames)
        self.hop, self.sample_rate, self.frames = hop, sample_rate, config.frames
        self.noise_channels = config.n_fft + 2 if config.frames == 1 else hop
        self.pitch = nn.Conv1d(1, config.channels, 1)
        self.gains = nn.Linear(config.channels, config.frames * (config.n_fft + 2))
        self.analysis = Spectrogram(config.n_fft, hop // config.frames)
        share = noise_share(config.n_fft, sample_rate)[None, :, None]
        # Mean magnitude of the source in a part of a bin, at a pitch of 1 Hz (a Hann window is 1.5 bins wide), and what
        # overlapping frames that know nothing of each other lose in the inverse.
        level = 0.25 * STRENGTH * config.n_fft * math.sqrt(0.5 * 1.5 * sample_rate / config.n_fft)
        level *= math.sqrt(config.n_fft / hop)
        if config.frames > 1:  # harmonics have the power of half of STRENGTH^2 in each band of the pitch's width
            level = STRENGTH / NOISE_DEVIATION * math.sqrt(sample_rate / 4)
        self.register_buffer("tone", torch.sqrt(1 - share), persistent=False)
        self.register_buffer("breath", level * torch.sqrt(share), persistent=False)
        # A gliding pitch looks a frame to each side, its spectrogram as far as half a window, the inverse again.
        reach = 1 + (2 * (config.n_fft // hop // 2) if config.frames == 1 else -(-config.n_fft // hop))
        self.left_margin, self.right_margin = max(self.left_margin, reach), max(self.right_margin, reach)
        self._initialise()

    def forward(self, latent: Tensor, conditioning: Tensor | None = None, source: Source | None = None) -> Tensor:
        if source is None:
            raise ValueError("a harmonic decoder needs its source: pitch, phase and noise")
        octaves = (torch.log(source.pitch / REFERENCE) / math.log(2)).unsqueeze(1)
        x = self.gains(self.features(latent, conditioning, self.pitch(octaves))).float()
        if self.frames > 1:
            return self._of_several(x.unflatten(2, (self.frames, -1)).flatten(1, 2).transpose(-1, -2), source)
        x = x.transpose(-1, -2)
        with torch.autocast(x.device.type, enabled=False):
            voiced, noisy = torch.exp((x + INITIAL_LOG_GAIN).clamp(max=HIGHEST_LOG_GAIN)).chunk(2, dim=1)
            real, imaginary = self.analysis(pulses(source.pitch, source.phase, self.hop, self.sample_rate))
            noisy = NOISE * noisy + voiced * self.breath * torch.rsqrt(source.pitch).unsqueeze(1)
            voiced = voiced * self.tone
            noise_real, noise_imaginary = source.noise.chunk(2, dim=1)
            return self.inverse(
                voiced * real + noisy * noise_real,
                voiced * imaginary + noisy * noise_imaginary,
            )

    def _of_several(self, x: Tensor, source: Source) -> Tensor:
        """The same for logarithms of gains [batch, n_fft + 2, frames of the transform]."""
        with torch.autocast(x.device.type, enabled=False):
            voiced, noisy = torch.exp((x + INITIAL_LOG_GAIN).clamp(max=HIGHEST_LOG_GAIN)).chunk(2, dim=1)
            # (B, hop, T) -> (B, T * hop), sample by sample
            noise = NOISE_DEVIATION * source.noise.transpose(-1, -2).flatten(1)
            tone = pulses(source.pitch, source.phase, self.hop, self.sample_rate)
            real, imaginary = self.analysis(torch.cat([tone, noise]))
            (tone_real, noise_real), (tone_imaginary, noise_imaginary) = real.chunk(2), imaginary.chunk(2)
            pitch = source.pitch.unsqueeze(2).expand(-1, -1, self.frames).flatten(1).unsqueeze(1)
            noisy = noisy + voiced * self.breath * torch.rsqrt(pitch)
            voiced = voiced * self.tone
            return self.inverse(
                voiced * tone_real + noisy * noise_real,
                voiced * tone_imaginary + noisy * noise_imaginary,
            )


def resampled_gains(value: Tensor, theirs: HarmonicConfig, ours: HarmonicConfig, hop: int, *, is_bias: bool) -> Tensor:
    """What the last layer of a decoder with other transforms can take of one: the gains at the same frequencies.

    ``value``: weight [outputs, channels] or bias [outputs] of ``gains``; of several frames the first one is taken.
    Noise that overlapping frames do not share loses power in the inverse, shared noise does not: the bias makes up.
    """
    half = theirs.n_fft // 2 + 1
    place = torch.linspace(0, half - 1, ours.n_fft // 2 + 1, dtype=value.dtype)
    low = place.floor().long().clamp(max=half - 2)
    share = (place - low).view(-1, *[1] * (value.dim() - 1))
    parts = [part[low] * (1 - share) + part[low + 1] * share for part in value[: 2 * half].split(half)]
    if is_bias and (theirs.frames == 1) != (ours.frames == 1):
        loss = 0.5 * math.log((theirs if theirs.frames == 1 else ours).n_fft / hop)
        parts[1] = parts[1] - (loss if theirs.frames == 1 else -loss)
    return torch.cat(parts).repeat(ours.frames, *[1] * (value.dim() - 1))


def noise_share(n_fft: int, sample_rate: int) -> Tensor:
    """How much of the power of a voiced sound is noise, 0..1, in each bin: float32 [n_fft / 2 + 1]."""
    kilohertz = torch.linspace(0, sample_rate / 2000, n_fft // 2 + 1)
    below = -60 + (60 + NOISE_AT_3_KHZ) * kilohertz / 3
    above = NOISE_AT_3_KHZ * (8 - kilohertz) / 5
    return 10 ** (torch.where(kilohertz < 3, below, above).clamp(max=0) / 10)
