"""Text, whole or as it is written, to passages: what the front end reads in one go, at most a sentence.

Each passage keeps its place in the user's text.
"""

import copy
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from swaram.languages import Language
from swaram.text.frontend import Analysis, Notice, TextFrontend
from swaram.text.lexicon import Lexicon
from swaram.text.sentences import Sentence
from swaram.text.ssml import SsmlError, is_ssml, read_ssml
from swaram.voice.errors import SpeechError
from swaram.voice.phonemes import Phonemizer, decompose, given_phonemes
from swaram.voice.voice import Voice

MAX_PASSAGE_SYMBOLS = 240
MAX_PENDING_CHARACTERS = 1200
_ENDS = ".?!"
_CLAUSE_PAUSE, _WORD_PAUSE = 0.15, 0.0
_SSML_BEGINS = ("<speak>", "<speak ", "<speak\n", "<speak\t", "<speak/", "<?xml")
_TOKEN = re.compile(r"""\d+(?:[.,:/-]\d+)*|[^\s.,;:!?…"'()\[\]{}<>|।॥۔؟،؛]+""")
_WORD = re.compile(r"""[^\s!"',.:;?…-]+(?:['-][^\s!"',.:;?…-]+)*""")


@dataclass(frozen=True)
class Passage:
    """Symbols to speak, where in the user's text each came from, and the pause after them in seconds.

    ``speed`` (times) and ``pitch`` (semitones) come on top of the request's; ``silence_before`` and ``silence_after``
    (seconds) are heard whatever the pauses are; ``language`` stands where it is not the request's.
    """

    text: str
    origins: list[int] = field(repr=False)
    pause_after: float
    begins_sentence: bool = True
    speed: float = 1.0
    pitch: float = 0.0
    silence_before: float = 0.0
    silence_after: float = 0.0
    language: str | None = None

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
    """Text of one language to passages that a voice can read. Of ``lexicons`` the earlier come before the later."""

    def __init__(self, voice: Voice, language: str | None = None, lexicons: Iterable[Lexicon] = ()) -> None:
        self._voice = voice
        self._lexicons = tuple(lexicons)
        self._frontend = TextFrontend(voice.find_language(language))
        self._others: dict[str, TextFrontend] = {}
        side = voice.manifest.text
        self._phonemizer = Phonemizer(side.espeak_voice) if side.symbols == "phonemes" else None

    @property
    def language(self) -> Language:
        """The language that is read."""
        return self._frontend.language

    def with_lexicon(self, lexicon: Lexicon) -> "Reader":
        """The same reader with one more lexicon, which comes before the others."""
        reader = copy.copy(self)
        reader._lexicons = (lexicon, *self._lexicons)
        return reader

    def read(self, text: str, ssml: bool | None = None) -> Reading:
        """Read a whole text, as SSML where ``ssml`` says so or (``None``) its root is ``<speak>``.

        Raises SpeechError when nothing in it can be spoken, SsmlError when the markup cannot be followed.
        """
        if not text.strip():
            raise SpeechError("The text is empty; send some words to speak.")
        reading = self.read_part(text, ssml)
        if not reading.passages:
            name = self._frontend.language.name
            raise SpeechError(f"Nothing in the text can be spoken: it holds no words of {name}.")
        return reading

    def read_part(self, text: str, ssml: bool | None = None) -> Reading:
        """Read a text, or a piece of one; it may hold nothing to speak."""
        if ssml if ssml is not None else is_ssml(text):
            analysis = read_ssml(text, self._frontend_of, self._lexicons)
            sentences, notices = self._voiced(analysis), list(analysis.notices)
        else:
            sentences, notices = self._sentences(text)
        passages = [
            passage
            for sentence in sentences
            for passage in _divide(self._known(sentence, notices))
            if any(c.isalnum() for c in passage.text)
        ]
        return Reading(passages, notices)

    def _frontend_of(self, language: str | None) -> TextFrontend:
        """The front end of a stretch of SSML. English is read by every voice, in its own language's letters."""
        if language is None or language == self.language.code:
            return self._frontend
        if language not in self._voice.languages:
            if language == "en-IN":
                return self._frontend
            reads = ", ".join(self._voice.languages)
            raise SsmlError(
                f"SSML: the voice {self._voice.name} reads {reads}, not {language}; leave that language out."
            )
        if language not in self._others:
            self._others[language] = TextFrontend(language)
        return self._others[language]

    def _voiced(self, analysis: Analysis) -> list[Sentence]:
        """The sentences of SSML as this voice reads them."""
        for sentence in analysis.sentences:
            self._voice.pitch_factor(sentence.pitch)
        sentences = [
            sentence if sentence.language in self._voice.languages else sentence._replace(language=None)
            for sentence in analysis.sentences
        ]
        if self._phonemizer is None:
            return sentences
        read = self._phonemizer.read(sentences)
        return [old._replace(text=new.text, origins=new.origins) for old, new in zip(sentences, read, strict=True)]

    def _sentences(self, text: str) -> tuple[list[Sentence], list[Notice]]:
        if self._phonemizer is None:
            analysis = self._frontend.analyse(text, self._lexicons)
            return analysis.sentences, list(analysis.notices)
        sentences: list[Sentence] = []
        notices: list[Notice] = []
        for start, piece, given in given_phonemes(text):
            if given:
                sentences.append(decompose(piece, start))
                continue
            analysis = self._frontend.analyse(piece, self._lexicons)
            read = self._phonemizer.read(analysis.sentences)
            sentences += [s._replace(origins=[start + origin for origin in s.origins]) for s in read]
            notices += [Notice(n.kind, start + n.start, start + n.end, n.message) for n in analysis.notices]
        return sentences, notices

    def _known(self, sentence: Sentence, notices: list[Notice]) -> Sentence:
        """The sentence as this voice writes it, without symbols that it has never seen."""
        symbols = self._voice.symbols
        if symbols.spellings:
            text, origins = symbols.spell(sentence.text, sentence.origins)
            sentence = sentence._replace(text=text, origins=origins)
        unknown = [i for i, c in enumerate(sentence.text) if c not in symbols]
        if not unknown:
            return sentence
        for i in unknown:
            place = sentence.origins[i]
            message = f"dropped {sentence.text[i]!r}: the voice {self._voice.name} does not know it."
            notices.append(Notice("dropped", place, place + 1, message))
        kept = [i for i, c in enumerate(sentence.text) if c in symbols]
        text, origins = "".join(sentence.text[i] for i in kept), [sentence.origins[i] for i in kept]
        return sentence._replace(text=text, origins=origins)


