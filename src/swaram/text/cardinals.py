"""Written numbers (1,25,000, 2.5, 007, 25th, 1990s, 10.0.2) as words, alone and before what is counted."""

import re
from functools import lru_cache

from swaram.text.letters import LETTERS, NO_LETTER
from swaram.text.numbers import NumberWords
from swaram.text.wording import Wording

_YEAR_BEFORE = re.compile(r"\b(?:[Ii]n|[Ss]ince|[Bb]y|[Uu]ntil|[Tt]ill|[Yy]ear|[Dd]uring|[Ii]n \d{4} and|[Ff]rom) $")
_SECTION = re.compile(
    r"(?:[Ss]ection|[Aa]rticle|[Rr]ule|[Rr]oom|[Ff]light|[Hh]ighway|NH|[Rr]oom number|[Ff]light [A-Z]{2})[ -]$"
)
_LONGEST_KEPT = 24


class Cardinals:
    """Says written numbers of one language: ASCII digits with commas and one point at most, or matches of the rules."""

    def __init__(self, words: Wording, numbers: NumberWords) -> None:
        self._numbers, self._words = numbers, words.words
        self._point: str = words.words["point"]
        not_counted = "|".join(map(re.escape, words.section("words").get("not_counted", "").split())) or "(?!)"
        self._counts = re.compile(f" (?!(?:{not_counted}){NO_LETTER})[{LETTERS}]")
        self._latin = words.language.script.name == "Latin"
        self._kept = lru_cache(maxsize=20_000)(self._cardinal)

    def cardinal(self, written: str) -> str:
        """The number as a plain cardinal; digit by digit where it begins with 0 or has more than 15 digits."""
        return self._kept(written) if len(written) <= _LONGEST_KEPT else self._cardinal(written)

    def _cardinal(self, written: str) -> str:
        whole, _, decimals = written.replace(",", "").partition(".")
        if not whole:
            words = "" if self._latin else self._numbers.small[0]
        elif len(whole) > 15 or (len(whole) > 1 and whole.startswith("0")):
            words = self._numbers.digits(whole)
        else:
            words = self._numbers.cardinal(int(whole))
        if not decimals:
            return words
        return f"{words} {self._point} {self._numbers.digits(decimals)}".strip()

    def counted(self, written: str) -> tuple[str, bool]:
        """The number as it stands before a noun, and whether it is one."""
        plain = written.replace(",", "")
        if plain.isdigit() and len(plain) <= 15 and not (plain.startswith("0") and plain != "0"):
            return self._numbers.before_noun(int(plain)), int(plain) == 1
        return self.cardinal(written), False

    def spoken(self, written: str) -> str:
        """A number in running text: four digits from 1100 to 2099 are a year."""
        if len(written) == 4 and written.isdigit() and "1100" <= written <= "2099":
            return self._numbers.year(int(written))
        return self.cardinal(written)

    def number(self, match: re.Match[str]) -> str:
        """A number in running text, as what stands around it says that it is meant."""
        written = match["a"]
        if len(written) >= 11 and written.isdigit():
            return self._numbers.digits(written)
        if self._latin and len(written) in (3, 4) and written.isdigit():
            before = match.string[max(0, match.start() - 16) : match.start()]
            if len(written) == 4 and _YEAR_BEFORE.search(before):
                return self._numbers.year_of(int(written))
            if len(written) == 3 and _SECTION.search(before):
                return self._by_pairs(written)
        one = written == "1" and self._numbers.one_of_differs
        if (one or self._numbers.has_attributive) and self._counts.match(match.string, match.end()):
            return self.counted(written)[0]
        return self.spoken(written)

    def for_each(self, match: re.Match[str]) -> str:
        """A number before a slash and a unit (12/kg)."""
        return self.cardinal(match["a"])

    def alone(self, match: re.Match[str]) -> str:
        """A number that nothing after it can change, but for a noun that it counts."""
        written = match["a"]
        if self._latin:
            return self.number(match)
        if match.string[match.end() : match.end() + 1] == " " and (written == "1" or self._numbers.has_attributive):
            return self.number(match)
        return self.spoken(written)

    def _by_pairs(self, written: str) -> str:
        """Sections, flights and rooms of three digits as one says them (one forty four, three oh two)."""
        first, rest = int(written[0]), int(written[1:])
        if not first or not rest:
            return self.cardinal(written)
        return f"{self._numbers.small[first]} {'oh ' if rest < 10 else ''}{self._numbers.small[rest]}"

    def sign(self, match: re.Match[str]) -> str:
        """A sign before a number."""
        names = {"-": ["negative"], "+": ["plus"], "±": ["plus", "minus"]}[match["sign"]]
        return " ".join(self._words[name] for name in names) + " "

    def all_day(self, match: re.Match[str]) -> str:
        """24x7."""
        return f"{self.cardinal('24')} {self.cardinal('7')}"

    def version(self, match: re.Match[str]) -> str:
        """Three numbers or more with dots (192.168.1.1)."""
        return f" {self._words['dot']} ".join(self.cardinal(part) for part in match.group().split("."))

    def decade(self, match: re.Match[str]) -> str:
        """1990s."""
        if not self._latin:
            return self.spoken(match["a"])
        words = self._numbers.year_of(int(match["a"]))
        return words.removesuffix("y") + "ies" if words.endswith("y") else words + "s"

    def ordinal(self, match: re.Match[str]) -> str | None:
        """An English ordinal (25th), in the language's own words."""
        written = match["a"].replace(",", "")
        return self._numbers.ordinal(int(written)) if len(written) <= 15 else None
