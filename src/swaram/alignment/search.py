"""The best path of a recording through its text (Viterbi), with room for what is said and not written, or the reverse.

The text is a chain of states: a gap, the states of the first word's sounds, a gap, and so on to a last gap. A gap may
take no time. Its frames are silence, or speech that no word stands for, at a price; and a word may be passed by
without taking time, at a price for each of its sounds (``Prices``). So what is spoken and not written, and what is
written and not spoken, is found in the middle of a text as at its ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swaram.alignment.words import Word

STATES = 3  # of each sound, one frame at least in each
_NEVER = np.float32(-1e30)


@dataclass(frozen=True)
class Prices:
    """What leaves the text costs, in nats. ``filler``: for each frame of speech without a word, against the best state
    of that frame. ``missing``: for each sound that is written and not spoken. ``absence``: for each stretch of them."""

    filler: float
    missing: float
    absence: float = 0.0


@dataclass(frozen=True)
class Chain:
    """The states of some words, in order.

    ``columns``: int64 [states], which column of the scores each state has; 0 is silence. ``word``: int64 [states], the
    word's number, -1 in a gap. ``gaps``: int64 [words + 1], the states that are gaps. ``sounds``: int64 [words].
    """

    columns: np.ndarray
    word: np.ndarray
    gaps: np.ndarray
    sounds: np.ndarray


def chain_of(words: Sequence[Word], units: str) -> Chain:
    """The chain of words whose sounds are all in ``units``; sound i has the columns 3 i + 1 to 3 i + 3."""
    columns, word, gaps = [0], [-1], [0]
    place = {unit: number for number, unit in enumerate(units)}
    for number, entry in enumerate(words):
        for unit in entry.sounds:
            first = STATES * place[unit] + 1
            columns += range(first, first + STATES)
        word += [number] * (len(columns) - len(word))
        gaps.append(len(columns))
        columns.append(0)
        word.append(-1)
    sounds = [len(entry.sounds) for entry in words]
    return Chain(np.array(columns), np.array(word), np.array(gaps), np.array(sounds, dtype=np.int64))


def best_path(scores: np.ndarray, chain: Chain, prices: Prices | None = None, whole: bool = True) -> np.ndarray | None:
    """The likeliest state of each frame: int64 [frames]; ``None`` where the words need more frames than there are.

    ``scores``: float32 [frames, columns], log-likelihoods. Without ``prices`` every word takes its time and gaps are
    silent. ``whole``: whether the recording ends where the words do; else it may be over after any of them.
    """
    frames, states = len(scores), len(chain.columns)
    gaps, columns = chain.gaps, chain.columns
    if not frames:
        return None
    after_gap = np.zeros(states, dtype=bool)  # reached from two states before, past a gap
    after_gap[gaps[:-1] + 1] = True
    after_gap[1] = False
    back = np.zeros((frames, states), dtype=np.int8)
    jumps = np.zeros((frames, len(gaps)), dtype=np.int32) if prices else None
    in_gap = scores[:, 0]
    costs = np.zeros(0, dtype=np.float32)
    if prices:
        in_gap = np.maximum(in_gap, scores[:, 1:].max(1) - np.float32(prices.filler))
        costs = np.concatenate([[0], np.cumsum(prices.missing * chain.sounds)]).astype(np.float32)
    score = np.full(states, _NEVER, dtype=np.float32)
    score[0], score[1] = in_gap[0], scores[0, columns[1]]
    if jumps is not None and prices:
        _jump(score, gaps, costs, prices.absence, jumps[0])
    passed = np.full(states, _NEVER, dtype=np.float32)
    moved = np.full(states, _NEVER, dtype=np.float32)
    allowed = np.where(after_gap, np.float32(0), _NEVER)
    for frame in range(1, frames):
        moved[1:] = score[:-1]
        passed[2:] = score[:-2]
        passed += allowed
        step = back[frame]
        np.greater(moved, score, out=step.view(bool))
        best = np.maximum(score, moved)
        further = passed > best
        step[further] = 2
        np.maximum(best, passed, out=best)
        emitted = scores[frame].take(columns)
        emitted[gaps] = in_gap[frame]
        score = best + emitted
        if jumps is not None and prices:
            _jump(score, gaps, costs, prices.absence, jumps[frame])
    ends = gaps if not whole else gaps[-1:]
    last = np.concatenate([ends, ends[ends > 0] - 1])
    state = int(last[np.argmax(score[last])])
    if score[state] < 0.5 * _NEVER:
        return None
    return _traced(back, jumps, chain, state)


def _jump(score: np.ndarray, gaps: np.ndarray, costs: np.ndarray, absence: float, jumps: np.ndarray) -> None:
    """Let gaps be reached from earlier gaps in the same frame; ``jumps`` gets how many words each passes by."""
    here = score[gaps] + costs
    reached = np.maximum.accumulate(here)
    better = np.empty(len(gaps), dtype=bool)
    better[0] = False
    np.greater(reached[:-1] - np.float32(absence), here[1:], out=better[1:])
    if not better.any():
        return
    numbers = np.arange(len(gaps))
    # The gap that the running maximum comes from.
    fresh = np.concatenate([[True], here[1:] > reached[:-1]])
    source = np.maximum.accumulate(np.where(fresh, numbers, 0))
    source[1:] = np.where(better[1:], source[:-1], numbers[1:])
    jumps[:] = np.where(better, numbers - source, 0)
    score[gaps[better]] = (here[source] - costs)[better] - np.float32(absence)


def _traced(back: np.ndarray, jumps: np.ndarray | None, chain: Chain, state: int) -> np.ndarray:
    gap_of = {int(gap): number for number, gap in enumerate(chain.gaps)}
    path = np.empty(len(back), dtype=np.int64)
    for frame in range(len(back) - 1, -1, -1):
        path[frame] = state
        if jumps is not None and state in gap_of:
            number = gap_of[state]
            state = int(chain.gaps[number - jumps[frame, number]])
        state -= int(back[frame, state])
    return path