def _divide(sentence: Sentence) -> Iterator[Passage]:
    """A sentence as it is, or in pieces where it is too long: at a comma if there is one, else at a space."""
    text = sentence.text
    start = 0
    while len(text) - start > MAX_PASSAGE_SYMBOLS:
        end, pause = _cut(text, start, start + MAX_PASSAGE_SYMBOLS)
        yield _passage(sentence, start, end, pause)
        start = end
    yield _passage(sentence, start, len(text), sentence.pause_after)


def _cut(text: str, start: int, limit: int) -> tuple[int, float]:
    earliest = start + (limit - start) // 3
    for marks, pause in ((",;:…-", _CLAUSE_PAUSE), (" ", _WORD_PAUSE)):
        place = max(text.rfind(mark, earliest, limit) for mark in marks)
        if place >= 0:
            return place + 1, pause
    return limit, _WORD_PAUSE


def _passage(sentence: Sentence, start: int, end: int, pause: float) -> Passage:
    text, first = sentence.text, start
    last = end == len(text)
    while first < end and text[first] == " ":
        first += 1
    while end > first and text[end - 1] == " ":
        end -= 1
    return Passage(
        text[first:end],
        list(sentence.origins[first:end]),
        pause,
        begins_sentence=start == 0,
        speed=sentence.speed,
        pitch=sentence.pitch,
        silence_before=sentence.silence_before if start == 0 else 0.0,
        silence_after=sentence.silence_after if last else 0.0,
        language=sentence.language,
    )


