"""Sentences: where a reader stops, for how long, and where a long one is cut."""

import re
from typing import NamedTuple

from swaram.text.symbols import PUNCTUATION, SPACE
from swaram.text.traced import TracedText

LONGEST = 240
SENTENCE_PAUSE = 0.4
LINE_PAUSE = 0.6
CLAUSE_PAUSE = 0.2
WORD_PAUSE = 0.05

# A sentence ends at . ? ! and at a line's end, but a full stop must have a space or the end after it.
_END = re.compile(
    "[?!.\\n](?:(?:(?<=[?!])|(?<=\\.)(?=[\"' \\n]|$))[.?!…]*[\"']*(?=[ \\n]|$)|(?<=\\n)\\n*|(?<=[?!])[?!]*)"
)
_WORDS = re.compile("[^" + re.escape(SPACE + PUNCTUATION) + "\n]")
_NO_START = " \n,;:.?!-…"
_CLAUSE_ENDS = (", ", "; ", ": ", "… ", "- ")


class Sentence(NamedTuple):
    """One piece to speak: symbols, where in the user's text each came from, seconds of pause after.

    What SSML asks for stands beside: ``speed`` (times) and ``pitch`` (semitones) on top of what is asked otherwise,
    ``silence_before`` and ``silence_after`` (seconds, exact), ``language`` (a code) where it is another one.
    """

    text: str
    origins: list[int]
    pause_after: float
    speed: float = 1.0
    pitch: float = 0.0
    silence_before: float = 0.0
    silence_after: float = 0.0
    language: str | None = None


def split_sentences(traced: TracedText, longest: int = LONGEST) -> list[Sentence]:
    """Cut symbols at sentence ends and line ends, and sentences longer than ``longest`` symbols further.

    Nothing but spaces, line ends and marks without words is lost.
    """
    sentences: list[Sentence] = []
    text, origins = traced.text, traced.origins if isinstance(traced.origins, list) else list(traced.origins)
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        pause = LINE_PAUSE if text.find("\n", match.start(), end + 1) >= 0 else SENTENCE_PAUSE
        _add(sentences, text, origins, start, end, pause, longest)
        start = end
    _add(sentences, text, origins, start, len(text), SENTENCE_PAUSE, longest)
    return sentences


def _add(
    sentences: list[Sentence], text: str, origins: list[int], start: int, end: int, pause: float, longest: int
) -> None:
    if not _WORDS.search(text, start, end):
        return
    while True:
        while text[start] in _NO_START:
            start += 1
        while text[end - 1] in " \n":
            end -= 1
        if end - start <= longest:
            break
        cut, rest = _cut(text, start, longest)
        head = text[start:cut].rstrip()
        sentences.append(Sentence(head, origins[start : start + len(head)], rest))
        start = cut
    sentences.append(Sentence(text[start:end], origins[start:end], pause))


def _cut(text: str, start: int, longest: int) -> tuple[int, float]:
    """Where to cut, and the pause there: after the last clause if it is not too near, else after a word."""
    nearest = start + longest // 3
    clause = max(text.rfind(mark, nearest, start + longest + 1) for mark in _CLAUSE_ENDS)
    if clause >= nearest:
        return clause + 1, CLAUSE_PAUSE
    space = text.rfind(" ", nearest, start + longest + 1)
    if space > 0:
        return space, WORD_PAUSE
    return start + longest, 0.0
