"""Sentences: where a reader stops, for how long, and where a long one is cut."""

import re
from dataclasses import dataclass, field

from swaram.text.symbols import PUNCTUATION, SPACE
from swaram.text.traced import TracedText

LONGEST = 240
SENTENCE_PAUSE = 0.4
LINE_PAUSE = 0.6
CLAUSE_PAUSE = 0.2
WORD_PAUSE = 0.05

# A sentence ends at . ? ! and at a line's end, but a full stop must have a space or the end after it.
_END = re.compile("(?:[?!]|\\.(?=[\"' \\n]|$))[.?!…]*[\"']*(?=[ \\n]|$)|\\n+|[?!]+")
_NO_WORDS = SPACE + PUNCTUATION
_CLAUSE = re.compile("[,;:…] |[-] ")


@dataclass(frozen=True)
class Sentence:
    """One piece to speak: symbols, where in the user's text each came from, seconds of pause after."""

    text: str
    origins: list[int] = field(repr=False)
    pause_after: float


def split_sentences(traced: TracedText, longest: int = LONGEST) -> list[Sentence]:
    """Cut symbols at sentence ends and line ends, and sentences longer than ``longest`` symbols further.

    Nothing but spaces, line ends and marks without words is lost.
    """
    sentences: list[Sentence] = []
    start = 0
    for match in _END.finditer(traced.text):
        pause = LINE_PAUSE if "\n" in traced.text[match.start() : match.end() + 1] else SENTENCE_PAUSE
        _add(sentences, traced[start : match.end()], pause, longest)
        start = match.end()
    _add(sentences, traced[start:], SENTENCE_PAUSE, longest)
    return sentences


def _add(sentences: list[Sentence], piece: TracedText, pause: float, longest: int) -> None:
    piece = TracedText(piece.text.replace("\n", " "), piece.origins).strip()
    if not piece.text.strip(_NO_WORDS):
        return
    start = 0
    while len(piece) - start > longest:
        cut, rest = _cut(piece.text, start, longest)
        head = piece[start:cut].strip()
        sentences.append(Sentence(head.text, list(head.origins), rest))
        start = cut + 1 if piece.text[cut : cut + 1] == " " else cut
    tail = piece[start:].strip()
    if tail.text:
        sentences.append(Sentence(tail.text, list(tail.origins), pause))


def _cut(text: str, start: int, longest: int) -> tuple[int, float]:
    """Where to cut, and the pause there: after the last clause if it is not too near, else after a word."""
    nearest = start + longest // 3
    clauses = [match.end() for match in _CLAUSE.finditer(text, start, start + longest + 1)]
    if clauses and clauses[-1] - 1 > nearest:
        return clauses[-1] - 1, CLAUSE_PAUSE
    space = text.rfind(" ", nearest, start + longest + 1)
    if space > 0:
        return space, WORD_PAUSE
    return start + longest, 0.0
