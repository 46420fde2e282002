"""Text, whole or as it is written, to passages: what the front end reads in one go, at most a sentence.

Each passage keeps its place in the user's text.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from swaram.languages import Language
from swaram.text.frontend import Notice, TextFrontend
from swaram.text.sentences import Sentence
from swaram.voice.errors import SpeechError
from swaram.voice.phonemes import Phonemizer, decompose, given_phonemes
from swaram.voice.voice import Voice

MAX_PASSAGE_SYMBOLS = 240
MAX_PENDING_CHARACTERS = 1200
_ENDS = ".?!"
_CLAUSE_PAUSE, _WORD_PAUSE = 0.15, 0.0
_TOKEN = re.compile(r"""\d+(?:[.,:/-]\d+)*|[^\s.,;:!?…"'()\[\]{}<>|।॥۔؟،؛]+""")
_WORD = re.compile(r"""[^\s!"',.:;?…-]+(?:['-][^\s!"',.:;?…-]+)*""")


@dataclass(frozen=True)
class Passage:
    """Symbols to speak, where in the user's text each came from, and the pause after them in seconds."""

    text: str
    origins: list[int] = field(repr=False)
    pause_after: float
    begins_sentence: bool = True

    def words(self) -> Iterator[tuple[int, int]]:
        """Spans of ``text`` that hold a word."""
        for match in _WORD.finditer(self.text):
            yield match.span()


@dataclass(frozen=True)
class Reading:
    """A text made ready: passages, and notices about what was dropped or assumed."""

    passages: list[Passage]
    notices: list[Notice]


class Reader:
    """Text of one language to passages that a voice can read."""

    def __init__(self, voice: Voice, language: str | None = None) -> None:
        self._voice = voice
        self._frontend = TextFrontend(voice.find_language(language))
        side = voice.manifest.text
        self._phonemizer = Phonemizer(side.espeak_voice) if side.symbols == "phonemes" else None

    @property
    def language(self) -> Language:
        """The language that is read."""
        return self._frontend.language

    def read(self, text: str) -> Reading:
        """Read a whole text. Raises SpeechError when nothing in it can be spoken."""
        if not text.strip():
            raise SpeechError("The text is empty; send some words to speak.")
        reading = self.read_part(text)
        if not reading.passages:
            name = self._frontend.language.name
            raise SpeechError(f"Nothing in the text can be spoken: it holds no words of {name}.")
        return reading

    def read_part(self, text: str) -> Reading:
        """Read a text, or a piece of one; it may hold nothing to speak."""
        sentences, notices = self._sentences(text)
        passages = [
            passage
            for sentence in sentences
            for passage in _divide(self._known(sentence, notices))
            if any(c.isalnum() for c in passage.text)
        ]
        return Reading(passages, notices)

    def _sentences(self, text: str) -> tuple[list[Sentence], list[Notice]]:
        if self._phonemizer is None:
            analysis = self._frontend.analyse(text)
            return analysis.sentences, list(analysis.notices)
        sentences: list[Sentence] = []
        notices: list[Notice] = []
        for start, piece, given in given_phonemes(text):
            if given:
                sentences.append(decompose(piece, start))
                continue
            analysis = self._frontend.analyse(piece)
            read = self._phonemizer.read(analysis.sentences)
            sentences += [replace(s, origins=[start + origin for origin in s.origins]) for s in read]
            notices += [Notice(n.kind, start + n.start, start + n.end, n.message) for n in analysis.notices]
        return sentences, notices

    def _known(self, sentence: Sentence, notices: list[Notice]) -> Sentence:
        """The sentence as this voice writes it, without symbols that it has never seen."""
        symbols = self._voice.symbols
        if symbols.spellings:
            sentence = Sentence(*symbols.spell(sentence.text, sentence.origins), sentence.pause_after)
        unknown = [i for i, c in enumerate(sentence.text) if c not in symbols]
        if not unknown:
            return sentence
        for i in unknown:
            place = sentence.origins[i]
            message = f"dropped {sentence.text[i]!r}: the voice {self._voice.name} does not know it."
            notices.append(Notice("dropped", place, place + 1, message))
        kept = [i for i, c in enumerate(sentence.text) if c in symbols]
        return Sentence(
            "".join(sentence.text[i] for i in kept), [sentence.origins[i] for i in kept], sentence.pause_after
        )


