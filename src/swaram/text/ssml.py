"""SSML (Speech Synthesis Markup Language 1.1, W3C 2010): the part of it that voices here can follow.

``speak``, ``p``, ``s``, ``break``, ``say-as``, ``sub``, ``phoneme`` (letters of the language), ``lang``, ``prosody``
(rate and pitch). ``emphasis``, ``mark`` and the volume are passed over with a notice; any other element is refused.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, NoReturn
from xml.parsers import expat

from swaram.errors import SwaramError
from swaram.languages import LanguageError, get_language
from swaram.text.lexicon import Lexicon
from swaram.text.notices import Notice
from swaram.text.sentences import LINE_PAUSE, SENTENCE_PAUSE, WORD_PAUSE, Sentence
from swaram.text.traced import TracedText, spread

if TYPE_CHECKING:
    from swaram.text.frontend import Analysis, TextFrontend

LONGEST_BREAK = 10.0  # seconds
SLOWEST, FASTEST, FARTHEST = 0.25, 4.0, 12.0  # times, times, semitones
_DEEPEST = 50
_PROLOGUE = r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>\s*)*"
_ROOT = re.compile(rf"{_PROLOGUE}<(?:\w+:)?speak[\s>/]", re.DOTALL)
_STRENGTHS = {"none": 0.0, "x-weak": 0.05, "weak": 0.15, "medium": 0.4, "strong": 0.7, "x-strong": 1.0}
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.5}
_PITCHES = {"x-low": -4.0, "low": -2.0, "medium": 0.0, "default": 0.0, "high": 2.0, "x-high": 4.0}
_READ_AS = (
    "characters", "spell-out", "verbatim", "digits", "telephone", "cardinal", "number", "ordinal", "date", "time",
    "currency", "unit", "address", "fraction",
)  # fmt: skip
_PASSED_OVER = {"emphasis", "mark", "metadata", "meta", "desc"}
_KNOWN = "speak, p, s, break, say-as, sub, phoneme, lang, prosody"
_SPELLING_ALPHABETS = ("", "x-spelling")
_CLOSING = re.compile(r"\s*[.,;:?!…।॥۔؟،؛\"')\]]+")
_TIME = re.compile(r"\+?(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})(ms|s)")
_PERCENT = re.compile(r"([+-]?)(\d{1,4}(?:\.\d{1,4})?)%")
_SEMITONES = re.compile(r"([+-]?\d{1,3}(?:\.\d{1,4})?)st")


class SsmlError(SwaramError):
    """Markup that cannot be followed; the message says where, and what to write."""


def is_ssml(text: str) -> bool:
    """Whether a text is an SSML document: its root element is ``speak``."""
    return "<" in text[:4096] and _ROOT.match(text[:4096]) is not None


@dataclass(frozen=True)
class Prosody:
    """How a stretch is spoken: ``speed`` times as fast, ``pitch`` semitones higher, in ``language`` where given."""

    speed: float = 1.0
    pitch: float = 0.0
    language: str | None = None


@dataclass
class Piece:
    """Some text, where each character stands in the markup, and as what it is read (interpret-as, format)."""

    text: str
    origins: list[int]
    read_as: tuple[str, str] | None = None


@dataclass
class Stretch:
    """Pieces that are read in one go, and what follows them.

    ``pause``: seconds of the pause after, ``None`` where the text itself decides; ``silence``: seconds of a break.
    """

    prosody: Prosody
    pieces: list[Piece] = field(default_factory=list)
    pause: float | None = None
    silence: float = 0.0


def parse_ssml(text: str) -> tuple[list[Stretch], list[Notice]]:
    """The stretches of a document, or of a part of one without its root; and what was passed over. Raises SsmlError."""
    return _Parser(text).parse()


def read_ssml(
    text: str, frontend_of: Callable[[str | None], "TextFrontend"], lexicons: Iterable[Lexicon] = ()
) -> "Analysis":
    """Sentences and notices of marked-up text; positions are those in the markup.

    ``frontend_of``: the front end of a language code, of the one that is read anyway where ``None``. Raises SsmlError,
    LanguageError, and what ``frontend_of`` raises.
    """
    from swaram.text.frontend import Analysis

    stretches, notices = parse_ssml(text)
    sentences: list[Sentence] = []
    waiting = 0.0  # a break before the first word
    lexicons = tuple(lexicons)
    for stretch in stretches:
        frontend = frontend_of(stretch.prosody.language)
        found = frontend.analyse(traced_pieces(stretch.pieces, frontend), lexicons)
        notices += found.notices
        own = [
            s._replace(speed=stretch.prosody.speed, pitch=stretch.prosody.pitch, language=stretch.prosody.language)
            for s in found.sentences
        ]
        if own and waiting:
            own[0], waiting = own[0]._replace(silence_before=waiting), 0.0
        sentences += own
        if not sentences:
            waiting += stretch.silence
            continue
        last = sentences[-1]
        if stretch.silence:
            last = last._replace(silence_after=last.silence_after + stretch.silence, pause_after=0.0)
        elif own and stretch.pause is not None:
            least = last.pause_after if last.text[-1] in ".?!" else 0.0
            last = last._replace(pause_after=max(stretch.pause, least))
        sentences[-1] = last
    return Analysis(sentences, sorted(notices, key=lambda notice: (notice.start, notice.end)))


def traced_pieces(pieces: list[Piece], frontend: "TextFrontend") -> TracedText:
    """The text of a stretch, each ``say-as`` read as it says; origins are places in the markup."""
    text, origins = "", list[int]()
    for piece in pieces:
        said = piece.text
        if piece.read_as is not None:
            said = f" {frontend.read_as(piece.text, *piece.read_as)} "
        text += said
        origins += piece.origins if said == piece.text else spread(piece.origins, 0, len(piece.origins), len(said))
    return TracedText(text, origins)


class _Parser:
    """Expat's events to stretches. A document type, and with it every entity of its own, is refused."""

    def __init__(self, text: str) -> None:
        self._text = text
        whole = is_ssml(text)
        content = text if whole else f"<speak>{text}</speak>"
        self._shift = 0 if whole else len("<speak>")
        widths = (len(_bytes(character)) for character in text)
        self._starts = [self._shift, *accumulate(widths, initial=0)][1:]
        self._data = b"".join(map(_bytes, content)) if not content.isascii() else content.encode()
        self._stretches: list[Stretch] = []
        self._notices: list[Notice] = []
        self._open: list[tuple[str, Prosody]] = []
        self._piece: Piece | None = None  # what say-as, sub and phoneme stand around
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def parse(self) -> tuple[list[Stretch], list[Notice]]:
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            place = self._place(self._parser.ErrorByteIndex)
            what = expat.ErrorString(error.code) or "not well formed"
            self._fail(f"{what}; write well-formed XML, with & as &amp; and < as &lt;", place)
        return [stretch for stretch in self._stretches if stretch.pieces or stretch.silence], self._notices

    def _fail(self, sentence: str, place: int | None = None) -> NoReturn:
        where = self._here() if place is None else place
        raise SsmlError(f"SSML, character {where}: {sentence}.")

    def _here(self) -> int:
        return self._place(self._parser.CurrentByteIndex)

    def _place(self, byte: int) -> int:
        found = bisect_right(self._starts, byte - self._shift) - 1
        return max(0, min(found, len(self._text) - 1))

    def _refuse_doctype(self, *_: object) -> None:
        self._fail("a document type is not read; leave <!DOCTYPE> out")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        prosody = self._open[-1][1] if self._open else Prosody()
        if not self._open and name != "speak":
            self._fail(f"the outermost element must be speak, not {name[:40]!r}")
        if len(self._open) >= _DEEPEST:
            self._fail(f"elements stand more than {_DEEPEST} deep in each other")
        if self._piece is not None and name not in _PASSED_OVER:
            self._fail(f"{name[:40]!r} cannot stand inside {self._open[-1][0]!r}, which holds text alone")
        if name in ("speak", "p", "s", "lang"):
            prosody = self._in_language(name, prosody, attributes)
        if name in ("p", "s"):
            self._close_stretch()
        elif name == "prosody":
            prosody = self._with_prosody(prosody, attributes)
        elif name == "break":
            self._break(attributes)
        elif name == "say-as":
            self._piece = Piece("", [], self._read_as(attributes))
        elif name == "sub":
            self._piece = Piece(self._needed(name, "alias", attributes), [])
        elif name == "phoneme":
            alphabet = attributes.get("alphabet", "")
            if alphabet not in _SPELLING_ALPHABETS:
                self._fail("phoneme takes a spelling in letters of the language; leave the alphabet out")
            self._piece = Piece(self._needed(name, "ph", attributes), [])
        elif name in _PASSED_OVER:
            self._note(f"{name} is passed over")
        elif name not in ("speak", "lang"):
            self._fail(f"the element {name[:40]!r} is not followed here; use {_KNOWN}")
        self._open.append((name, prosody))

    def _end(self, name: str) -> None:
        name, _ = self._open.pop()
        if name in ("p", "s"):
            self._close_stretch(LINE_PAUSE if name == "p" else SENTENCE_PAUSE)
        elif name in ("say-as", "sub", "phoneme") and self._piece is not None:
            piece, self._piece = self._piece, None
            if not piece.origins:
                piece.origins = [self._here()]
            if piece.text.strip():
                if piece.read_as is None:
                    piece.origins = list(spread(piece.origins, 0, len(piece.origins), len(piece.text)))
                self._stretch().pieces.append(piece)

    def _characters(self, text: str) -> None:
        name = self._open[-1][0] if self._open else ""
        if name in ("metadata", "desc"):
            return
        first = self._here()
        origins = list(range(first, first + len(text)))
        text = re.sub(r"[\r\n\t]", " ", text)
        if self._piece is not None:
            self._piece.origins += origins
            if self._piece.read_as is not None:
                self._piece.text += text
            return
        # Marks that follow an element belong to what stands in it.
        closing = _CLOSING.match(text)
        if closing and self._stretches and self._stretches[-1].pieces and not self._stretches[-1].silence:
            end = closing.end()
            if self._stretches[-1].pause in (None, WORD_PAUSE):
                self._stretches[-1].pieces.append(Piece(text[:end], origins[:end]))
                text, origins = text[end:], origins[end:]
        if text.strip() or (text and self._stretches and self._is_current(self._stretches[-1])):
            self._stretch().pieces.append(Piece(text, origins))

    def _is_current(self, stretch: Stretch) -> bool:
        return stretch.pause is None and not stretch.silence and stretch.prosody == self._open[-1][1]

    def _stretch(self) -> Stretch:
        """The stretch that goes on here; a new one where another prosody begins."""
        if not self._stretches or not self._is_current(self._stretches[-1]):
            self._close_stretch(WORD_PAUSE)
            self._stretches.append(Stretch(self._open[-1][1]))
        return self._stretches[-1]

    def _close_stretch(self, pause: float = WORD_PAUSE) -> None:
        if self._stretches and not self._stretches[-1].silence:
            self._stretches[-1].pause = max(pause, self._stretches[-1].pause or 0.0)

    def _break(self, attributes: dict[str, str]) -> None:
        strength = attributes.get("strength", "medium")
        if strength not in _STRENGTHS:
            self._fail(f"break strength must be one of {', '.join(_STRENGTHS)}")
        seconds = _STRENGTHS[strength]
        if "time" in attributes:
            match = _TIME.fullmatch(attributes["time"].strip())
            if match is None:
                self._fail("break time must be seconds or milliseconds, such as 1.5s or 500ms")
            seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
        if seconds > LONGEST_BREAK:
            self._fail(f"a break lasts at most {LONGEST_BREAK:g} seconds; write several, or a shorter one")
        if seconds:
            if not self._stretches:
                self._stretches.append(Stretch(Prosody()))
            self._stretches[-1].silence += seconds

    def _in_language(self, name: str, prosody: Prosody, attributes: dict[str, str]) -> Prosody:
        tag = attributes.get("xml:lang", attributes.get("lang", ""))
        if not tag:
            if name == "lang":
                self._fail("lang needs xml:lang, such as xml:lang='ta'")
            return prosody
        try:
            return replace(prosody, language=get_language(tag).code)
        except LanguageError as error:
            raise SsmlError(f"SSML, character {self._here()}: {error}") from None

    def _with_prosody(self, prosody: Prosody, attributes: dict[str, str]) -> Prosody:
        if extra := set(attributes) - {"rate", "pitch", "volume"}:
            self._fail(f"prosody has rate and pitch here, not {min(extra)[:40]!r}")
        if "volume" in attributes:
            self._note("prosody volume is passed over")
        speed = prosody.speed * self._rate(attributes.get("rate", "default").strip())
        pitch = prosody.pitch + self._pitch(attributes.get("pitch", "default").strip())
        if not SLOWEST <= speed <= FASTEST:
            self._fail(f"prosody rate comes to {speed:g} times, where {SLOWEST:g} to {FASTEST:g} can be spoken")
        if abs(pitch) > FARTHEST:
            self._fail(f"prosody pitch comes to {pitch:g} semitones, where {FARTHEST:g} up or down can be spoken")
        return replace(prosody, speed=speed, pitch=pitch)

    def _rate(self, written: str) -> float:
        if written in _RATES:
            return _RATES[written]
        if match := _PERCENT.fullmatch(written):
            share = float(match[2]) / 100
            return {"": share, "+": 1 + share, "-": 1 - share}[match[1]]
        if re.fullmatch(r"\d{1,3}(?:\.\d{1,4})?", written):
            return float(written)
        self._fail(f"prosody rate must be one of {', '.join(_RATES)}, or a share such as 80% or +20%")

    def _pitch(self, written: str) -> float:
        if written in _PITCHES:
            return _PITCHES[written]
        if match := _SEMITONES.fullmatch(written):
            return float(match[1])
        if (match := _PERCENT.fullmatch(written)) and match[1]:
            factor = 1 + float(match[1] + match[2]) / 100
            if factor > 0:
                return 12 * math.log2(factor)
        self._fail(f"prosody pitch must be one of {', '.join(_PITCHES)}, or a change such as +2st or -10%")

    def _read_as(self, attributes: dict[str, str]) -> tuple[str, str]:
        kind = self._needed("say-as", "interpret-as", attributes)
        if kind not in _READ_AS:
            self._fail(f"say-as interpret-as must be one of {', '.join(_READ_AS)}")
        return kind, attributes.get("format", "")

    def _needed(self, element: str, name: str, attributes: dict[str, str]) -> str:
        if not attributes.get(name, "").strip():
            self._fail(f"{element} needs the attribute {name}")
        return attributes[name]

    def _note(self, sentence: str) -> None:
        here = self._here()
        self._notices.append(Notice("dropped", here, here + 1, f"SSML: {sentence}."))


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "replace") if not "\ud800" <= character <= "\udfff" else b"\xef\xbf\xbd"
