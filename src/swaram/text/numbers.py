"""Whole numbers in words, with Indian grouping (hundred, thousand, lakh, crore), from each language's table."""

import re
from functools import cache
from typing import Any

from swaram.errors import SwaramError
from swaram.languages import get_language
from swaram.text.tables import load_table

LARGEST = 10**15 - 1


class NumberError(SwaramError):
    """A number that a language cannot say, because its table is missing or the number is out of range."""


class Scale:
    """A power of ten with a name: how a count of it is said, alone and before a remainder.

    ``one`` and ``many`` are pairs (alone, before more), ``{}`` standing for the count in words; ``stems`` are the
    counts 2 to 99 where they fuse with the name (രണ്ടായിരം), and replace the count in ``many``.
    """

    def __init__(self, value: int, table: dict[str, Any]) -> None:
        self.value = value
        self.one: list[str] = table["one"]
        self.many: list[str] = table["many"]
        self.stems = _words(table["stems"]) if "stems" in table else []

    def say(self, count: int, words: str, more: bool) -> str:
        """The phrase for ``count`` (in words: ``words``) of this scale; ``more`` when a remainder follows."""
        if count == 1:
            return self.one[more]
        if self.stems and count <= 99:
            words = self.stems[count - 2]
        elif self.stems:
            words += " "
        return self.many[more].replace("{}", words)


class NumberWords:
    """The number words of one language. Raises NumberError where the language has no table."""

    def __init__(self, code: str) -> None:
        self.language = get_language(code)
        table = load_table(self.language.code).get("numbers", {})
        if "small" not in table:
            raise NumberError(
                f"language {self.language.code!r} has no table of number words; write the number out in words "
                f"or complete text/data/{self.language.code}.toml."
            )
        self.small = _words(table["small"])
        self.hundreds = _words(table["hundreds"])
        self.hundreds_before = _words(table["hundreds_before"]) if "hundreds_before" in table else self.hundreds
        self._hundreds_after = _words(table["hundreds_after"]) if "hundreds_after" in table else self.hundreds
        self.joint: str = table.get("joint", " ")
        names = (("crore", 10**7), ("lakh", 10**5), ("thousand", 10**3))
        self.scales = [Scale(value, table[name]) for name, value in names]
        self._hundred_years = table.get("years") == "hundreds"
        self._attributive = [(re.compile(old), new) for old, new in table.get("attributive", [])]
        ordinals = load_table(self.language.code).get("ordinals", {})
        self._ordinal_rules = [(re.compile(old), new) for old, new in ordinals.get("rules", [])]
        self._ordinals: dict[str, str] = ordinals.get("words", {})
        self.has_attributive = bool(self._attributive)
        self._one_of: str = table.get("one_of", self.small[1])
        self.one_of_differs = self._one_of != self.small[1]
        self._years_of_pairs: bool = table.get("years_of_pairs", False)
        self._stems_before = _words(table.get("stems_before", ""))
        self._hundred_stems = _words(table.get("hundred_stems", ""))
        self._thousand_stems = _words(table.get("thousand_stems", ""))

    def cardinal(self, number: int) -> str:
        """The words of 0 to 10^15 - 1. Raises NumberError outside of it."""
        if not 0 <= number <= LARGEST:
            raise NumberError(f"number {number}: only 0 to {LARGEST} can be said; shorten it or spell its digits.")
        if number < 100:
            return self.small[number]
        parts = []
        for scale in self.scales:
            count, number = divmod(number, scale.value)
            if count:
                parts.append(scale.say(count, self.cardinal(count), number > 0))
        hundreds, rest = divmod(number, 100)
        if hundreds:
            alone = self._hundreds_after if parts else self.hundreds
            parts.append((self.hundreds_before if rest else alone)[hundreds - 1])
        if rest:
            parts.append(self.small[rest])
        return self.joint.join(parts)

    def ordinal(self, number: int) -> str:
        """The ordinal of a number, or its cardinal where the language's table has no rule for it."""
        if str(number) in self._ordinals:
            return self._ordinals[str(number)]
        words = self.cardinal(number)
        for old, new in self._ordinal_rules:
            if old.search(words):
                return old.sub(new, words, count=1)
        return words

    def before_noun(self, number: int) -> str:
        """The cardinal as it stands before what is counted (ഒരു രൂപ, వంద రూపాయలు)."""
        if number == 1:
            return self._one_of
        return self.attributive(self.cardinal(number))

    def attributive(self, words: str) -> str:
        """Number words in the form that stands before a noun (వందలు, వందల)."""
        for old, new in self._attributive:
            words = old.sub(new, words)
        return words

    def year(self, number: int) -> str:
        """A year: in hundreds (উনিশশো সাতচল্লিশ) from 1100 to 1999 where the language does so."""
        if not self._hundred_years or not 1100 <= number <= 1999:
            return self.cardinal(number)
        count, rest = divmod(number, 100)
        table = load_table(self.language.code)["numbers"]
        century = table["century"]
        words = (table.get("century_before", century) if rest else century).replace("{}", self.small[count])
        if not rest:
            return words
        zero = f" {table['century_zero']}" if rest < 10 and "century_zero" in table else ""
        return f"{words}{zero} {self.small[rest]}"

    def year_of(self, number: int) -> str:
        """A year where the words around it say that it is one: in pairs (twenty twenty four) in Indian English."""
        if self._years_of_pairs and (1010 <= number <= 1099 or 2010 <= number <= 2099):
            return f"{self.small[number // 100]} {self.small[number % 100]}"
        return self.year(number)

    def compound(self, number: int) -> str:
        """A number from 100 to 9,999 as the first part of a compound, with अधिक (Sanskrit); else its cardinal."""
        if not self._stems_before or not 100 <= number <= 9_999:
            return self.cardinal(number)
        thousands, rest = divmod(number, 1000)
        hundreds, units = divmod(rest, 100)
        parts = []
        if units:
            stem = self._stems_before[units - 1] if units <= 10 else self.small[units].removesuffix("ः")
            parts.append(_before_adhika(stem))
        if hundreds:
            stem = self._hundred_stems[hundreds - 1]
            parts.append(_before_adhika(stem) if thousands else stem)
        if thousands:
            parts.append(self._thousand_stems[thousands - 1])
        return "".join(parts)

    def digits(self, digits: str) -> str:
        """ASCII digits one by one."""
        return " ".join(self.small[int(digit)] for digit in digits)


@cache
def number_words(code: str) -> NumberWords:
    """The (shared) number words of a language."""
    return NumberWords(code)


def _words(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


def _before_adhika(stem: str) -> str:
    """A Sanskrit stem joined to अधिक by sandhi."""
    if stem.endswith("ि"):
        return stem[:-1] + "्यधिक"
    if stem.endswith("त्"):
        return stem[:-2] + "दधिक"
    if stem in ("द्व्य", "त्र्य", "चतुर", "षड"):
        return stem + "धिक"
    return stem + "ाधिक"
