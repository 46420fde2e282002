"""The short-time Fourier transform and its inverse, for the decoders that work at frame rate."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.model import cpu


class InverseSpectrogram(nn.Module):
    """Inverse short-time Fourier transform with a Hann window as two matrix products and shifted additions.

    The cosine part of a frame is even and the sine part odd, so half of each is computed and mirrored. The window and
    its constant overlap are one factor, so every output sample is the same linear function of the frames around it,
    wherever the frame stands: windows of frames join exactly.
    """

    cosines: Tensor
    sines: Tensor
    window: Tensor

    def __init__(self, n_fft: int, hop: int):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.trim = (n_fft - hop) // 2
        half = n_fft // 2 + 1
        identity = torch.eye(half, dtype=torch.float64)
        cosines = torch.fft.irfft(identity, n=n_fft)[:, :half].T
        sines = torch.fft.irfft(1j * identity, n=n_fft)[:, :half].T
        window = torch.hann_window(n_fft, dtype=torch.float64)
        overlap = window.square().reshape(-1, hop).sum(0)  # constant for a hop of at most a quarter of n_fft
        self.register_buffer("cosines", cosines.float().contiguous(), persistent=False)
        self.register_buffer("sines", sines.float().contiguous(), persistent=False)
        self.register_buffer("window", (window / overlap.mean()).float()[:, None], persistent=False)

    def forward(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """real, imaginary float32 [batch, n_fft / 2 + 1, frames] to audio [batch, frames * hop]."""
        if cpu.by_hand(real):
            return self._fast(real, imaginary)
        even, odd = self.cosines @ real, self.sines @ imaginary  # (B, n_fft / 2 + 1, T)
        mirrored = (even - odd)[:, 1:-1].flip(1)
        frames = torch.cat([even + odd, mirrored], dim=1) * self.window  # (B, n_fft, T)
        parts = self.n_fft // self.hop
        pieces = frames.unflatten(1, (parts, self.hop))
        padded = [F.pad(pieces[:, i], (i, parts - 1 - i)) for i in range(parts)]
        blocks = torch.stack(padded).sum(0)  # (B, hop, T + parts - 1)
        audio = blocks.transpose(1, 2).flatten(1)
        return audio[:, self.trim : audio.shape[1] - self.trim]

    def _fast(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """The same by a fast transform: less work where nothing has to be exported."""
        spectrum = torch.complex(real.mT.contiguous(), imaginary.mT.contiguous())  # (B, T, n_fft / 2 + 1)
        frames = torch.fft.irfft(spectrum, n=self.n_fft) * self.window[:, 0]
        parts = self.n_fft // self.hop
        pieces = frames.unflatten(2, (parts, self.hop))  # (B, T, parts, hop)
        blocks = F.pad(pieces[:, :, 0], (0, 0, 0, parts - 1))  # (B, T + parts - 1, hop)
        for i in range(1, parts):
            blocks = blocks + F.pad(pieces[:, :, i], (0, 0, i, parts - 1 - i))
        audio = blocks.flatten(1)
        return audio[:, self.trim : audio.shape[1] - self.trim]


class Spectrogram(nn.Module):
    """Short-time Fourier transform with a Hann window, as matrix products; its frames are those of the inverse.

    Each half of a frame is folded onto the other, so half of the products do. Silence lies beyond both ends.
    """

    cosines: Tensor
    sines: Tensor
    window: Tensor

    def __init__(self, n_fft: int, hop: int):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.trim = (n_fft - hop) // 2
        turns = torch.arange(n_fft // 2 + 1, dtype=torch.float64)
        angles = 2 * torch.pi / n_fft * torch.outer(turns, turns)  # symmetric: by bin and by sample
        self.register_buffer("cosines", torch.cos(angles).float().contiguous(), persistent=False)
        self.register_buffer("sines", torch.sin(angles).float().contiguous(), persistent=False)
        window = torch.hann_window(n_fft, dtype=torch.float64)
        self.register_buffer("window", window.float(), persistent=False)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """audio float32 [batch, frames * hop] to real and imaginary part, each [batch, n_fft / 2 + 1, frames]."""
        padded = F.pad(audio, (self.trim, self.n_fft - self.hop - self.trim))
        parts = self.n_fft // self.hop
        blocks = padded.unflatten(1, (-1, self.hop))  # (B, T + parts - 1, hop)
        # Ends counted from the last block: a graph traced from this holds for any number of frames.
        shifted = [blocks[:, i : i + 1 - parts or None] for i in range(parts)]
        frames = torch.cat(shifted, dim=2) * self.window  # (B, T, n_fft)
        if cpu.by_hand(audio):
            spectrum = torch.fft.rfft(frames).mT
            return spectrum.real, spectrum.imag
        half = self.n_fft // 2
        rising, falling = frames[..., 1:half], frames[..., half + 1 :].flip(-1)
        ends = frames[..., :1], frames[..., half : half + 1]
        even = torch.cat([ends[0], rising + falling, ends[1]], dim=2)
        odd = rising - falling
        return (even @ self.cosines).transpose(1, 2), -(odd @ self.sines[1:half]).transpose(1, 2)
