"""A short fingerprint of how a clip sounds, equal or nearly so for two encodings of one recording."""

import itertools

import numpy as np

BANDS, PARTS = 17, 8


def sound_likeness(audio: np.ndarray, sample_rate: int) -> str:
    """128 bits as 32 hexadecimal digits: for 8 parts of the clip, which of 16 neighbouring bands is the louder.

    ``audio``: float32 [samples], mono. Gain, codec and resampling change few bits; another reading of the same
    text by the same speaker changes many.
    """
    size = 1 << int(np.log2(sample_rate / 25))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio, (0, max(0, size - len(audio)))), size)[:: size // 2]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)))
    edges = np.geomspace(100, min(7_000, sample_rate / 2), BANDS + 1) * size / sample_rate
    bands = np.stack([power[:, int(a) : max(int(b), int(a) + 1)].sum(axis=1) for a, b in itertools.pairwise(edges)])
    parts = np.array_split(np.arange(bands.shape[1]), PARTS)
    level = np.stack([bands[:, part].mean(axis=1) if len(part) else np.zeros(BANDS) for part in parts])
    level = np.log(level + 1e-9)
    level -= level.mean(axis=0)  # against the clip's own average: what changes within it, not the speaker's colour
    return np.packbits(level[:, 1:] > level[:, :-1]).tobytes().hex()


def different_bits(one: str, other: str) -> int:
    """How many of the 128 bits differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
