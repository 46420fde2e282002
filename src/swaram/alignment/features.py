"""What the aligner hears: cepstra with their differences, in NumPy."""

from functools import lru_cache

import numpy as np

from swaram.audio.mel import log_filters

RATE = 16_000
HOP = 160  # samples: a frame is 10 ms
FRAME_SECONDS = HOP / RATE
WINDOW, FFT = 400, 512
BANDS, CEPSTRA = 40, 13
DEPTH = 11.5  # nats, 50 dB: what lies further below the loudest frames is silence
_PIECE = 4096  # frames transformed at once: a long recording takes little memory


def log_bands(audio: np.ndarray) -> np.ndarray:
    """``audio``: float32 [samples], -1..1, mono, at 16,000 Hz -> float32 [samples // 160, 40], log power of mel bands.

    Frame i lies around the middle of hop i. Digital silence is no lower than a quiet room.
    """
    count = len(audio) // HOP
    if not count:
        return np.zeros((0, BANDS), dtype=np.float32)
    filters = log_filters(RATE, FFT, BANDS, 60.0, 7_600.0)
    side = (WINDOW - HOP) // 2
    padded = np.pad(np.asarray(audio, dtype=np.float32), (side, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    bands = np.empty((count, BANDS), dtype=np.float32)
    window = _hann()
    for start in range(0, count, _PIECE):
        spectrum = np.fft.rfft(frames[start : start + _PIECE] * window, FFT)
        bands[start : start + _PIECE] = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ filters
    return np.log(np.maximum(bands, 1e-9))


def cepstra(bands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bands as ``log_bands`` gives them -> cepstra float32 [frames, 39], and the level float32 [frames] in nats.

    Level 0 is that of the loud frames of the recording. The means of voice, room and microphone are taken out over the
    frames in which something sounds.
    """
    if not len(bands):
        return np.zeros((0, 3 * CEPSTRA), dtype=np.float32), np.zeros(0, dtype=np.float32)
    level = np.logaddexp.reduce(bands, axis=1)
    loud = float(np.percentile(level, 95))
    level = (level - loud).astype(np.float32)
    floored = np.maximum(bands, float(np.percentile(bands.max(1), 95)) - DEPTH)
    static = floored @ _cosines()
    sounding = level > -6.0
    mean = static[sounding].mean(0)
    static = (static - mean) / np.maximum(static[sounding].std(0), 0.1)
    first = _difference(static)
    found = np.concatenate([static, 2.0 * first, 4.0 * _difference(first)], axis=1)
    return found.astype(np.float32), level


def _difference(values: np.ndarray) -> np.ndarray:
    """Slope over five frames (HTK's regression, width 2)."""
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    return (2 * (padded[4:] - padded[:-4]) + (padded[3:-1] - padded[1:-3])) / 10


@lru_cache(maxsize=1)
def _cosines() -> np.ndarray:
    """The cosine transform of type II, float32 [BANDS, CEPSTRA]."""
    place = (np.arange(BANDS) + 0.5)[:, None] * np.arange(CEPSTRA)[None]
    return (np.cos(np.pi * place / BANDS) * np.sqrt(2.0 / BANDS)).astype(np.float32)


@lru_cache(maxsize=1)
def _hann() -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)).astype(np.float32)
