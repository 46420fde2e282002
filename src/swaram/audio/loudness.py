"""Loudness by ITU-R BS.1770-4, and the true peak."""

import warnings

import numpy as np
import soxr


def loudness(audio: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS; minus infinity for silence.

    ``audio``: float32 [samples], mono. Clips shorter than one gating block (0.4 s), or wholly below the gate,
    fall back to the level of their root mean square, which for speech is within about 1 dB of it.
    """
    import pyloudnorm

    if len(audio) >= int(0.4 * sample_rate) + 1:
        with warnings.catch_warnings(), np.errstate(divide="ignore"):
            warnings.simplefilter("ignore")
            value = float(pyloudnorm.Meter(sample_rate).integrated_loudness(audio.astype(np.float64)))
        if np.isfinite(value):
            return value
    power = float(np.mean(np.square(audio, dtype=np.float64))) if len(audio) else 0.0
    return 10 * np.log10(power) if power > 0 else float("-inf")


def true_peak(audio: np.ndarray, sample_rate: int) -> float:
    """Largest absolute value between the samples too (four times oversampled), linear, 1 = full scale."""
    if not len(audio):
        return 0.0
    dense = soxr.resample(np.asarray(audio, dtype=np.float32), sample_rate, 4 * sample_rate, quality="HQ")
    return float(max(np.abs(dense).max(initial=0.0), np.abs(audio).max()))


def level_to(audio: np.ndarray, sample_rate: int, target: float = -23.0, ceiling: float = -1.0) -> np.ndarray:
    """One constant gain that brings the clip to ``target`` LUFS, less where the true peak would pass ``ceiling`` dB.

    ``audio``: float32 [samples], mono -> the same shape; silence stays as it is. No limiter: the waveform keeps
    its shape, so a clip with one loud peak ends a little below the target instead.
    """
    measured = loudness(audio, sample_rate)
    if not np.isfinite(measured):
        return np.asarray(audio, dtype=np.float32)
    gain = 10 ** ((target - measured) / 20)
    peak = true_peak(audio, sample_rate) * gain
    limit = 10 ** (ceiling / 20)
    if peak > limit:
        gain *= limit / peak
    return (audio * np.float32(gain)).astype(np.float32)
