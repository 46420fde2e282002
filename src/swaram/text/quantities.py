"""Numbers as they are written in text: which rule reads which, in what order, and what joins the text around it."""

import re
from functools import lru_cache

from swaram.languages import Language
from swaram.text.amounts import Amounts
from swaram.text.cardinals import Cardinals
from swaram.text.clock import Clock
from swaram.text.codes import SHAPES, Codes
from swaram.text.endings import Endings, with_ending
from swaram.text.fractions import FRACTIONS, Fractions
from swaram.text.letters import LETTERS, MARKS, alternation, is_letter, join, letters_of_scripts, mend
from swaram.text.measures import Measures
from swaram.text.notices import Notices
from swaram.text.number_rules import (
    CURRENCY_SIGNS,
    MONTH_NAME,
    MONTH_STEM,
    NUMBER,
    SIMPLE_FRACTIONS,
    Reading,
    number_rules,
)
from swaram.text.numbers import NumberError, NumberWords, number_words
from swaram.text.ranges import Ranges
from swaram.text.times import DateWords, TimeWords
from swaram.text.traced import TracedText
from swaram.text.wording import CODES, MONTHS, wording

_DIGIT = re.compile(f"[0-9{SIMPLE_FRACTIONS}]")
_ANY_NUMBER = re.compile(rf"(?:{NUMBER})|[{SIMPLE_FRACTIONS}]")
_CAPITAL_DIGIT = re.compile("[A-Z](?:-?[0-9]|[A-Z] [0-9])")
_DIGIT_CAPITAL = re.compile("[0-9][A-Z]")
# The first number of a reading, without and with its decimals.
_FIRST = re.compile(r"(?P<whole>\d{1,3}(?:,\d{2,3})+(?![\d])|\d+)(?P<decimals>\.\d+)?")
_AHEAD = 3
# No range of amounts has its hyphen further from its beginning.
_RANGE = 120
# A mark that nothing before it would carry: it belongs to what was said before.
_LOOSE = re.compile(f"-? ?((?=[{MARKS}])[{LETTERS}]+)")
_MARKS = frozenset(MARKS)
_NO_WORD = frozenset(["", *" \n,.;:!?-/()'\""])


