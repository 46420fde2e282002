"""Two numbers that belong together: ranges, ratios, scores, spans of years, subtractions, sides (10 x 12)."""

import re

from swaram.text.amounts import Amounts
from swaram.text.cardinals import Cardinals
from swaram.text.endings import Endings
from swaram.text.fractions import two_apart
from swaram.text.letters import LETTERS
from swaram.text.measures import Measures
from swaram.text.numbers import NumberWords
from swaram.text.wording import Wording

_PRODUCT = re.compile(r"10(?:\^|[²³¹⁰⁴⁵⁶⁷⁸⁹])|[\d.,]{1,20}(?: ?[x×] ?[\d.,]{1,20}){0,4} ?=")


class Ranges:
    """Says two numbers by the language's templates: ``range``, ``ratio`` and ``score`` with {a} and {b}."""

    def __init__(
        self,
        words: Wording,
        numbers: NumberWords,
        cardinals: Cardinals,
        endings: Endings,
        amounts: Amounts,
        measures: Measures,
    ) -> None:
        self.words, self._numbers, self._cardinals, self._endings = words, numbers, cardinals, endings
        self._amounts, self._measures = amounts, measures
        table = words.section("numbers")
        self._range: str = table.get("range", "{a} {b}")
        self._closing = self._range.rpartition("{b}")[2] if "range" in table else ""
        self._closing_goes = table.get("range_closing", "") == "away"
        self._ratio: str = table.get("ratio", "{a} {b}")
        self._score: str = table.get("score", "{a} {b}")
        self._score_ending: str = table.get("score_ending", "")
        self._fixes = [(re.compile(old), new) for old, new in table.get("range_fixes", [])]
        nouns = words.section("words").get("range_nouns", "").split()
        self._nouns = {w for unit in words.units.values() for w in unit.split("|")} | set(nouns)
        self._noun = re.compile(f" ([{LETTERS}]+)")

    def say(self, low: str, high: str) -> str:
        """A range of two that are said already."""
        return self.fixed(self._range.replace("{a}", low).replace("{b}", high))

    def fixed(self, said: str) -> str:
        """A range after the language's corrections of it."""
        for old, new in self._fixes:
            said = old.sub(new, said)
        return said

    def range(self, match: re.Match[str]) -> str | None:
        """5-10 km, ₹500-₹1,000, 10%-20%, 5-6 lakh; only the two numbers where the first is not the smaller."""
        groups = match.groupdict()
        low, high = match["a"].replace(",", ""), match["b"].replace(",", "")
        if (len(low) > 1 and low[0] == "0") or (len(high) > 1 and high[0] == "0" and "." not in high):
            return None
        written = [match["a"], match["b"]]
        if groups.get("cur"):
            written = [number.removesuffix(".00") for number in written]
        last, around = self._cardinals.spoken(written[1]), "{}"
        template = self._range if float(low) < float(high) else "{a} {b}"
        if groups.get("big"):
            big = str(match["big"])
            scale = str(self.words.section("scales").get(big, big)).rstrip("~").rpartition("|")[2]
            last = f"{last} {self._amounts.latin(big) if big.isascii() else scale}"
        if groups.get("cur"):
            name = self._amounts.name_of(match["cur"])
            last = f"{self._numbers.attributive(last)} {self.words.counted(self.words.words[name], False)}"
        elif groups.get("unit"):
            around = self._measures.say(match["unit"].rstrip("."), "{}")
            if around.startswith("{} "):
                last, around = around.replace("{}", self._numbers.attributive(last)), "{}"
        said = template.replace("{a}", self._cardinals.spoken(written[0])).replace("{b}", last)
        return around.replace("{}", self.fixed(said))

    def closed(self, said: str, text: str, end: int) -> tuple[str, int]:
        """A range before a noun: its closing word goes behind the noun, or away where the language does without."""
        noun = self._noun.match(text, end)
        if not self._closing or not noun or not said.endswith(self._closing):
            return said, end
        bare = said.removesuffix(self._closing)
        if noun[1] == self._closing.strip() or self._closing_goes:
            return bare, end
        if noun[1] in self._nouns:
            return f"{bare} {noun[1]}{self._closing}", noun.end()
        return said, end

    def ratio(self, match: re.Match[str]) -> str:
        """3:4."""
        first, second = (self._cardinals.cardinal(match[name]) for name in ("a", "b"))
        return self._ratio.replace("{a}", first).replace("{b}", second)

    def score(self, match: re.Match[str]) -> str | None:
        """Runs and wickets (287/6)."""
        if int(match["a"]) < 11:
            return None
        first, second = (self._cardinals.cardinal(match[name]) for name in ("a", "b"))
        if "{dative}" in self._score:
            said = self._endings.inflect(first, self._score_ending) or first
            return self._score.replace("{dative}", said).replace("{b}", second)
        if self._score == "{a} {b}":
            return two_apart(first, second, match["a"], match["b"])
        return self._score.replace("{a}", first).replace("{b}", second)

    def years(self, match: re.Match[str]) -> str | None:
        """A span of years (2024-25); None where the first is none."""
        if not 1100 <= int(match["a"]) <= 2099:
            return None
        return f"{self._numbers.year(int(match['a']))} {self._numbers.cardinal(int(match['b']))}"

    def subtraction(self, match: re.Match[str]) -> str:
        """7 - 3 = 4."""
        first, second = (self._cardinals.cardinal(match[name]) for name in ("a", "b"))
        return f"{first} {self.words.words['minus']} {second}"

    def side(self, match: re.Match[str]) -> str:
        """The first of two lengths or counts (10 x 12 feet, 2x3), or of a product (3 x 4 = 12)."""
        product = _PRODUCT.match(match.string, match.end())
        word = self.words.words["times"] if product else self.words.english.phrase("by")
        return f"{self._cardinals.cardinal(match['a'])} {word} "
