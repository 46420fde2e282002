"""Sentences: where a reader stops, and for how long."""

import re
from dataclasses import dataclass, field

from swaram.text.traced import TracedText

SENTENCE_PAUSE = 0.4
CLAUSE_PAUSE = 0.2
LINE_PAUSE = 0.6

_END = re.compile("[.?!…]+[\"']*|\n+")


@dataclass(frozen=True)
class Sentence:
    """One piece to speak: symbols, where in the user's text each came from, seconds of pause after."""

    text: str
    origins: list[int] = field(repr=False)
    pause_after: float


def split_sentences(traced: TracedText) -> list[Sentence]:
    """Cut symbols at sentence ends and line ends. Nothing but spaces and line ends is lost."""
    sentences: list[Sentence] = []
    start = 0
    for match in _END.finditer(traced.text):
        _add(sentences, traced[start : match.end()], LINE_PAUSE if "\n" in match.group() else SENTENCE_PAUSE)
        start = match.end()
    _add(sentences, traced[start:], SENTENCE_PAUSE)
    return sentences


def _add(sentences: list[Sentence], piece: TracedText, pause: float) -> None:
    kept = [place for place, c in enumerate(piece.text) if c != "\n"]
    piece = TracedText("".join(piece.text[p] for p in kept), [piece.origins[p] for p in kept]).strip()
    if any(c.isalpha() for c in piece.text):
        sentences.append(Sentence(piece.text, list(piece.origins), pause))
