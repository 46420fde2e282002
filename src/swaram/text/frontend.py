"""The text front end: a user's text in, sentences of symbols and notices out."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from swaram.errors import SwaramError
from swaram.languages import Language, get_language
from swaram.text.acronyms import COMMON, NUMBERED, TITLES, camel, is_formula, plural, pronounceable, roman
from swaram.text.emoji import name_emoji
from swaram.text.endings import with_ending
from swaram.text.english import english_reader, is_acronym
from swaram.text.letters import letters_of_scripts
from swaram.text.lexicon import Lexicon, apply_lexicons
from swaram.text.normalise import compose, normaliser
from swaram.text.notices import Notice, Notices
from swaram.text.quantities import Quantities
from swaram.text.say_as import SayAs
from swaram.text.sentences import LONGEST, Sentence, split_sentences
from swaram.text.signs import Signs
from swaram.text.symbols import PUNCTUATION, SPACE, letters_of
from swaram.text.tidy import tidy
from swaram.text.traced import TracedText

_PLAIN = {
    "।": ".", "॥": ".", "۔": ".", "᱾": ".", "᱿": ".", "꯫": ".", "꫰": ",", "꫱": "?", "؟": "?", "،": ",", "؛": ";",
    "(": ",", ")": ",", "[": ",", "]": ",", "{": ",", "}": ",", "\\": " ", "_": " ", "^": " ", "$": " ", "<": " ",
    ">": " ", "॰": ".",
}  # fmt: skip
# Longer runs of letters are no words: they are read in parts, so that time stays linear.
# In text that is English anyway, only words with capitals or without a vowel need a second look.
_LONGEST_PART = 40
_CAPITAL = re.compile(rf"[A-Z](?:(?=')|[A-Za-z]{{0,{_LONGEST_PART}}})")
_VOWELLESS = re.compile(r"[^A-Za-z'][bcdfghjklmnpqrstvwxz]{2,5}(?![A-Za-z'])")
_VOWELLESS_FIRST = re.compile(r"[bcdfghjklmnpqrstvwxz]{2,5}(?![A-Za-z'])")
_TITLES, _NUMBERED = (
    "(?:" + "|".join(f"[{w[0].upper()}{w[0]}]{w[1:]}" for w in sorted(words)) + ")" for words in (TITLES, NUMBERED)
)
_NUMERAL = r"(?P<n>[IVXL]{1,8})(?![A-Za-z'])(?!\.[A-Z])"
_ROMAN = re.compile(rf"(?P<before>(?<![A-Za-z])(?:(?P<name>{_TITLES}(?: [A-Z][a-z]+)? )|{_NUMBERED}[ -])){_NUMERAL}")
_ROMAN_RUN = re.compile(r"[a-z][ -][IVXL]{1,8}(?![A-Za-z])")
# Three or more words in a row in nothing but capitals are shouted, not spelled.
_SHOUTED = re.compile(r"(?<![A-Za-z])[A-Z]+(?:'[A-Z]+)?(?:[ ,;:.!?-]{1,2}[A-Z]+(?:'[A-Z]+)?){2,200}(?![A-Za-z])")
_SHOUTED_RUN = re.compile(r"[A-Z]{2,}[ .!?,] ?[A-Z]+")
_LATIN = r"([A-Za-z][A-Za-z]{0,39}(?:'[A-Za-z]{1,8})?)"


def _lowered(match: re.Match[str]) -> str | None:
    """A run of capitals in small letters, where it holds a word that only sentences have; acronyms in it stay."""
    words = re.findall(r"[A-Z']+", match.group())
    common = sum(word.lower() in COMMON for word in words)
    if not common or (common < 2 and len(words) > 6):
        return None
    return re.sub(
        r"[A-Z']+",
        lambda word: (
            word.group() if len(word.group()) > 1 and not pronounceable(word.group().lower()) else word.group().lower()
        ),
        match.group(),
    )


class TextError(SwaramError):
    """Text that cannot be spoken whole, where that was asked for (strict)."""


@dataclass(frozen=True)
class Analysis:
    """The sentences to speak and the notices about what was dropped, refused or assumed."""

    sentences: list[Sentence]
    notices: list[Notice]


class Explanation(NamedTuple):
    """One thing that a rule read: the step, the rule, the span in the user's text, what stood there, how it is said.

    ``before`` is the text as the steps before had left it.
    """

    step: str
    rule: str
    start: int
    end: int
    before: str
    said: str


class TextFrontend:
    """Turns any text of one language into sentences of that language's symbols.

    Args:
        language: a language or its code.
        strict: whether text that cannot be spoken is an error instead of a notice.
        longest: the most symbols of one sentence; longer ones are cut at clause ends, else between words.
        emoji: "drop" leaves emoji out with a notice; "name" reads their English names, as English words are read.

    Raises:
        LanguageError: for a code that is not offered.
        TextError: for another value of ``emoji``.
    """

    def __init__(
        self, language: Language | str, *, strict: bool = False, longest: int = LONGEST, emoji: str = "drop"
    ) -> None:
        self.language = get_language(language) if isinstance(language, str) else language
        if emoji not in ("drop", "name"):
            raise TextError(f"text: emoji must be 'drop' or 'name', not {emoji!r}; choose one of the two.")
        self.strict, self.longest, self.emoji = strict, longest, emoji
        code = self.language.code
        self._normaliser = normaliser(code)
        self._signs = Signs(self.language)
        self._quantities = Quantities(self.language)
        self._say_as = SayAs(self._quantities)
        self._english = english_reader(code)
        own = letters_of_scripts(self.language.scripts) if self.language.script.name != "Latin" else ""
        self._latin = re.compile(_LATIN + (f"(?:-?([{own}]{{1,24}}))?" if own else "()"))
        self._letters = frozenset(letters_of(code))
        self._plain = re.compile("[" + re.escape("".join(_PLAIN)) + "]")
        # A class that begins a pattern is looked for many times as fast as a repeated one.
        unknown = "[^" + re.escape(letters_of(code) + SPACE + PUNCTUATION) + "\n]"
        self._unknown = re.compile(f"{unknown}{unknown}*")

    def steps(
        self, notices: Notices, lexicons: Iterable[Lexicon] = ()
    ) -> list[tuple[str, Callable[[TracedText], TracedText]]]:
        """The steps in order, each by name, from the user's text to symbols."""
        lexicons, code = tuple(lexicons), self.language.code
        return [
            ("normalised", self._normaliser.normalise),
            *([("lexicon", lambda traced: self._spelled(traced, lexicons, code))] if lexicons else []),
            *([("emoji", name_emoji)] if self.emoji == "name" else []),
            ("addresses", self._signs.addresses),
            ("units", self._signs.units),
            ("abbreviations", self._signs.abbreviations),
            ("numbers", lambda traced: self._quantities.expand(traced, notices)),
            ("signs", self._signs.single),
            ("English", lambda traced: self._read_english(traced, notices)),
            ("symbols", lambda traced: tidy(self._known(compose(traced), notices))),
        ]

    def analyse(self, text: str | TracedText, lexicons: Iterable[Lexicon] = ()) -> Analysis:
        """Sentences and notices of any string. Of ``lexicons`` the earlier come before the later.

        Raises:
            TextError: only where ``strict`` is on and something had to be left out.
        """
        notices = Notices()
        traced = TracedText(text) if isinstance(text, str) else text
        for _, step in self.steps(notices, lexicons):
            traced = step(traced)
        found = sorted(notices.list, key=lambda notice: (notice.start, notice.end))
        if self.strict:
            for notice in found:
                if notice.kind != "assumed":
                    raise TextError(f"text, character {notice.start}: {notice.message}")
        return Analysis(split_sentences(traced, self.longest), found)

    def read_as(self, text: str, what: str, form: str = "") -> str:
        """``text`` as ``say-as`` of SSML has it (interpret-as, format); unchanged where the rules read it anyway."""
        return self._say_as.read(self._normaliser.normalise(text).text, what, form)

    def explain(self, text: str | TracedText, lexicons: Iterable[Lexicon] = ()) -> list[Explanation]:
        """Which rule read what, in the order of the steps and, within a step, of the text.

        Only what a rule names is told: letters that stay as they are, and punctuation, are not.
        """
        traced = TracedText(text, log=[]) if isinstance(text, str) else TracedText(text.text, text.origins, [])
        explained: list[Explanation] = []
        for step, work in self.steps(Notices(), lexicons):
            before = len(traced.log or [])
            traced = work(traced)
            explained += [Explanation(step, *entry) for entry in (traced.log or [])[before:]]
        return explained

    def _spelled(self, traced: TracedText, lexicons: tuple[Lexicon, ...], code: str) -> TracedText:
        spelled = apply_lexicons(traced, lexicons, code)
        return traced if spelled is traced else self._normaliser.normalise(spelled)

    def _read_english(self, traced: TracedText, notices: Notices) -> TracedText:
        """Latin words, where Latin is not the language's script, are read as English; capitals by letter."""
        if _ROMAN_RUN.search(traced.text):
            traced = traced.rewrite(_ROMAN, self._roman, "Roman numeral")
        if _SHOUTED_RUN.search(traced.text):
            traced = traced.rewrite(_SHOUTED, _lowered, "words in capitals")
        if self.language.script.name == "Latin":
            return self._read_capitals(traced)
        text = traced.text

        def write(match: re.Match[str]) -> str:
            said, how = self._hear(match[1])
            start, end = match.span()
            notices.assumed(traced, start, match.end(1), how)
            if match[2]:
                joining = self._quantities.joining
                inflected = joining.inflect(joining.name(said), match[2])
                said = inflected or with_ending(
                    said, match[2], joining.glued and (text[match.end(1)] == "-" or len(match[2]) <= 6)
                )
            if end < len(text) and text[end] in self._letters:
                said += " "
            return " " + said if start and text[start - 1] in self._letters else said

        return traced.rewrite(self._latin, write, "English")

    def _read_capitals(self, traced: TracedText) -> TracedText:
        """Words that need a second look in text that is English anyway: with capitals, or without a vowel."""
        text = traced.text
        found = []
        for match in _CAPITAL.finditer(text):
            start, end = match.span()
            least = max(0, start - _LONGEST_PART)
            while start > least and "a" <= text[start - 1] <= "z":
                start -= 1
            if start and text[start - 1].isascii() and text[start - 1].isalpha():
                continue
            found.append((start, end))
        if first := _VOWELLESS_FIRST.match(text):
            found.append(first.span())
        found += [(match.start() + 1, match.end()) for match in _VOWELLESS.finditer(text)]
        found.sort()
        spans = []
        for start, end in found:
            said = self._english_in_english(text[start:end], text, end)
            if said != text[start:end]:
                spans.append((start, end, said))
        return traced.replace(spans, ["English"] * len(spans))

    def _roman(self, match: re.Match[str]) -> str | None:
        """A Roman numeral after a title or a noun that is numbered: ordinal after a name, else cardinal."""
        value = roman(match["n"])
        if not value or self._quantities.refuses:
            return None
        numbers = self._quantities.numbers
        said = numbers.ordinal(value) if match["name"] else numbers.cardinal(value)
        ordinal = "the " if match["name"] and self.language.script.name == "Latin" else ""
        return f"{match['before']}{ordinal}{said}"

    def _english_in_english(self, word: str, text: str, end: int) -> str:
        following = text[end : end + 1]
        if word in ("I", "A") or (len(word) == 1 and following == "'"):
            return self._english.spell(word) if following.isdigit() else word.lower()
        if len(word) == 1:
            return self._english.spell(word)
        return self._hear(word)[0]

    @lru_cache(maxsize=20_000)  # noqa: B019 - front ends live as long as what uses them
    def _hear(self, word: str) -> tuple[str, str]:
        """How a Latin word is said, and one sentence about it."""
        english = self._english
        if several := plural(word):
            said = english.spell(several)
            ending = "s" if self.language.script.name == "Latin" else english.plural
            return said + ending, f"{word!r} was read letter by letter: {said}."
        if word == "MGNREGA":
            said = f"{english.spell('MG')} {english.word('narega')}"
            return said, f"{word!r} was read as {said}."
        if is_formula(word) or is_acronym(word) or (len(word) == 1 and self.language.script.name != "Latin"):
            said = english.spell(word)
            return said, f"{word!r} was read letter by letter: {said}."
        parts = camel(word)
        if len(parts) > 1 and not english.knows(word):
            if len(parts[0]) == 1:
                said = english.spell(parts[0]) + english.word("".join(parts[1:]))
                if self.language.script.name == "Latin":
                    said = f"{english.spell(parts[0])} {english.word(''.join(parts[1:]))}"
            else:
                said = " ".join(self._hear(part)[0] for part in parts)
            return said, f"{word!r} was read as English: {said}."
        said = english.word(word)
        return said, f"{word!r} was read as English: {said}."

    def _known(self, traced: TracedText, notices: Notices) -> TracedText:
        """Brackets and ends of sentences in their plain form; what else is no symbol of the language is dropped."""
        if not self._unknown.search(traced.text):
            return traced
        traced = traced.rewrite(self._plain, lambda match: _PLAIN[match.group()])

        def drop(match: re.Match[str]) -> str:
            notices.dropped(traced, *match.span(), f"not of {self.language.name}")
            return " "

        return traced.rewrite(self._unknown, drop)