def _divide(sentence: Sentence) -> Iterator[Passage]:
    """A sentence as it is, or in pieces where it is too long: at a comma if there is one, else at a space."""
    text, origins = sentence.text, sentence.origins
    start = 0
    while len(text) - start > MAX_PASSAGE_SYMBOLS:
        end, pause = _cut(text, start, start + MAX_PASSAGE_SYMBOLS)
        yield _passage(text, origins, start, end, pause)
        start = end
    yield _passage(text, origins, start, len(text), sentence.pause_after)


def _cut(text: str, start: int, limit: int) -> tuple[int, float]:
    earliest = start + (limit - start) // 3
    for marks, pause in ((",;:…-", _CLAUSE_PAUSE), (" ", _WORD_PAUSE)):
        place = max(text.rfind(mark, earliest, limit) for mark in marks)
        if place >= 0:
            return place + 1, pause
    return limit, _WORD_PAUSE


def _passage(text: str, origins: list[int], start: int, end: int, pause: float) -> Passage:
    first = start
    while first < end and text[first] == " ":
        first += 1
    while end > first and text[end - 1] == " ":
        end -= 1
    return Passage(text[first:end], list(origins[first:end]), pause, begins_sentence=start == 0)


class TextMap:
    """The user's words by position, so that a mark spans whole words and not single code points."""

    def __init__(self, text: str, offset: int = 0) -> None:
        self._offset = offset
        self._spans = [match.span() for match in _TOKEN.finditer(text)]
        self._ends = [end for _, end in self._spans]

    def span(self, origins: list[int]) -> tuple[int, int]:
        """Start and end, in the user's text, of the words that symbols with these origins came from."""
        low, high = min(origins) - self._offset, max(origins) - self._offset
        start, end = low, high + 1
        for first, last in self._spans[bisect_right(self._ends, low) :]:
            if first > high:
                break
            start, end = min(start, first), max(end, last)
        return start + self._offset, end + self._offset


class TextFeed:
    """Pieces of text in, complete passages out; positions count from the beginning of the whole text.

    The last sentence is held until another follows, until it ends with a full stop and a space, until it grows
    beyond ``MAX_PENDING_CHARACTERS``, or until it is flushed.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._ends = set(reader.language.sentence_ends) | set(_ENDS) | {"\n"}
        self._base = 0
        self._pending = ""
        self._may_end = False

    def push(self, text: str, flush: bool = False) -> Reading:
        """Take the next piece (it may be empty); return what became complete, everything where ``flush``."""
        self._pending += text
        self._may_end = self._may_end or self._holds_end(text)
        if not self._pending or not (flush or self._may_end or len(self._pending) > MAX_PENDING_CHARACTERS):
            return Reading([], [])
        reading = self._reader.read_part(self._pending)
        held = 0 if flush else self._held(reading.passages)
        passages = reading.passages[: len(reading.passages) - held]
        end = min(reading.passages[-held].origins) if held else len(self._pending)
        notices = [notice for notice in reading.notices if notice.start < end]
        base, self._base, self._pending = self._base, self._base + end, self._pending[end:]
        self._may_end = self._holds_end(self._pending)
        return Reading(
            [replace(passage, origins=[base + origin for origin in passage.origins]) for passage in passages],
            [Notice(n.kind, base + n.start, base + n.end, n.message) for n in notices],
        )

    def _holds_end(self, text: str) -> bool:
        return not self._ends.isdisjoint(text)

    def _held(self, passages: list[Passage]) -> int:
        """How many passages at the end wait for more text."""
        if not passages:
            return 0
        if passages[-1].text.rstrip("\"'")[-1:] in _ENDS and self._pending[-1].isspace():
            return 0
        if len(self._pending) > MAX_PENDING_CHARACTERS:
            return 1 if len(passages) > 1 else 0
        return next(n for n, passage in enumerate(reversed(passages), 1) if passage.begins_sentence)
