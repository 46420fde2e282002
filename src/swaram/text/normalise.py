"""Normalisation: what looks the same becomes the same, whichever keyboard typed it."""

import re
import unicodedata
from functools import cache

from swaram.languages import Language, get_language
from swaram.text.letters import alternation, ranges_of
from swaram.text.tables import load_table
from swaram.text.traced import TracedText, spread


def class_of_marks(first: int, end: int) -> str:
    """The inside of a character class of every combining mark from ``first`` to before ``end``."""
    points = [point for point in range(first, end) if unicodedata.category(chr(point))[0] == "M"]
    return ranges_of(points)


ZWNJ, ZWJ = "\u200c", "\u200d"

_SPACES = "\t\v\f\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\ufeff"
_LINE_ENDS = "\r\n\x1c\x1d\x1e\x85\u2028\u2029"
_DOUBLE_QUOTES = "“”„‟«»〝〞＂″ˮ"
_SINGLE_QUOTES = "‘’‚‛‹›′`´ʼ＇ʹ"
_DASHES = "‐‑‒–—―−﹘﹣－⁃﹘⸺⸻"
# Soft hyphen, zero-width space, word joiner, tatweel and the marks of direction: they have no sound.
_INVISIBLE = (
    "\xad\u200b\u2060\u0640\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufe0e\ufe0f"
)
_DIGITS = [point for point in range(0x80, 0x20000) if unicodedata.category(chr(point)) == "Nd"]
# Full-width and Arabic presentation forms and Latin letters with accents are written plainly.
_COMPATIBLE = re.compile("[\uff01-\uff5e\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc\u2100-\u214f\xaa\xba]")
_ACCENTED = re.compile("[\xc0-\xd6\xd8-\xf6\xf8-\u024f\u1e00-\u1eff]")
# Nobody writes more marks on one letter; ordering them canonically takes the square of their number.
_LONGEST_RUN = 8
# A class within the first 65,536 characters, at the very beginning of a pattern, is looked for forty times as fast.
_MARK = f"[{class_of_marks(0x300, 0x10000)}]"
_MARK_RUN = re.compile(f"{_MARK}{_MARK}{{{_LONGEST_RUN},}}")
_RARE_MARK_RUN = re.compile(f"[{class_of_marks(0x300, 0x1F000)}]{{{_LONGEST_RUN + 1},}}")
_RARE = re.compile("[\U00010000-\U0010ffff]")
_SPACE_RUN = re.compile(" {2,}")
_PLAIN_LATIN = {
    "Æ": "AE",
    "æ": "ae",
    "Ø": "O",
    "ø": "o",
    "ß": "ss",
    "Œ": "OE",
    "œ": "oe",
    "Đ": "D",
    "đ": "d",
    "Ł": "L",
    "ł": "l",
}


