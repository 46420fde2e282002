"""Recordings cut between syllables and put together anew, so that a network hears sounds it cannot know from sentences.

Nothing is synthesised: every frame is a frame of a recording. Cuts lie between a vowel and the consonant after it (or
after a space), where the sound is faintest.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from swaram.evaluation.recognizer.decoding import SPACE, align
from swaram.evaluation.recognizer.units import UnitTable

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
