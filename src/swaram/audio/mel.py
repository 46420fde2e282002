"""Mel filter banks: the two scales in use, and triangles over the bins of a Fourier transform.

Slaney's scale (Auditory Toolbox, 1998; what librosa and the published VITS code use): linear below 1 kHz, logarithmic
above. O'Shaughnessy's (Speech Communication, 1987): 2595 log10(1 + f / 700).
"""

from functools import lru_cache

import numpy as np


def slaney_mel(hertz: np.ndarray) -> np.ndarray:
    """Hz to Slaney's scale."""
    hertz = np.asarray(hertz, dtype=np.float64)
    return np.where(hertz < 1000, hertz * 3 / 200, 15 + np.log(np.maximum(hertz, 1) / 1000) * 27 / np.log(6.4))


def slaney_hertz(mel: np.ndarray) -> np.ndarray:
    """The inverse of ``slaney_mel``."""
    mel = np.asarray(mel, dtype=np.float64)
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def slaney_filters(
    sample_rate: int, n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float | None = None
) -> np.ndarray:
    """Triangular filters of equal area, float64 [n_mels, n_fft / 2 + 1]; ``fmax`` is half of the rate by default."""
    low, high = slaney_mel(np.array([fmin, fmax or sample_rate / 2]))
    edges = slaney_hertz(np.linspace(low, high, n_mels + 2))
    bins = np.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    return np.asarray(_triangles(bins[None], edges[:, None]) * 2 / (edges[2:] - edges[:-2])[:, None])


@lru_cache(maxsize=4)
def log_filters(sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> np.ndarray:
    """Triangles on O'Shaughnessy's scale, each of sum one: float32 [n_fft / 2 + 1, n_mels].

    Bands that are narrower than a bin take the nearest one.
    """
    low, high = (2595.0 * np.log10(1.0 + hertz / 700.0) for hertz in (fmin, fmax))
    edges = 700.0 * (10.0 ** (np.linspace(low, high, n_mels + 2) / 2595.0) - 1.0)
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    triangles = _triangles(bins[:, None].T, edges[:, None]).T
    empty = triangles.sum(0) < 1e-3
    triangles[np.rint(edges[1:-1] / bins[1]).astype(int)[empty], np.flatnonzero(empty)] = 1.0
    return (triangles / triangles.sum(0)).astype(np.float32)


def _triangles(bins: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """bins [1, bins] and edges [bands + 2, 1] in Hz to heights [bands, bins], 0..1."""
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))
