"""What WORLD says of a recording: fundamental frequency and mel-cepstra, every 5 ms.

Pitch by DIO with StoneMask, the spectral envelope by CheapTrick (Morise, Yokomori and Ozawa 2016), through pyworld.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from swaram.evaluation.errors import NotMeasured

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
            raise NotMeasured("the package pyworld-prebuilt is missing; pip install 'swaram[evaluate]'") from None
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
