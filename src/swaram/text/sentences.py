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
_END = re.compile(
    "[?!.\\n](?:(?:(?<=[?!])|(?<=\\.)(?=[\"' \\n]|$))[.?!…]*[\"']*(?=[ \\n]|$)|(?<=\\n)\\n*|(?<=[?!])[?!]*)"
)
_WORDS = re.compile("[^" + re.escape(SPACE + PUNCTUATION) + "\n]")
_NO_START = " \n,;:.?!-…"
_CLAUSE = re.compile("[,;:…] |[-] ")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One piece to speak: symbols, where in the user's text each came from, seconds of pause after.

    What SSML asks for stands beside: ``speed`` (times) and ``pitch`` (semitones) on top of what is asked otherwise,
    ``silence_before`` and ``silence_after`` (seconds, exact), ``language`` (a code) where it is another one.
    """

    text: str
    origins: list[int] = field(repr=False)
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
    if not isinstance(traced.origins, list):
        traced = TracedText(traced.text, list(traced.origins))
    start = 0
    for match in _END.finditer(traced.text):
        pause = LINE_PAUSE if "\n" in traced.text[match.start() : match.end() + 1] else SENTENCE_PAUSE
        _add(sentences, traced, start, match.end(), pause, longest)
        start = match.end()
    _add(sentences, traced, start, len(traced), SENTENCE_PAUSE, longest)
    return sentences


def _add(sentences: list[Sentence], traced: TracedText, start: int, end: int, pause: float, longest: int) -> None:
    text = traced.text
    if not _WORDS.search(text, start, end):
        return
    origins = list_of(traced)
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
    clauses = [match.end() for match in _CLAUSE.finditer(text, start, start + longest + 1)]
    if clauses and clauses[-1] - 1 > nearest:
        return clauses[-1] - 1, CLAUSE_PAUSE
    space = text.rfind(" ", nearest, start + longest + 1)
    if space > 0:
        return space, WORD_PAUSE
    return start + longest, 0.0


def list_of(traced: TracedText) -> list[int]:
    """The origins as a list, without a copy where they are one."""
    return traced.origins if isinstance(traced.origins, list) else list(traced.origins)