class TextMap:
    """The user's words by position, so that a mark spans whole words and not single code points.

    The text may come in pieces: only the last word is looked at again with the next one.
    """

    def __init__(self, text: str = "") -> None:
        self._spans: list[tuple[int, int]] = []
        self._ends: list[int] = []
        self._rest, self._base = "", 0
        self.extend(text)

    def extend(self, text: str) -> None:
        """Take the next piece of the text."""
        if self._spans and self._spans[-1][0] >= self._base:
            self._spans.pop()
            self._ends.pop()
        self._rest += text
        found = [(self._base + match.start(), self._base + match.end()) for match in _TOKEN.finditer(self._rest)]
        self._spans += found
        self._ends += [end for _, end in found]
        if found:
            self._rest, self._base = self._rest[found[-1][0] - self._base :], found[-1][0]

    def span(self, origins: list[int]) -> tuple[int, int]:
        """Start and end, in the user's text, of the words that symbols with these origins came from."""
        low, high = min(origins), max(origins)
        start, end = low, high + 1
        for place in range(bisect_right(self._ends, low), len(self._spans)):
            first, last = self._spans[place]
            if first > high:
                break
            start, end = min(start, first), max(end, last)
        return start, end


class TextFeed:
    """Pieces of text in, complete passages out; positions count from the beginning of the whole text.

    The last sentence is held until another follows, until it ends with a full stop and a space, until it grows
    beyond ``MAX_PENDING_CHARACTERS``, or until it is flushed. SSML is read when it is flushed: markup is whole or
    cannot be followed. ``ssml``: whether the text is SSML; where ``None``, it is if it begins with ``<speak``.
    """

    def __init__(self, reader: Reader, ssml: bool | None = None) -> None:
        self._reader, self._ssml = reader, ssml
        self._ends = set(reader.language.sentence_ends) | set(_ENDS) | {"\n"}
        self._base = 0
        self._pending = ""
        self._may_end = False

    def push(self, text: str, flush: bool = False) -> Reading:
        """Take the next piece (it may be empty); return what became complete, everything where ``flush``."""
        self._pending += text
        self._may_end = self._may_end or self._holds_end(text)
        if self._ssml is None and (begun := self._pending.lstrip()):
            if flush:
                self._ssml = is_ssml(self._pending)
            elif not _may_become_ssml(begun):
                self._ssml = begun.startswith(_SSML_BEGINS)
            else:
                return Reading([], [])
        if self._ssml:
            return self._whole() if flush and self._pending else Reading([], [])
        if not self._pending or not (flush or self._may_end or len(self._pending) > MAX_PENDING_CHARACTERS):
            return Reading([], [])
        reading = self._reader.read_part(self._pending, ssml=False)
        held = 0 if flush else self._held(reading.passages)
        passages = reading.passages[: len(reading.passages) - held]
        end = min(reading.passages[-held].origins) if held else len(self._pending)
        notices = [notice for notice in reading.notices if notice.start < end]
        base, self._base, self._pending = self._base, self._base + end, self._pending[end:]
        self._may_end = self._holds_end(self._pending)
        return _shifted(Reading(passages, notices), base)

    def _whole(self) -> Reading:
        reading = self._reader.read_part(self._pending, ssml=True)
        base, self._base, self._pending = self._base, self._base + len(self._pending), ""
        return _shifted(reading, base)

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


def _may_become_ssml(begun: str) -> bool:
    """Whether a text that goes on may still turn out to begin as SSML does."""
    return any(beginning.startswith(begun) for beginning in _SSML_BEGINS)


def _shifted(reading: Reading, base: int) -> Reading:
    """A reading with positions from the beginning of the whole text."""
    return Reading(
        [replace(passage, origins=[base + origin for origin in passage.origins]) for passage in reading.passages],
        [Notice(n.kind, base + n.start, base + n.end, n.message) for n in reading.notices],
    )
