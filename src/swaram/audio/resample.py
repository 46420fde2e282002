"""Changing the sample rate, and removing what lies below the voice."""

from functools import lru_cache

import numpy as np
import soxr


def resample(audio: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """soxr at "very high quality".

    ``audio``: float32 [samples], -1..1, mono, at ``from_rate`` Hz -> float32 [samples' = round(samples *
    to_rate / from_rate)] at ``to_rate`` Hz; values may overshoot ±1 by the ripple of the filter.
    """
    if from_rate == to_rate:
        return np.asarray(audio, dtype=np.float32)
    return soxr.resample(np.asarray(audio, dtype=np.float32), from_rate, to_rate, quality="VHQ")


def high_pass(audio: np.ndarray, sample_rate: int, cutoff: float = 50.0) -> np.ndarray:
    """Remove hum, handling noise and any constant offset: a zero-phase Butterworth filter.

    ``audio``: float32 [samples], mono -> the same shape. ``cutoff`` in Hz is where it takes 6 dB (3 dB each
    way); 0 leaves the audio alone. Below any voice's fundamental (about 70 Hz), so that speech keeps its shape.
    """
    if cutoff <= 0 or len(audio) < 32:
        return np.asarray(audio, dtype=np.float32)
    from scipy.signal import sosfiltfilt

    sections = _sections(float(cutoff), int(sample_rate))
    pad = min(len(audio) - 1, sample_rate // 10)
    return sosfiltfilt(sections, audio, padtype="odd", padlen=pad).astype(np.float32)


@lru_cache(maxsize=8)
def _sections(cutoff: float, sample_rate: int) -> np.ndarray:
    from scipy.signal import butter

    return butter(2, cutoff, btype="highpass", fs=sample_rate, output="sos")