class Quantities:
    """Speaks every number in a text of one language.

    Where the language has no number words, numbers are left out and said so in a notice: never in the words of
    another language.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self.words = wording(language.code)
        self.numbers: NumberWords
        self._refusal = ""
        self._latin = language.script.name == "Latin"
        self._letters = "" if self._latin else letters_of_scripts(s for s in language.scripts if s.name != "Latin")
        self.joining = Endings(self.words, self._letters)
        self._glued = self.joining.glued
        self._generation = self.words.english.spell("G")
        self._other_forms = {old: new for old, new in self.words.section("other_script").get("forms", [])}
        self._other = re.compile(alternation(self._other_forms))
        try:
            self.numbers = number_words(language.code)
        except NumberError as error:
            self._refusal = str(error)
            return
        self._cardinals = Cardinals(self.words, self.numbers)
        self.cardinal = self._cardinals.cardinal
        self.dates = DateWords(self.words, self.numbers)
        self.amounts = Amounts(self.words, self.numbers, self.joining, f"(?:{NUMBER})", self._cardinals)
        self.codes = Codes(self.words, self.numbers)
        self.measures = Measures(self.words, self.numbers, self._cardinals, self.amounts)
        self._ranges = Ranges(self.words, self.numbers, self._cardinals, self.joining, self.amounts, self.measures)
        self._clock = Clock(self.words, TimeWords(self.words, self.numbers), self._ranges)
        self._fractions = Fractions(self.words, self.numbers, self._cardinals, self.measures, self.joining)
        self._possible = lru_cache(maxsize=20_000)(self._possible_readings)
        self._compile_leads()
        self._readings = number_rules(
            self.words,
            self._letters,
            self.joining,
            self._cardinals,
            self.dates,
            self._clock,
            self._ranges,
            self._fractions,
            self.measures,
            self.amounts,
        )
        self._before_digits = [
            r for r in self._readings if r.name in ("sign", "range of amounts", "date", "decimal", "measure")
        ]
        self._range_of_amounts = next(r.pattern for r in self._readings if r.name == "range of amounts")

    def _compile_leads(self) -> None:
        """What stands around a number: what before it belongs to it, and after which a number stands alone."""
        flag = re.IGNORECASE
        money = self.amounts.money
        month = rf"(?<![A-Za-z])(?-i:{MONTH_NAME}|{MONTH_STEM})\.?[ -]?"
        sign = rf"(?<![{LETTERS}\d.%°)])[+\-±]"
        point = rf"(?<![{LETTERS}\d.])\."
        own_codes = self.words.section("words").get("currency_codes", "").split()
        ends = [*CODES, *own_codes, *MONTHS, *(m[:3] for m in MONTHS), "sept"]
        self._lead_ends = frozenset(CURRENCY_SIGNS + "+-±(.") | {w[-1] for w in ends} | {w[-1].upper() for w in ends}
        starts = "".join(sorted({re.escape(w[0]) for w in ends}))
        # What before a digit belongs to its number; looked for backwards from the digit.
        self._lead = re.compile(
            rf"(?=[{CURRENCY_SIGNS}+\-±(.{starts}])(?:{sign}?{money}\s?-?|{sign}|{month}|\()?(?:{point})?$", flag
        )
        own_units = "".join(sorted({re.escape(unit[0]) for unit in self.words.units} | self.joining.first_apart))
        # Most numbers stand alone: tried first, and only where nothing after the number can change its reading.
        self._alone = re.compile(
            rf"(?P<a>(?:0|[1-9]\d{{0,8}})(?:,\d{{2,3}})*)"
            rf"(?=[.,?!;:]?(?:\n|$)|[,;?!] (?![\d])| (?![\d.A-Za-z°%₹$€£{SIMPLE_FRACTIONS}({own_units}=×÷+*/^-]))"
        )
        # Numbers in a row that can be no part of a telephone number, a date, a time or a fraction.
        self._row = re.compile(r"(?P<a>[1-5]\d{3,4}|[1-9]\d{6,8})(?= [1-9]\d{3,8}(?:[ \n]|$))(?! \d{4} \d{4})")

    def _possible_readings(self, after_whole: str, after_number: str) -> list[Reading]:
        """The rules that may read a number, by what follows it (without its decimals, and with them)."""
        return [
            reading
            for reading in self._readings
            if reading.after and reading.after.match(after_number if reading.decimals else after_whole)
        ]

    def expand(self, traced: TracedText, notices: Notices) -> TracedText:
        """Numbers become words; whatever could not be said is left out with a notice."""
        if self._refusal:
            return self._refused(traced, notices)
        if _CAPITAL_DIGIT.search(traced.text) or _DIGIT_CAPITAL.search(traced.text):
            traced = traced.rewrite(SHAPES, self.codes.shapes, "code by its shape")
        text = traced.text
        other = bool(self._other_forms) and self._in_other_script(text)
        spans: list[tuple[int, int, str]] = []
        rules: list[str] = []
        place = 0
        while trigger := _DIGIT.search(text, place):
            start = at = trigger.start()
            if at > place and (text[at - 1] if text[at - 1] != " " else text[at - 2 : at - 1]) in self._lead_ends:
                lead = self._lead.search(text, max(place, at - 14), at)
                start = lead.start() if lead else at
            rule, said, place = self._read(text, start)
            if not rule and start < at:
                start = at
                rule, said, place = self._read(text, start)
            if rule:
                if other:
                    said = mend(self._other.sub(self._other_letter, said))
                after = text[place : place + 3]
                if not _MARKS.isdisjoint(after) and (loose := _LOOSE.match(text, place)):
                    said, place = join(said.rstrip(), loose[1]), loose.end()
                spans.append((start, place, said))
                rules.append(rule)
        return traced.replace(spans, rules)

    def _refused(self, traced: TracedText, notices: Notices) -> TracedText:
        def refuse(match: re.Match[str]) -> str:
            notices.refused(traced, *match.span(), self._refusal)
            return ""

        return traced.rewrite(_ANY_NUMBER, refuse, "number")

    def _in_other_script(self, text: str) -> bool:
        """Whether a text is written in the language's second script rather than in its first."""
        first, second = self.language.scripts[:2]
        return sum(map(second.holds, text)) > sum(map(first.holds, text))

    def _other_letter(self, match: re.Match[str]) -> str:
        return self._other_forms[match.group()]

    def _read(self, text: str, start: int) -> tuple[str, str, int]:
        """The rule that reads what begins at ``start`` (none: ""), what it says, and where it ends."""
        character = text[start]
        digit = "0" <= character <= "9"
        if digit:
            match = self._row.match(text, start)
            if match and (not start or text[start - 1] == " "):
                return "number", self._cardinals.spoken(match["a"]), match.end()
            match = self._alone.match(text, start)
            if match and (len(match["a"]) < 4 or not self.codes.find(text, start)):
                return "number", self._set_apart(self._cardinals.alone(match), text, start, match.end()), match.end()
        if digit or character == "(":
            if found := self.codes.find(text, start + (character == "(")):
                said, end, rule = found
                return rule, self._set_apart(said, text, start, end), end
            if not digit:
                return "", "", start + 1
        amount = None if digit else self.amounts.before(text, start)
        if amount and not ("-" in text[start : start + _RANGE] and self._range_of_amounts.match(text, start)):
            said, end = amount
            return "amount", self._set_apart(said, text, start, end), end
        for reading in self._readings_of(text, start):
            match = reading.pattern.match(text, start)
            said_or_none = reading.say(match) if match else None
            if match and said_or_none is not None:
                said, end = self._with_what_follows(reading.name, match, said_or_none, text)
                return reading.name, self._set_apart(said, text, start, end), end
        return "", "", start + 1

    def _readings_of(self, text: str, start: int) -> list[Reading]:
        """The rules that may read what begins at ``start``."""
        first = _FIRST.match(text, start)
        if first:
            whole, number = first.end("whole"), first.end()
            return self._possible(text[whole : whole + _AHEAD], text[number : number + _AHEAD])
        return self._readings if text[start] in FRACTIONS else self._before_digits

    def _with_what_follows(self, rule: str, match: re.Match[str], said: str, text: str) -> tuple[str, int]:
        """What a rule says with what belongs to it after the match: an ending, an hour word, a unit, a noun."""
        end = match.end()
        if rule == "number with an ending":
            return self._ended(match["a"], text, end)
        if rule in ("sign", "decade", "version"):
            return said, end
        if rule.startswith("time of day"):
            said, end = self._clock.with_hour_word(match, said, text, end)
        elif rule in ("measure", "number for each") and (per := self.amounts.per_unit(text, end)):
            said, end = self.amounts.per(said, per[0]), per[1]
        elif rule == "range":
            said, end = self._ranges.closed(said, text, end)
        elif rule == "span of years":
            last = self.numbers.cardinal(int(match["b"]))
            ended, end = self._ended(match["b"], text, end)
            return said.removesuffix(last) + ended, end
        return self._inflected(said, text, end, rule)

    def _inflected(self, said: str, text: str, end: int, rule: str) -> tuple[str, int]:
        """``said`` with a case ending that follows it (10:30-ന്), and where the ending ends."""
        ending = self.joining.after(text, end)
        if not ending:
            return said, end
        if inflected := self.joining.inflect(said, ending[0]):
            return inflected, ending[1]
        hyphen = text[end] == "-"
        if (
            ending[2]
            and (hyphen or rule.startswith(("measure", "date", "time of day", "range", "score")))
            and self._glued
        ):
            return with_ending(said, ending[0], True), ending[1]
        return said, end

    def _ended(self, written: str, text: str, end: int) -> tuple[str, int]:
        """A number and the ending on it or after it, and where that ends."""
        words = self._cardinals.spoken(written)
        ending = self.joining.after(text, end)
        if not ending:
            return words, end
        if ending[2] and self.amounts.scale_word.match(ending[0]):
            return f"{self._cardinals.counted(written)[0]} {ending[0]}", ending[1]
        inflected = self.joining.inflect(words, ending[0], self.numbers, written.replace(",", ""))
        if inflected:
            return inflected, ending[1]
        if ending[0] == self._generation:  # of telephone networks: 5ಜಿ
            return f"{words} {ending[0]}", ending[1]
        if ending[2] or self._glued:
            return with_ending(words, ending[0], self._glued), ending[1]
        return words, end

    @property
    def refuses(self) -> bool:
        """Whether the language has no number words."""
        return bool(self._refusal)

    def _set_apart(self, said: str, text: str, start: int, end: int) -> str:
        """``said`` with a space on each side where it would touch a letter or digit that is no ending of its own."""
        if not said:
            return said
        before, after = text[start - 1 : start], text[end : end + 1]
        if before not in _NO_WORD and (is_letter(before) or before.isalnum()):
            said = " " + said
        if after not in _NO_WORD and (is_letter(after) or after.isalnum() or after == "+"):
            return said + " "
        return said
