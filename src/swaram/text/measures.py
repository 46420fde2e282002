"""Measures: numbers with units (5 km, 37°C, 5' 10", 2.5 lakh tonnes), in each language's words for the units."""

import re

from swaram.text.amounts import Amounts
from swaram.text.cardinals import Cardinals
from swaram.text.letters import NO_LETTER, is_letter
from swaram.text.numbers import NumberWords
from swaram.text.wording import Wording

# Inches only where "in" cannot be the preposition.
_INCH = r"in(?=[.,;:)]*(?:\n|$)|[.,;:)] | ?[x×]| wide| long| tall| thick)"
# Seconds only after a space: an iPhone 5s is none.
_SECONDS = r"(?<= )s(?![A-Za-z'])"
_STOP = r"(?!\.[A-Za-z])\.?(?:(?<=[a-z]\.)(?= [a-z0-9,])|(?<!\.))"


class Measures:
    """Says numbers with units in one language. ``unit`` and ``latin`` are patterns of units for larger ones."""

    def __init__(self, words: Wording, numbers: NumberWords, cardinals: Cardinals, amounts: Amounts) -> None:
        self.words, self._numbers, self._amounts = words, numbers, amounts
        self._counted = cardinals.counted
        written = sorted(set(words.units) - {"s"}, key=len, reverse=True)
        self.latin = "|".join(re.escape(unit) for unit in written if unit[-1] < "\u0250" or not is_letter(unit[-1]))
        own = "|".join(re.escape(unit) for unit in written if unit[-1] > "\u0250" and is_letter(unit[-1])) or "(?!)"
        self.unit = rf"%|(?-i:(?:{self.latin})(?![A-Za-z])|(?:{own}){NO_LETTER}){_STOP}|(?-i:{_INCH})|(?-i:{_SECONDS})"
        self.unit_starts = "".join(sorted({re.escape(unit[0]) for unit in [*written, "in", "%", "s"]}))
        """The inside of a character class: what a unit may begin with."""

    def say(self, unit: str, count: str, one: bool = False, before_noun: bool = False) -> str:
        """``count`` of a unit as written; ``one`` for a single one, ``before_noun`` where a noun follows."""
        if unit == "in":
            unit = "inch"
        word = self.words.words["percent"] if unit == "%" else self.words.counted(self.words.units[unit], one)
        if before_noun:
            word = self._numbers.attributive(word)
        return word.replace("{}", count) if "{}" in word else f"{count} {word}"

    def of(self, count: str, unit: str | None, one: bool) -> str:
        """``count`` of a unit as written, or ``count`` alone where there is none."""
        return self.say(unit.rstrip("."), count, one) if unit else count

    def measure(self, match: re.Match[str]) -> str:
        """A number with its unit."""
        count, one = self._counted(match["a"])
        after = match.string[match.end() : match.end() + 2]
        noun = self._numbers.has_attributive and after[:1] == " " and after[1:].isalpha() and not after[1:].isascii()
        unit = match["unit"] if match["unit"] in self.words.units else match["unit"].rstrip(".")
        return self.say(unit, count, one, noun)

    def feet(self, match: re.Match[str]) -> str:
        """Feet and inches (5' 10")."""
        feet, inches = (self._counted(match[name]) for name in ("a", "b"))
        return f"{self.say('ft', *feet)} {self.say('inch', *inches)}"

    def degrees(self, match: re.Match[str]) -> str:
        """The first of two temperatures (28°/12°)."""
        return f"{self.say('°', self._counted(match['a'])[0])} "

    def paise(self, match: re.Match[str]) -> str:
        """An amount of paise alone."""
        count, one = self._counted(match["a"])
        return f"{count} {self.words.counted(self.words.words['paisa'], one)}"

    def scaled(self, match: re.Match[str]) -> str:
        """A number with a scale written in English, and perhaps a unit (5 lakh, 2.5 million tonnes)."""
        one = match["a"] == "1"
        said = " ".join(self._amounts.latin(word, one) for word in match["big"].split())
        return self.of(f"{self._counted(match['a'])[0]} {said}", match["unit"], False)
