"""The search for the likeliest text under the network and a language model: prefix beam search.

After Hannun et al. 2014, First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs,
algorithm 1; scores are logarithms. Long recordings are cut where nothing is said.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from swaram.recognition.decoding import BLANK, Heard, align
from swaram.recognition.language_model import LanguageModel

SILENT_SECONDS, LONGEST_SECONDS = 0.3, 15.0
NEVER = -math.inf
UNLIKELY = np.log(1e-3)  # units below this are not tried, except the likeliest one


@dataclass(frozen=True)
class SearchSettings:
    """``weight``: of the language model's logarithms; ``bonus``: nats for each unit, against short texts."""

    weight: float = 0.5
    bonus: float = 0.5


def search(
    scores: np.ndarray, frame_seconds: float, beam: int, model: LanguageModel, settings: SearchSettings
) -> list[Heard]:
    """The units of the best text and their frames. ``scores``: float32 [frames, units], log probabilities."""
    found: list[Heard] = []
    for start, end in _stretches(scores, frame_seconds):
        ids = best_prefix(scores[start:end], beam, model, settings)
        placed = align(scores[start:end], ids)
        if found and placed:
            found.append(Heard(1, start, start))
        found += [Heard(heard.unit, start + heard.start, start + heard.end) for heard in placed]
    return found


def best_prefix(scores: np.ndarray, beam: int, model: LanguageModel, settings: SearchSettings) -> list[int]:
    """The units of the best of ``beam`` hypotheses."""
    # prefix -> (log probability ending in a blank, ending in the last unit); the language's share is kept beside.
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, NEVER)}
    spoken: dict[tuple[int, ...], float] = {(): 0.0}
    for frame in scores:
        tried = [int(u) for u in np.flatnonzero(frame > UNLIKELY) if u != BLANK] or [int(frame[1:].argmax()) + 1]
        blank = float(frame[BLANK])
        new: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [NEVER, NEVER])
        for prefix, (silent, sounding) in beams.items():
            entry = new[prefix]
            entry[0] = _sum(entry[0], _sum(silent, sounding) + blank)
            if prefix:
                entry[1] = _sum(entry[1], sounding + float(frame[prefix[-1]]))
            row = model.row(prefix[-model.order :])
            for unit in tried:
                longer = (*prefix, unit)
                if longer not in spoken:
                    spoken[longer] = spoken[prefix] + settings.weight * float(row[unit]) + settings.bonus
                before = silent if prefix and unit == prefix[-1] else _sum(silent, sounding)
                grown = new[longer]
                grown[1] = _sum(grown[1], before + float(frame[unit]))
        ranked = sorted(new.items(), key=lambda item: -(_sum(*item[1]) + spoken[item[0]]))
        beams = {prefix: (both[0], both[1]) for prefix, both in ranked[:beam]}
        if len(spoken) > 50 * beam + 1000:
            spoken = {prefix: spoken[prefix] for prefix in beams}
    best: tuple[int, ...] = max(beams, key=lambda prefix: _sum(*beams[prefix]) + spoken[prefix])
    return list(best)


def _sum(a: float, b: float) -> float:
    """The logarithm of the sum of two numbers given as logarithms; NumPy's own is slow for single numbers."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == NEVER else high + math.log1p(math.exp(low - high))


def _stretches(scores: np.ndarray, frame_seconds: float) -> list[tuple[int, int]]:
    """Stretches with speech, cut in the middle of silences, the longest ones cut anywhere that is blank."""
    blank = scores.argmax(1) == BLANK
    edges = np.flatnonzero(np.diff(np.concatenate([[0], blank.astype(np.int8), [0]])))
    silences = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    cuts, longest = [0], LONGEST_SECONDS / frame_seconds
    for start, end in silences:
        middle = (start + end) // 2
        long_enough = (end - start) * frame_seconds >= SILENT_SECONDS
        if middle > cuts[-1] and (long_enough or middle - cuts[-1] >= longest):
            cuts.append(middle)
    cuts.append(len(scores))
    return [(a, b) for a, b in pairwise(cuts) if b > a and not blank[a:b].all()]
