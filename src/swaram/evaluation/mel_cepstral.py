"""How close a synthesis is to the recording of the same sentence by the same speaker, after time warping."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from swaram.evaluation.errors import NotMeasured
from swaram.extras import install_command

FRAME_SECONDS = 0.005
ORDER = 24
LOWEST_F0, HIGHEST_F0 = 60.0, 500.0
# Frequency warping that comes nearest to the mel scale (Tokuda et al. 1994).
WARPING = {8000: 0.31, 16_000: 0.42, 22_050: 0.455, 24_000: 0.466, 44_100: 0.544, 48_000: 0.554}


@dataclass(frozen=True)
class Acoustics:
    """``f0``: float64 [frames], Hz, 0 where unvoiced; ``cepstra``: float64 [frames, ORDER + 1], 0 is the energy."""

    f0: np.ndarray
    cepstra: np.ndarray


class World:
    """Analyses recordings. Raises NotMeasured where pyworld is missing."""

    def __init__(self) -> None:
        try:
            import pyworld
        except ImportError:
            raise NotMeasured(f"the package pyworld-prebuilt is missing; {install_command('evaluate')}") from None
        self._world: Any = pyworld

    def __call__(self, audio: np.ndarray, sample_rate: int) -> Acoustics:
        """``audio``: float32 [samples], -1..1, mono, at least 0.1 s; shorter ones are padded with silence."""
        samples = np.pad(audio.astype(np.float64), (0, max(0, sample_rate // 10 - len(audio))))
        period = 1000 * FRAME_SECONDS
        f0, times = self._world.dio(samples, sample_rate, LOWEST_F0, HIGHEST_F0, frame_period=period)
        f0 = self._world.stonemask(samples, f0, times, sample_rate)
        envelope = self._world.cheaptrick(samples, f0, times, sample_rate)
        return Acoustics(f0, mel_cepstra(envelope, sample_rate))


def mel_cepstra(envelope: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mel-cepstra 0 to ``ORDER`` of a power spectral envelope: float64 [frames, bins] -> [frames, ORDER + 1].

    Half the logarithm of the power is the logarithm of the amplitude; its cepstrum is warped by an all-pass filter.
    """
    cepstrum = np.fft.irfft(0.5 * np.log(np.maximum(envelope, 1e-16)), axis=1)
    half = envelope.shape[1]
    one_sided = cepstrum[:, :half] * 2
    one_sided[:, [0, half - 1]] /= 2
    rate = min(WARPING, key=lambda known: abs(known - sample_rate))
    return one_sided @ _warping(half, WARPING[rate])


@lru_cache(maxsize=4)
def _warping(size: int, alpha: float) -> np.ndarray:
    """float64 [size, ORDER + 1]: cepstrum to warped cepstrum, which is linear (Oppenheim and Johnson 1972)."""
    warped = np.zeros((ORDER + 1, size))  # of each unit vector, all at once
    for place in range(size - 1, -1, -1):
        before, warped = warped, np.zeros_like(warped)
        warped[0] = alpha * before[0]
        warped[0, place] += 1
        warped[1] = (1 - alpha**2) * before[0] + alpha * before[1]
        for m in range(2, ORDER + 1):
            warped[m] = before[m - 1] + alpha * (before[m] - warped[m - 1])
    return np.ascontiguousarray(warped.T)


# Decibels in a difference of 1 of one natural-logarithmic cepstral coefficient (Kubichek 1993).
DECIBELS = 10 / np.log(10) * np.sqrt(2)


def warping_path(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest monotonic path through float64 [n, m] with steps (1, 0), (0, 1) and (1, 1), from corner to corner.

    Returns the rows and the columns of its places, int64 [length] both. Worked diagonal by diagonal.
    """
    n, m = distances.shape
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0
    for diagonal in range(n + m - 1):
        rows = np.arange(max(0, diagonal - m + 1), min(n, diagonal + 1))
        columns = diagonal - rows
        best = np.minimum(np.minimum(total[rows, columns + 1], total[rows + 1, columns]), total[rows, columns])
        total[rows + 1, columns + 1] = best + distances[rows, columns]
    i, j = n - 1, m - 1
    path = [(i, j)]
    while i or j:
        steps = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
        i, j = min((p for p in steps if p[0] >= 0 and p[1] >= 0), key=lambda p: total[p[0] + 1, p[1] + 1])
        path.append((i, j))
    rows, columns = np.array(path[::-1]).T
    return rows, columns


def closeness(natural: Acoustics, other: Acoustics) -> dict[str, float]:
    """What separates two readings of one sentence; what cannot be told, such as pitch without voice, is NaN.

    ``mel_cepstral_distortion``: dB, the mean over the warping path of 10/ln 10 * sqrt(2 * sum over coefficients 1 to
    24 of the squared difference); the energy does not count. ``f0_error``: semitones, root mean square where both
    are voiced; ``f0_correlation``: Pearson's, of the logarithms there. ``voicing_error``: share of the path's places
    where one is voiced and the other not. ``duration_ratio``: the other's duration over the natural one.
    """
    a, b = natural.cepstra[:, 1:], other.cepstra[:, 1:]
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    distances = np.sqrt(np.maximum(squared, 0))
    rows, columns = warping_path(distances)
    f0, other_f0 = natural.f0[rows], other.f0[columns]
    both = (f0 > 0) & (other_f0 > 0)
    error = correlation = float("nan")
    if both.sum() >= 10:
        x, y = 12 * np.log2(f0[both]), 12 * np.log2(other_f0[both])
        error = float(np.sqrt(np.mean((x - y) ** 2)))
        if x.std() > 1e-6:
            # A pitch that never moves follows nothing.
            correlation = float(np.corrcoef(x, y)[0, 1]) if y.std() > 1e-6 else 0.0
    return {
        "mel_cepstral_distortion": float(DECIBELS * distances[rows, columns].mean()),
        "f0_error": error,
        "f0_correlation": correlation,
        "voicing_error": float(np.mean((f0 > 0) != (other_f0 > 0))),
        "duration_ratio": len(other.f0) / len(natural.f0),
    }


def pitch_spread(f0: np.ndarray) -> float:
    """Standard deviation of the pitch over the voiced frames, in semitones; NaN with fewer than ten of them."""
    voiced = f0[f0 > 0]
    return float(np.std(12 * np.log2(voiced))) if len(voiced) >= 10 else float("nan")
