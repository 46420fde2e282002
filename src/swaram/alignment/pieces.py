"""Where an aligned recording is cut: only in silence, preferably where a sentence or a clause ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from swaram.alignment.aligner import LEAST_SILENCE, Aligner, Alignment, Listening, TimedWord, silences
from swaram.alignment.features import FRAME_SECONDS
from swaram.alignment.words import CLAUSE, NO_MARK, SENTENCE

LEAST_EXTRA = 0.8  # seconds of speech without a word
REACH = 0.12  # seconds that a silence may lie beside the gap that the aligner found
NOT_WRITTEN, NOT_SPOKEN = "speech that is not in the text", "text that is not spoken"
_MARK_COST = {SENTENCE: 1.0, CLAUSE: 2.0, NO_MARK: 4.0}
_DOUBTFUL_COST, _TOO_LONG_COST, _TOO_SHORT_COST = 30.0, 100.0, 8.0


@dataclass(frozen=True)
class Limits:
    """How long pieces may be, in seconds, trimmed; which pauses inside of them are too long. ``sentences``: cut at
    every end of a sentence that has a silence, not only where a piece would be too long."""

    least: float = 1.0
    most: float = 15.0
    longest_pause: float = 2.0
    pause_kept: float = 0.5
    most_removed: float = 2.0
    sentences: bool = False


@dataclass(frozen=True)
class Piece:
    """A part of a recording, ``start`` to ``end`` in seconds, with the words spoken there.

    ``first`` and ``last`` (past the last) number the words; equal where there are none. ``reason`` says why it should
    be left out. The pieces of a recording follow each other without a hole; those that stand for text that is not
    spoken have no length.
    """

    start: float
    end: float
    first: int
    last: int
    reason: str = ""


@dataclass
class _Item:
    """A word that was found, or a stretch of speech without a word (``word`` is -1)."""

    start: float
    end: float
    word: int
    silence: tuple[float, float] | None = None  # after it, before the next item
    missing: list[int] = field(default_factory=list)  # words not spoken that stand after it


def cut_pieces(alignment: Alignment, heard: Listening, limits: Limits, seconds: float) -> list[Piece]:
    """The pieces of a recording of so many seconds; ``heard`` is that recording."""
    items, before = _items(alignment, heard)
    if not items:
        return [Piece(0.0, seconds, 0, 0, NOT_WRITTEN)]
    pieces: list[Piece] = []
    start = 0.0
    if before:
        pieces.append(Piece(0.0, 0.0, before[0], before[-1] + 1, NOT_SPOKEN))
    for first, last in _best_cuts(items, alignment.words, limits):
        part, after = items[first:last], items[last - 1]
        end = sum(after.silence) / 2 if last < len(items) and after.silence else seconds
        numbers = [item.word for item in part if item.word >= 0]
        numbers += [number for item in part[:-1] for number in item.missing]
        low, high = (min(numbers), max(numbers) + 1) if numbers else (0, 0)
        torn = numbers and _torn(alignment.words, low, high)
        pieces.append(Piece(start, end, low, high, _fault(part) or (NOT_SPOKEN if torn else "")))
        if after.missing:
            pieces.append(Piece(end, end, after.missing[0], after.missing[-1] + 1, NOT_SPOKEN))
        start = end
    return pieces


def judged(pieces: Sequence[Piece], aligner: Aligner, heard: Listening, words: Sequence[TimedWord]) -> list[Piece]:
    """The same pieces, with a reason where their text does not fit what is heard."""
    found = []
    for piece in pieces:
        reason = piece.reason
        if not reason and piece.last > piece.first:
            first, last = round(piece.start / FRAME_SECONDS), round(piece.end / FRAME_SECONDS)
            part = Listening(heard.features[first:last], heard.level[first:last])
            spoken = [timed.word for timed in words[piece.first : piece.last] if timed.found]
            reason = aligner.doubtful(part, spoken)
        found.append(Piece(piece.start, piece.end, piece.first, piece.last, reason))
    return found


def saved(pieces: Sequence[Piece], finer: Sequence[Piece]) -> list[Piece]:
    """Doubtful pieces in the smaller ones of a finer cut, where those fill them and some are not doubtful."""
    found: list[Piece] = []
    for piece in pieces:
        inside = [
            fine
            for fine in finer
            if piece.start - 1e-6 <= fine.start
            and fine.end <= piece.end + 1e-6
            and (fine.end > fine.start or piece.first <= fine.first < piece.last)
        ]
        parts = [fine for fine in inside if fine.end > fine.start]
        whole = parts and abs(parts[0].start - piece.start) + abs(parts[-1].end - piece.end) < 1e-6
        numbers = [number for fine in inside for number in range(fine.first, fine.last)]
        right = any(not fine.reason and fine.last > fine.first for fine in parts)
        if piece.reason and right and whole and numbers == list(range(piece.first, piece.last)):
            found += inside
        else:
            found.append(piece)
    return found


def _items(alignment: Alignment, heard: Listening) -> tuple[list[_Item], list[int]]:
    """What sounds, in order of time, with the silence after each; and the words before all of it, not spoken."""
    items = [_Item(w.start, w.end, number) for number, w in enumerate(alignment.words) if w.found]
    items += [_Item(start, end, -1) for start, end in alignment.extra if _counts(alignment, start, end)]
    items.sort(key=lambda item: (item.start, item.end))
    before: list[int] = []
    by_word = {item.word: item for item in items if item.word >= 0}
    last: _Item | None = None
    for number in range(len(alignment.words)):
        if number in by_word:
            last = by_word[number]
        elif last is None:
            before.append(number)
        else:
            last.missing.append(number)
    quiet = silences(heard.level)
    place = 0
    for item, following in pairwise(items):
        low = max(item.end - REACH, (item.start + item.end) / 2)
        high = min(following.start + REACH, (following.start + following.end) / 2)
        while place < len(quiet) and quiet[place][1] < low:
            place += 1
        overlaps = [(a, b) for a, b in quiet[place : place + 40] if a < high and b > low and b > a]
        if overlaps:
            item.silence = max(overlaps, key=lambda span: min(span[1], high) - max(span[0], low))
            if min(item.silence[1], high) - max(item.silence[0], low) < LEAST_SILENCE / 2:
                item.silence = None
    return items, before


def _counts(alignment: Alignment, start: float, end: float) -> bool:
    """Whether speech without a word is more than a breath: it is long, or stands where words are not spoken."""
    if end - start >= LEAST_EXTRA:
        return True
    before = max((n for n, w in enumerate(alignment.words) if w.found and w.end <= start + REACH), default=-1)
    following = alignment.words[before + 1 : before + 2]
    return bool(following) and not following[0].found


def _best_cuts(items: list[_Item], words: Sequence[TimedWord], limits: Limits) -> list[tuple[int, int]]:
    """(first, past last) items of each piece: the cheapest way to cut (dynamic programming over the silences)."""
    places = [0, *(n + 1 for n, item in enumerate(items[:-1]) if item.silence), len(items)]
    best, came = [0.0] + [np.inf] * (len(places) - 1), [0] * len(places)
    for end in range(1, len(places)):
        for begin in range(end - 1, -1, -1):
            first, last = places[begin], places[end]
            length = items[last - 1].end - items[first].start
            if length > 3 * limits.most + 30 and begin < end - 1:
                break  # nor is anything longer of use
            cost = best[begin] + _cost(items, first, last, words, limits)
            if cost < best[end]:
                best[end], came[end] = cost, begin
    cuts = []
    at = len(places) - 1
    while at > 0:
        cuts.append((places[came[at]], places[at]))
        at = came[at]
    return cuts[::-1]


def _cost(items: list[_Item], first: int, last: int, words: Sequence[TimedWord], limits: Limits) -> float:
    part = items[first:last]
    inner = [item.silence[1] - item.silence[0] for item in part[:-1] if item.silence]
    removed = sum(pause - 0.8 * limits.pause_kept for pause in inner if pause > limits.pause_kept)
    length = part[-1].end - part[0].start - 0.5 * max(0.0, removed) + 0.4
    cost = 0.5 * (length / limits.most) ** 2
    spoken = any(item.word >= 0 for item in part)
    if spoken and _fault(part):
        cost += _DOUBTFUL_COST * max(1.0, length / limits.most)
    if spoken and (
        length > limits.most or removed > limits.most_removed or max(inner, default=0.0) > limits.longest_pause
    ):
        cost += _TOO_LONG_COST * max(1.0, length / limits.most)
    if spoken and length < limits.least + 0.3:
        cost += _TOO_SHORT_COST
    if limits.sentences:
        ends = [
            item for item in part[:-1] if item.word >= 0 and item.silence and words[item.word].word.mark == SENTENCE
        ]
        cost += _TOO_SHORT_COST * 0.9 * len(ends)
    after = items[last - 1]
    if last < len(items) and after.word >= 0 and after.silence:
        pause = min(after.silence[1] - after.silence[0], 0.8)
        cost += _MARK_COST[words[after.word].word.mark] + 2.0 * (0.8 - pause)
    return cost


def _torn(words: Sequence[TimedWord], first: int, last: int) -> bool:
    """Whether words of the same sentence right before or after these are not spoken: then these are hardly sure."""
    before = first > 0 and not words[first - 1].found and words[first - 1].word.mark != SENTENCE
    after = last < len(words) and not words[last].found and words[last - 1].word.mark != SENTENCE
    return before or after


def _fault(part: Sequence[_Item]) -> str:
    """Why a piece of these items is not to be trusted."""
    if any(item.word < 0 for item in part):
        return NOT_WRITTEN
    return NOT_SPOKEN if any(item.missing for item in part[:-1]) else ""
