"""What a voice, a room and a microphone may change without changing what is said, done to log mel frames.

All numbers are natural logarithms of power: 1 dB is 0.23.
"""

import numpy as np

from swaram.evaluation.recognizer.features import FLOOR

DECIBEL = np.log(10.0) / 10.0
SILENCE = float(np.log(FLOOR))


def vary(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another vocal tract, microphone and distance, and some noise: float32 [frames, n_mels] -> the same."""
    mel = _warp(mel, rng.uniform(0.92, 1.08))
    mel = mel + rng.normal(0.0, 3.0 * DECIBEL) + _curve(mel.shape[1], rng, 2.0 * DECIBEL)
    if rng.random() < 0.25:
        mel = np.logaddexp(mel, hiss(mel, rng))
    return np.maximum(mel, SILENCE).astype(np.float32)


def mask(mel: np.ndarray, fill: np.ndarray, rng: np.random.Generator, bands: int = 10, frames: int = 8) -> None:
    """SpecAugment (Park et al. 2019) in place: two stretches of bands, and one short stretch of frames a second.

    ``mel``: float32 [frames, n_mels]; ``fill``: float32 [n_mels], what masked places are set to.
    """
    n, m = mel.shape
    # Bands are masked for stretches of some seconds, so that a long row is not deaf there from end to end.
    for start in range(0, n, 250):
        for _ in range(2):
            width = rng.integers(0, bands + 1)
            low = rng.integers(0, m - width + 1)
            mel[start : start + 250, low : low + width] = fill[low : low + width]
    for _ in range(n // 100):
        width = rng.integers(0, frames + 1)
        start = rng.integers(0, max(1, n - width))
        mel[start : start + width] = fill


def _warp(mel: np.ndarray, factor: float) -> np.ndarray:
    """Stretch the bands by a factor: the formants of a longer or shorter vocal tract."""
    place = np.clip(np.arange(mel.shape[1]) * factor, 0, mel.shape[1] - 1)
    low = np.minimum(place.astype(int), mel.shape[1] - 2)
    share = (place - low).astype(np.float32)
    return mel[:, low] * (1 - share) + mel[:, low + 1] * share


def _curve(bands: int, rng: np.random.Generator, size: float) -> np.ndarray:
    place = np.linspace(0, np.pi, bands)
    return sum(rng.normal(0.0, size / (k + 1)) * np.cos(k * place + rng.uniform(0, 6.3)) for k in (1, 2, 3))  # type: ignore[return-value]


def hiss(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Steady noise of some colour, 20 to 50 dB below the loudest band of the loud frames."""
    loud = np.percentile(mel.max(1), 75)
    level = loud - rng.uniform(20.0, 50.0) * DECIBEL
    colour = _curve(mel.shape[1], rng, 6.0 * DECIBEL) - rng.uniform(0.0, 15.0) * DECIBEL * np.linspace(
        0, 1, mel.shape[1]
    )
    flicker = np.log(rng.standard_gamma(3.0, size=mel.shape).astype(np.float32) / 3.0 + 1e-6)
    return (level + colour + flicker).astype(np.float32)
