"""What a voice, a room and a microphone may change without changing what is said, done to log mel frames.

All numbers are natural logarithms of power: 1 dB is 0.23.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from swaram.recognition.decoding import SPACE, align
from swaram.recognition.features import FLOOR
from swaram.recognition.units import UnitTable

# One place where a clip may be cut: the unit and the frame with which the second part begins.
Cut = tuple[int, int]


def cuts_of(scores: np.ndarray, mel: np.ndarray, ids: Sequence[int], table: UnitTable) -> list[Cut]:
    """Where a clip may be cut.

    ``scores``: float [T, units], the network's log probabilities; ``mel``: float [frames, n_mels], its frames (a
    multiple of T); ``ids``: its units. Empty where the units do not fit.
    """
    placed = align(scores, ids)
    stride = max(1, round(len(mel) / max(1, len(scores))))
    loud = mel.astype(np.float32).max(1)
    cuts: list[Cut] = []
    for number in range(1, len(placed)):
        before, after = placed[number - 1], placed[number]
        if not (table.is_consonant(after.unit) and (before.unit == SPACE or table.is_vowel(before.unit))):
            continue
        first, last = (before.start + before.end) * stride // 2, (after.start + after.end) * stride // 2
        if last > first + 1:
            cuts.append((number, first + 1 + int(loud[first + 1 : last].argmin())))
    return cuts


def shuffled(
    parts: Sequence[tuple[np.ndarray, Sequence[int], Sequence[Cut]]], rng: np.random.Generator, share: float = 0.4
) -> tuple[np.ndarray, list[int]]:
    """Cut clips at some of their places, mix the pieces: frames float32 [sum of frames, n_mels], and their units."""
    pieces: list[tuple[np.ndarray, Sequence[int]]] = []
    for frames, ids, cuts in parts:
        chosen = [cut for cut in cuts if rng.random() < share and 0 < cut[1] < len(frames)]
        edges = [(0, 0), *chosen, (len(ids), len(frames))]
        for (unit, frame), (next_unit, next_frame) in pairwise(edges):
            if next_frame > frame:
                pieces.append((frames[frame:next_frame], ids[unit:next_unit]))
    order = rng.permutation(len(pieces))
    units = [unit for number in order for unit in pieces[number][1]]
    while units and units[0] == SPACE:
        units.pop(0)
    while units and units[-1] == SPACE:
        units.pop()
    return np.concatenate([pieces[number][0] for number in order]), units


DECIBEL = np.log(10.0) / 10.0
SILENCE = float(np.log(FLOOR))


def vary(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another vocal tract, pitch, microphone and distance, and some noise: float32 [frames, n_mels] -> the same."""
    mel = _warp(mel, rng.uniform(0.9, 1.1))
    if rng.random() < 0.3:  # harmonics are no longer told apart, as in a voice of another pitch
        mel = _blur(mel, int(rng.integers(1, 3)))
    mel = mel + rng.normal(0.0, 2.5 * DECIBEL) + _curve(mel.shape[1], rng, 2.0 * DECIBEL)
    if rng.random() < 0.3:
        mel = np.logaddexp(mel, hiss(mel, rng))
    if rng.random() < 0.15:
        mel = _echo(mel, rng)
    return np.maximum(mel, SILENCE).astype(np.float32)


def stretch(mel: np.ndarray, frames: int) -> np.ndarray:
    """Slower or faster speech of the same voice and pitch: float32 [any, n_mels] -> [frames, n_mels]."""
    if frames == len(mel) or len(mel) < 2:
        return mel
    place = np.linspace(0, len(mel) - 1, frames)
    low = np.minimum(place.astype(int), len(mel) - 2)
    share = (place - low).astype(np.float32)[:, None]
    return np.asarray(mel[low] * (1 - share) + mel[low + 1] * share)


def mask(mel: np.ndarray, fill: np.ndarray, rng: np.random.Generator, bands: int = 14, frames: int = 9) -> None:
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


def _blur(mel: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        wide = np.pad(mel, ((0, 0), (1, 1)), mode="edge")
        mel = 0.25 * wide[:, :-2] + 0.5 * mel + 0.25 * wide[:, 2:]
    return mel


def _echo(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A room of 0.1 to 0.5 s: each frame's power goes on, falling, some dB below the direct sound."""
    fall = 6 * np.log(10.0) * 0.01 / rng.uniform(0.1, 0.5)
    below = rng.uniform(3.0, 12.0) * DECIBEL
    power, late = np.exp(mel), np.zeros_like(mel)
    keep = np.float32(np.exp(-fall))
    for frame in range(1, len(mel)):
        late[frame] = keep * (late[frame - 1] + (1 - keep) * power[frame - 1])
    return np.asarray(np.log(power + np.float32(np.exp(-below)) * late))


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