class Normaliser:
    """Normalises the text of one language; built from the ``forms`` and ``joiners`` of its data file.

    ``forms`` are pairs (what is typed, what is kept); ``joiners`` is a regular expression for places where
    ZWJ or ZWNJ changes the reading and stays; everywhere else both are removed.

    Malayalam keeps neither: consonant + virama + ZWJ becomes the atomic chillu, and what is left (ഫലിയ്‌ക്കുന്നു)
    only asks the font not to join letters: the reading is the same with and without.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        table = load_table(language.code)
        self._signs = {**_common_signs()}
        forms = {unicodedata.normalize("NFC", old): new for old, new in table.get("forms", [])}
        self._forms = forms
        self._form_pattern = re.compile(alternation(forms)) if forms else None
        kept = table.get("joiners", "")
        self._joiners = re.compile((f"({kept})|" if kept else "()") + f"[{ZWNJ}{ZWJ}]+")
        frequent = [sign for sign in self._signs if sign <= "\uffff"]
        self._sign_pattern = re.compile("[" + "".join(map(re.escape, frequent)) + "]")
        # Whatever one of the three patterns of single characters would find.
        self._plainable = re.compile(
            f"[{_COMPATIBLE.pattern[1:-1]}{_ACCENTED.pattern[1:-1]}{self._sign_pattern.pattern[1:-1]}]"
        )
        rare = [sign for sign in self._signs if sign > "\uffff"]
        self._rare_sign_pattern = re.compile("[" + "".join(map(re.escape, rare)) + "]")

    def normalise(self, text: TracedText | str) -> TracedText:
        """Normalised text, its origins kept. Idempotent; no length limit; linear time."""
        traced = TracedText(text) if isinstance(text, str) else text
        rare = _RARE.search(traced.text) is not None
        if not traced.text.isascii():
            traced = traced.rewrite(_MARK_RUN, lambda m: m.group()[:_LONGEST_RUN])
            if rare:
                traced = traced.rewrite(_RARE_MARK_RUN, lambda m: m.group()[:_LONGEST_RUN])
        for _ in range(4):
            before = traced.text
            traced = compose(traced)
            if rare or self._plainable.search(traced.text):
                traced = traced.rewrite(_COMPATIBLE, _compatible)
                traced = traced.rewrite(_ACCENTED, _without_accents)
                traced = traced.rewrite(self._sign_pattern, lambda m: self._signs[m.group()])
                traced = traced.rewrite(self._rare_sign_pattern, lambda m: self._signs[m.group()])
            if "  " in traced.text:
                traced = traced.rewrite(_SPACE_RUN, lambda m: " ")
            if self._form_pattern:
                traced = traced.rewrite(self._form_pattern, lambda m: self._forms[m.group()])
            if ZWNJ in traced.text or ZWJ in traced.text:
                traced = traced.rewrite(self._joiners, lambda m: m.group(1) or "")
            if traced.text == before:
                break
        return traced


@cache
def normaliser(code: str) -> Normaliser:
    """The (shared) normaliser of a language."""
    return Normaliser(get_language(code))


def normalise(text: str, language: str) -> str:
    """Normalise text of a language; the front end does this and more."""
    return normaliser(language).normalise(text).text


def compose(traced: TracedText) -> TracedText:
    """Canonical composition (NFC), character run by character run, so that origins stay exact."""
    if is_composed(traced.text):
        return traced
    text, origins = traced.text, traced.origins
    pieces: list[str] = []
    kept: list[int] = []
    done = 0
    for start, end in _runs(text):
        run = text[start:end]
        new = unicodedata.normalize("NFC", run)
        if new == run:
            continue
        pieces += (text[done:start], new)
        kept.extend(origins[done:start])
        kept.extend(spread(origins, start, end, len(new)))
        done = end
    pieces.append(text[done:])
    kept.extend(origins[done:])
    return TracedText("".join(pieces), kept, traced.log)


def is_composed(text: str) -> bool:
    """Whether a text is in canonical composition (NFC). Looks for what could break it before it composes the whole."""
    if text.isascii():
        return True
    ever, pair, order = _suspicious()
    if not (ever.search(text) or pair.search(text) or order.search(text) or _RARE.search(text)):
        return True
    return unicodedata.is_normalized("NFC", text)


@cache
def _suspicious() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What a text that is not composed must hold: a character that never is; two that compose; marks out of order.

    Each also finds some text that is composed. The second halves of pairs with Latin, Greek or Cyrillic letters count
    among the first kind, because the other halves are frequent.
    """
    ever: set[int] = {*range(0x1160, 0x1200)}
    firsts: set[int] = set()
    seconds: set[int] = set()
    marks: set[int] = set()
    after_nukta: set[int] = set()
    for point in range(0x80, 0x10000):
        character = chr(point)
        parts = unicodedata.decomposition(character)
        if not unicodedata.is_normalized("NFC", character):
            ever.add(point)
        elif parts and not parts.startswith("<"):
            first, second = (int(part, 16) for part in parts.split())
            if first < 0x600:
                ever.add(second)
            else:
                firsts.add(first)
                seconds.add(second)
        if 0 < unicodedata.combining(character) < 7:
            ever.add(point)
        last = unicodedata.combining(unicodedata.normalize("NFD", character)[-1])
        if unicodedata.combining(character):
            marks.add(point)
        if last > 7:
            after_nukta.add(point)
        elif last == 7:
            firsts.add(point)
    return (
        re.compile(f"[{ranges_of(sorted(ever))}]"),
        re.compile(f"[{ranges_of(sorted(firsts))}][{ranges_of(sorted(seconds))}]"),
        re.compile(f"[{ranges_of(sorted(after_nukta))}][{ranges_of(sorted(marks))}]"),
    )


def _runs(text: str) -> list[tuple[int, int]]:
    """Spans that composition may change: a character with its marks, or one that is itself not composed."""
    spans = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not _joins_back(text[place]):
            if place - start > 1 or not unicodedata.is_normalized("NFC", text[start:place]):
                spans.append((start, place))
            start = place
    return spans


@cache
def _joins_back(character: str) -> bool:
    """Whether a character may combine with what stands before it."""
    return (
        unicodedata.category(character)[0] == "M"
        or unicodedata.combining(character) != 0
        or 0x1161 <= ord(character) <= 0x11C2
    )


def _compatible(match: re.Match[str]) -> str | None:
    """The plain form of a character; the sign º after a number is a degree."""
    before = match.string[max(0, match.start() - 2) : match.start()].rstrip(" ")
    if match.group() == "\xba" and before[-1:].isdigit():
        return None
    return unicodedata.normalize("NFKC", match.group())


def _without_accents(match: re.Match[str]) -> str:
    character = match.group()
    plain = unicodedata.normalize("NFD", character)[0]
    return plain if plain.isascii() else _PLAIN_LATIN.get(character, character)


@cache
def _common_signs() -> dict[str, str]:
    signs = {c: '"' for c in _DOUBLE_QUOTES} | {c: "'" for c in _SINGLE_QUOTES} | {c: "-" for c in _DASHES}
    signs |= {c: "\n" for c in _LINE_ENDS if c != "\n"} | dict.fromkeys(_INVISIBLE, "") | dict.fromkeys(_SPACES, " ")
    signs |= {chr(point): str(unicodedata.digit(chr(point))) for point in _DIGITS}
    return signs
