"""Linear and mel spectrograms in PyTorch, always float32; the mel scale is Slaney's, as in the published code."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def hz_to_mel(hz: Tensor) -> Tensor:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    linear = hz * 3 / 200
    return torch.where(hz < 1000, linear, 15 + torch.log(hz.clamp(min=1) / 1000) * 27 / math.log(6.4))


def mel_to_hz(mel: Tensor) -> Tensor:
    """The inverse of ``hz_to_mel``."""
    return torch.where(mel < 15, mel * 200 / 3, 1000 * torch.exp((mel - 15) * math.log(6.4) / 27))


def mel_filters(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> Tensor:
    """Triangular filters of equal area, float32 [n_mels, n_fft / 2 + 1]."""
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    ends = hz_to_mel(torch.tensor([fmin, fmax], dtype=torch.float64))
    edges = mel_to_hz(torch.linspace(float(ends[0]), float(ends[1]), n_mels + 2, dtype=torch.float64))
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    return (torch.minimum(rising, falling).clamp(min=0) * 2 / (right - left)).float()


class Spectra(nn.Module):
    """Spectrograms of audio with one set of parameters; frame t is centred on sample (t + 0.5) * hop."""

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: int,
        n_fft: int,
        hop: int,
        win: int,
        n_mels: int,
        fmin: float = 0,
        fmax: float | None = None,
    ):
        super().__init__()
        self.sample_rate, self.n_fft, self.hop, self.win = sample_rate, n_fft, hop, win
        before = (n_fft - win) // 2
        window = F.pad(torch.hann_window(win), (before, n_fft - win - before))
        self.register_buffer("window", window, persistent=False)
        filters = mel_filters(sample_rate, n_fft, n_mels, fmin, fmax or sample_rate / 2)
        self.register_buffer("filters", filters, persistent=False)

    def linear(self, audio: Tensor) -> Tensor:
        """audio float32 [batch, samples], -1..1, to magnitudes float32 [batch, n_fft / 2 + 1, samples // hop]."""
        with torch.autocast(audio.device.type, enabled=False):
            edge = (self.n_fft - self.hop) // 2
            x = F.pad(audio.float().unsqueeze(1), (edge, edge), mode="reflect").squeeze(1)
            frames = x.unfold(1, self.n_fft, self.hop) * self.window  # (B, T, n_fft)
            spectrum = torch.fft.rfft(frames)
            power = torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)
            return torch.sqrt(power + 1e-6).transpose(-1, -2)  # (B, T, bins) -> (B, bins, T)

    def mel(self, magnitudes: Tensor) -> Tensor:
        """Magnitudes [batch, bins, frames] to natural logarithms of mel bands float32 [batch, n_mels, frames]."""
        with torch.autocast(magnitudes.device.type, enabled=False):
            return torch.log((self.filters @ magnitudes.float()).clamp(min=1e-5))

    def forward(self, audio: Tensor) -> Tensor:
        """audio float32 [batch, samples] to the log mel spectrogram [batch, n_mels, frames]."""
        return self.mel(self.linear(audio))
