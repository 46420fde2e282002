"""The text front end: a user's text in, sentences of symbols and notices out."""

import re
import unicodedata
from dataclasses import dataclass

from swaram.languages import Language, get_language
from swaram.text.normalise import normaliser
from swaram.text.sentences import Sentence, split_sentences
from swaram.text.symbols import PUNCTUATION, SPACE, letters_of
from swaram.text.traced import TracedText

_PLAIN = {
    "।": ".", "॥": ".", "۔": ".", "؟": "?", "،": ",", "؛": ";", "(": ",", ")": ",", "[": ",", "]": ",",
    "{": ",", "}": ",", "/": " ", "|": " ", "*": " ", "_": " ", "~": " ", "^": " ",
}  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """What was dropped or assumed: its kind ("dropped" or "assumed"), where, and one sentence about it.

    ``start`` and ``end`` index the user's text.
    """

    kind: str
    start: int
    end: int
    message: str


@dataclass(frozen=True)
class Analysis:
    """The sentences to speak and the notices about what was dropped or assumed."""

    sentences: list[Sentence]
    notices: list[Notice]


class TextFrontend:
    """Turns any text of one language into sentences of that language's symbols.

    Args:
        language: a language or its code. Raises LanguageError for a code that is not offered.
    """

    def __init__(self, language: Language | str) -> None:
        self.language = get_language(language) if isinstance(language, str) else language
        self._normaliser = normaliser(self.language.code)
        letters = letters_of(self.language.code)
        self._plain = re.compile("[" + re.escape("".join(_PLAIN)) + "]")
        self._unknown = re.compile("[^" + re.escape(letters + SPACE + PUNCTUATION) + "\n]+")

    def analyse(self, text: str) -> Analysis:
        """Sentences and notices of any string; never raises for what the string holds."""
        notices: list[Notice] = []
        traced = self._normaliser.normalise(TracedText(text))
        traced = traced.rewrite(self._plain, lambda m: _PLAIN[m.group()])
        traced = self._drop_unknown(traced, notices)
        traced = _tidy(traced)
        return Analysis(split_sentences(traced), notices)

    def _drop_unknown(self, traced: TracedText, notices: list[Notice]) -> TracedText:
        def drop(match: re.Match[str]) -> str:
            start, end = traced.origins[match.start()], traced.origins[match.end() - 1] + 1
            names = ", ".join(_describe(c) for c in dict.fromkeys(match.group()[:5]))
            notices.append(Notice("dropped", start, end, f"dropped {names}: not of {self.language.name}."))
            return " "

        return traced.rewrite(self._unknown, drop)


_TIDY = re.compile(
    r"(?P<space> {2,})|(?P<dots>\.{2,}|…[.…]+)|(?P<same>([!?,;:\-'\"])\4+)|(?P<before> +(?=[.,?!;:…]))"
)


def _tidy(traced: TracedText) -> TracedText:
    """One space at a time, one mark at a time, no space before a mark that closes."""

    def write(match: re.Match[str]) -> str:
        if match["space"]:
            return " "
        if match["dots"]:
            return "…"
        return match["same"][0] if match["same"] else ""

    for _ in range(3):
        before = traced
        traced = traced.rewrite(_TIDY, write)
        if traced is before:
            break
    return traced


def _describe(character: str) -> str:
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" {name}" if name else "")
