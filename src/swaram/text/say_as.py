"""``say-as`` of SSML: a text read as its author says it is (W3C note "SSML 1.0 say-as attribute values", 2005)."""

import re
import unicodedata

from swaram.text.letters import is_independent_vowel, kind
from swaram.text.quantities import Quantities

_ORDERS = ("dmy", "mdy", "ymd", "dm", "md")


class SayAs:
    """Reads characters, digits, numbers and dates in one language."""

    def __init__(self, quantities: Quantities) -> None:
        self._quantities = quantities

    def read(self, text: str, what: str, form: str) -> str:
        """``text`` as it is to be read; unchanged where the rules of the front end read it anyway."""
        if what in ("characters", "spell-out", "verbatim"):
            return self.characters(text)
        if self._quantities.refuses:
            return text
        if what == "digits":
            return self.characters(text)
        if what == "telephone":
            groups = re.findall(r"\d+|\+", text)
            return ", ".join(self._digits(group) for group in groups) or text
        plain = re.sub(r"[\s,]", "", text)
        if what in ("cardinal", "number") and re.fullmatch(r"-?\d+(?:\.\d+)?", plain):
            sign = f"{self._quantities.words.words['negative']} " if plain[0] == "-" else ""
            return sign + self._quantities.cardinal(plain.lstrip("-"))
        if what == "ordinal" and (match := re.fullmatch(r"(\d{1,15})(?:st|nd|rd|th)?", plain)):
            return self._quantities.numbers.ordinal(int(match[1]))
        if what == "date":
            return self._date(text, form)
        return text

    def characters(self, text: str) -> str:
        """Every letter by its name, every digit by its word, a syllable of an Indian script as it is, with stops."""
        english, said = self._quantities.words.english, []
        for syllable in syllables(text):
            if syllable.isascii() and syllable.isalpha():
                said.append(english.spell(syllable))
            elif syllable.isdigit() and not self._quantities.refuses:
                said.append(self._digits(syllable))
            elif syllable.strip():
                said.append(syllable)
        return ", ".join(said)

    def _digits(self, digits: str) -> str:
        if digits == "+":
            return self._quantities.words.words["plus"]
        return self._quantities.numbers.digits("".join(str(int(c)) for c in digits))

    def _date(self, text: str, form: str) -> str:
        numbers = re.findall(r"\d+", text)
        if form not in _ORDERS or len(numbers) != len(form):
            return text
        part = dict(zip(form, numbers, strict=True))
        day, month, year = int(part.get("d", 0)), int(part.get("m", 0)), part.get("y")
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return text
        return self._quantities.dates.say(day, month, year) or text


def syllables(text: str) -> list[str]:
    """The characters of a text as people name them: each with the marks on it, conjuncts whole."""
    found: list[str] = []
    for character in text:
        before = found[-1].rstrip("\u200c\u200d")[-1:] if found else ""
        mark = unicodedata.category(character)[0] == "M" or character in "\u200c\u200d"
        conjunct = bool(before) and kind(before) == "virama" and kind(character) == "letter"
        if found and (mark or (conjunct and not is_independent_vowel(character))):
            found[-1] += character
        else:
            found.append(character)
    return found
