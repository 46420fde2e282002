"""From log probabilities to units and words: the greedy path, where each unit was heard, and what a text costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

BLANK, SPACE = 0, 1
PAUSE = 0.6  # seconds without a unit that end a word, whether or not a space was heard


@dataclass(frozen=True)
class Heard:
    """One unit that was heard: its number, and its frames (first, end exclusive)."""

    unit: int
    start: int
    end: int


def greedy(log_probabilities: np.ndarray) -> list[int]:
    """The likeliest unit of each frame, repeats merged, blanks left out: float [frames, units] -> unit numbers."""
    return [heard.unit for heard in greedy_path(log_probabilities)]


def greedy_path(log_probabilities: np.ndarray) -> list[Heard]:
    """As ``greedy``, with the frames on which each unit was the likeliest."""
    if not len(log_probabilities):
        return []
    best = np.asarray(log_probabilities).argmax(1)
    edges = np.flatnonzero(np.diff(np.concatenate([[-1], best, [-1]])))
    return [Heard(int(best[a]), int(a), int(b)) for a, b in pairwise(edges) if best[a] != BLANK]


def words_of(path: Sequence[Heard], frame_seconds: float) -> list[list[Heard]]:
    """The units of each word: spaces part words, and so do pauses."""
    words: list[list[Heard]] = [[]]
    for before, heard in zip([None, *path], path, strict=False):
        paused = before is not None and (heard.start - before.end) * frame_seconds > PAUSE
        if heard.unit == SPACE or paused:
            words.append([])
        if heard.unit != SPACE:
            words[-1].append(heard)
    return [word for word in words if word]


def align(log_probabilities: np.ndarray, ids: Sequence[int]) -> list[Heard]:
    """The likeliest frames of given units (Viterbi over the CTC states); an empty list where they do not fit.

    ``log_probabilities``: float [frames, units]; ``ids``: unit numbers without blanks.
    """
    frames = len(log_probabilities)
    states = _states(ids)
    if not len(ids) or frames < len(ids):
        return []
    emitted = np.asarray(log_probabilities, dtype=np.float64)[:, states]
    skips = _skips(states)
    score = np.full(len(states), -np.inf)
    score[:2] = emitted[0, :2]
    came = np.zeros((frames, len(states)), dtype=np.int8)
    for frame in range(1, frames):
        options = _options(score, skips)
        came[frame] = options.argmax(0)
        score = options.max(0) + emitted[frame]
    state = len(states) - 1 if score[-1] >= score[-2] else len(states) - 2
    if not np.isfinite(score[state]):
        return []
    path = np.empty(frames, dtype=int)
    for frame in range(frames - 1, -1, -1):
        path[frame] = state
        state -= int(came[frame, state])
    found = []
    for number, unit in enumerate(ids):
        places = np.flatnonzero(path == 2 * number + 1)
        found.append(Heard(int(unit), int(places[0]), int(places[-1]) + 1))
    return found


def ctc_cost(log_probabilities: np.ndarray, ids: Sequence[int]) -> float:
    """Minus the log probability of units over all alignments (Graves et al. 2006, section 4.1), in nats.

    Infinite where there are too few frames for the units.
    """
    states = _states(ids)
    if not len(log_probabilities):
        return float("inf") if len(ids) else 0.0
    emitted = np.asarray(log_probabilities, dtype=np.float64)[:, states]
    skips = _skips(states)
    score = np.full(len(states), -np.inf)
    score[:2] = emitted[0, :2]
    for frame in emitted[1:]:
        score = np.logaddexp.reduce(_options(score, skips), axis=0) + frame
    return float(-np.logaddexp.reduce(score[-2:]))


def _states(ids: Sequence[int]) -> np.ndarray:
    states = np.full(2 * len(ids) + 1, BLANK)
    states[1::2] = ids
    return states


def _skips(states: np.ndarray) -> np.ndarray:
    """0 where the blank before a state may be skipped, minus infinity elsewhere."""
    may = np.zeros(len(states), dtype=bool)
    may[2:] = (states[2:] != BLANK) & (states[2:] != states[:-2])
    return np.where(may, 0.0, -np.inf)


def _options(score: np.ndarray, skips: np.ndarray) -> np.ndarray:
    """What each state may come from: itself, the one before, the one before that: float [3, states]."""
    padded = np.concatenate([[-np.inf, -np.inf], score])
    return np.stack([score, padded[1:-1], padded[:-2] + skips])
