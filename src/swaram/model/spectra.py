"""Linear and mel spectrograms in PyTorch, always float32; the mel scale is Slaney's, as in the published code."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.audio.mel import slaney_filters


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
        filters = torch.from_numpy(slaney_filters(sample_rate, n_fft, n_mels, fmin, fmax)).float()
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
