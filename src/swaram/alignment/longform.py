"""Recordings of any length with their whole text, window by window: memory does not grow with the recording."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from swaram.alignment.aligner import Aligner, Alignment, Listening, TimedWord, silences
from swaram.alignment.features import RATE
from swaram.alignment.pieces import NOT_SPOKEN, NOT_WRITTEN, Limits, Piece, cut_pieces, judged, saved
from swaram.alignment.words import Word

WINDOW_SECONDS = 75.0
TAIL_SECONDS = 9.0  # of a window that the next one hears again, at least
SOUNDS_A_SECOND = 22.0  # no reader is faster over a window
HINT_SLACK = 30.0  # seconds that a hint may be wrong
WIDER = 4  # how many times as much text is looked at where little of it was found


@dataclass(frozen=True)
class Part:
    """Pieces of one window, and its words with their times; all in seconds of the recording and words of its text."""

    pieces: list[Piece]
    words: list[TimedWord]


def align_long(
    audio: Iterable[np.ndarray],
    words: Sequence[Word],
    aligner: Aligner,
    limits: Limits,
    hints: Sequence[float] = (),
) -> Iterator[Part]:
    """Cut a recording that comes in parts.

    ``audio``: float32 [n] each, any n, mono, -1..1, at 16,000 Hz. ``hints``: about when each word begins, in seconds,
    where somebody wrote that down; wrong ones do no harm but time. The pieces follow each other without a hole.
    """
    stream = _Stream(audio)
    at, word = 0.0, 0
    while True:
        sound, ended = stream.window(WINDOW_SECONDS)
        seconds = len(sound) / RATE
        if not len(sound):
            if word < len(words):
                yield Part([Piece(at, at, word, len(words), NOT_SPOKEN)], [])
            return
        heard = Listening.to(sound)
        found, count = _aligned(heard, words, word, aligner, ended, hints, at + seconds)
        if found is None:
            pieces, timed = [Piece(0.0, seconds, 0, 0, NOT_WRITTEN)], []
        else:
            timed = found.words
            pieces = judged(cut_pieces(found, heard, limits, seconds), aligner, heard, timed)
            if any(piece.reason for piece in pieces):  # what is right beside a fault need not go with it
                finer = cut_pieces(found, heard, replace(limits, sentences=True), seconds)
                pieces = saved(pieces, judged(finer, aligner, heard, timed))
        if not ended:
            pieces = _settled(pieces, heard, seconds)
        done = max((piece.last for piece in pieces), default=0)
        shifted = [
            replace(p, start=p.start + at, end=p.end + at, first=p.first + word, last=p.last + word) for p in pieces
        ]
        yield Part(shifted, [replace(t, start=t.start + at, end=t.end + at) for t in timed[:done]])
        end = pieces[-1].end
        word, at = word + done, at + end
        if ended:
            if count < len(words) - (word - done):
                yield Part([Piece(at, at, word, len(words), NOT_SPOKEN)], [])
            return
        stream.drop(end)


def _aligned(
    heard: Listening,
    words: Sequence[Word],
    first: int,
    aligner: Aligner,
    ended: bool,
    hints: Sequence[float],
    until: float,
) -> tuple[Alignment | None, int]:
    """The alignment of a window with the text from word ``first`` on, and how many words of it were looked at."""
    left = len(words) - first
    usual = _count(words, first, SOUNDS_A_SECOND * len(heard.level) / 100)
    tries = [usual, _count(words, first, WIDER * SOUNDS_A_SECOND * len(heard.level) / 100)]
    if len(hints):
        hinted = int(np.searchsorted(np.asarray(hints), until + HINT_SLACK)) - first
        tries.insert(0, min(max(1, hinted), tries[1]))
    best: tuple[Alignment | None, int] = (None, min(usual, left))
    covered = -1.0
    for count in tries:
        count = min(count, left)
        found = aligner.align(heard, words[first : first + count], whole=ended and count == left)
        share = _covered(found, heard) if found else -0.5
        if share > covered:
            best, covered = (found, count), share
        if covered > 0.5 or count == left:
            break
    return best


def _covered(alignment: Alignment, heard: Listening) -> float:
    """The share of what sounds that words stand for."""
    silent = sum(end - start for start, end in silences(heard.level))
    spoken = sum(word.end - word.start for word in alignment.words if word.found)
    return spoken / max(0.1, len(heard.level) / 100 - silent)


def _count(words: Sequence[Word], first: int, sounds: float) -> int:
    """How many words from ``first`` on have about so many sounds."""
    count = 0
    while first + count < len(words) and sounds > 0:
        sounds -= len(words[first + count].sounds)
        count += 1
    return max(count, 1)


def _settled(pieces: list[Piece], heard: Listening, seconds: float) -> list[Piece]:
    """The pieces that the rest of the recording cannot change: those that end early enough, not before a doubt."""
    for number in range(len(pieces) - 2, -1, -1):
        piece, following = pieces[number], pieces[number + 1]
        sure = (
            piece.last > piece.first
            and piece.reason not in (NOT_SPOKEN, NOT_WRITTEN)
            and following.last > following.first
        )
        if sure and following.reason != NOT_SPOKEN and 1.0 < piece.end <= seconds - TAIL_SECONDS:
            return pieces[: number + 1]
    # Nothing of the text is here: go on at a silence, with the text where it was.
    wanted = seconds - TAIL_SECONDS
    quiet = [sum(span) / 2 for span in silences(heard.level) if 1.0 < sum(span) / 2 < wanted]
    words = [piece for piece in pieces if piece.last > piece.first and piece.reason != NOT_SPOKEN]
    if words and words[0].start > 1.0:  # up to the first word that was found
        return [Piece(0.0, words[0].start, 0, 0, NOT_WRITTEN)]
    if words and len(pieces) > 1:
        return (
            [piece for piece in pieces[:-1]]
            if pieces[-2].end > 1.0
            else [replace(pieces[0], end=quiet[-1] if quiet else wanted)]
        )
    return [Piece(0.0, quiet[-1] if quiet else wanted, 0, 0, NOT_WRITTEN)]


class _Stream:
    """A recording in windows that may overlap."""

    def __init__(self, audio: Iterable[np.ndarray]) -> None:
        self._parts = iter(audio)
        self._held = np.zeros(0, dtype=np.float32)
        self._ended = False

    def window(self, seconds: float) -> tuple[np.ndarray, bool]:
        """Up to so many seconds from here on, and whether the recording ends with them."""
        wanted = round((seconds + TAIL_SECONDS) * RATE)
        held, size = [self._held], len(self._held)
        while size < wanted and not self._ended:
            part = next(self._parts, None)
            if part is None:
                self._ended = True
                break
            held.append(part)
            size += len(part)
        self._held = np.concatenate(held)
        if self._ended and len(self._held) <= wanted:
            return self._held, True
        return self._held[: round(seconds * RATE)], False

    def drop(self, seconds: float) -> None:
        """Go on so many seconds."""
        self._held = self._held[round(seconds * RATE) :].copy()
