"""Numbers as they are written in text: amounts, dates, times, units, ranges, ordinals, telephone numbers."""

import re
from collections.abc import Callable
from functools import lru_cache

from swaram.languages import Language
from swaram.text.amounts import LATIN_SCALES, Amounts
from swaram.text.codes import SHAPES, Codes
from swaram.text.endings import Endings, with_ending
from swaram.text.letters import LETTERS, MARKS, NO_LETTER, alternation, is_letter, join, letters_of_scripts, mend
from swaram.text.notices import Notices
from swaram.text.numbers import NumberError, NumberWords, number_words
from swaram.text.times import DateWords, TimeWords
from swaram.text.traced import TracedText
from swaram.text.wording import AFTER, CODES, MONTHS, wording

_NUMBER = r"\d{1,3}(?:,\d{2,3})+(?:\.\d+)?(?![\d])|\d+(?:\.\d+)?"
_MONTH = "|".join(f"{m[:3]}(?:{m[3:]})?" for m in MONTHS) + "|sept"
_FRACTIONS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
_PART = r"[½¼¾⅓⅔]|\d{1,2}/\d{1,2}(?![\d/])"
_CLOCK = r"(?P<h>[01]?\d|2[0-4])[:ःঃ](?P<m>[0-5]\d)(?:[:ःঃ](?P<sec>[0-5]\d))?"
_HALF = r"(?P<half>[ap]\.?m\b\.?)"
# Small may and march are other words; mar, dec and the like in small letters too.
_MONTH_NAME = (
    "|".join(f"{m[:3].title()}(?:{m[3:]})?|{m[:3].upper()}(?:{m[3:].upper()})?" for m in MONTHS)
    + "|Sept|SEPT|"
    + "|".join(m for m in MONTHS if m not in ("may", "march"))
)
_POWERS = {"²": "2", "³": "3", "¹": "1", "⁰": "0", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9"}
_OPERATORS = r"[=×÷+*^<>≤≥≈≠±]"

Reading = tuple[str, "re.Pattern[str]", Callable[["re.Match[str]"], str | None]]


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
        self._letters = letters_of_scripts(s for s in language.scripts if s.name != "Latin")
        if language.script.name == "Latin":
            self._letters = ""
        self.joining = Endings(self.words, self._letters)
        try:
            self.numbers = number_words(language.code)
        except NumberError as error:
            self._refusal = str(error)
        else:
            self.dates = DateWords(self.words, self.numbers)
            self.times = TimeWords(self.words, self.numbers)
            self.amounts = Amounts(self.words, self.numbers, self.joining, f"(?:{_NUMBER})", self.cardinal)
            self.codes = Codes(self.words, self.numbers)
        fixes = self.words.section("numbers").get("range_fixes", [])
        self._range_fixes = [(re.compile(old), new) for old, new in fixes]
        self._glued = self.joining.glued
        not_counted = "|".join(map(re.escape, self.words.section("words").get("not_counted", "").split())) or "(?!)"
        self._counts = re.compile(f" (?!(?:{not_counted}){NO_LETTER})[{LETTERS}]")
        nouns = self.words.section("words").get("range_nouns", "").split()
        self._range_nouns = {w for unit in self.words.units.values() for w in unit.split("|")} | set(nouns)
        self._noun = re.compile(f" ([{LETTERS}]+)")
        self._other_forms = {old: new for old, new in self.words.section("other_script").get("forms", [])}
        self._other = re.compile(alternation(self._other_forms))
        self._compile()

    def _compile(self) -> None:
        letters = f"[{self._letters}]" if self._letters else "(?!)"
        money = self.amounts.money if not self._refusal else "[₹$€£¥৳]"
        after = "|".join(AFTER)
        own_scales = [*self.words.section("words").get("bigs", "").split(), *self.words.section("scales")]
        big = "|".join([LATIN_SCALES, *map(re.escape, sorted(own_scales, key=len, reverse=True))])
        written = sorted(self.words.units, key=len, reverse=True)
        latin = "|".join(re.escape(unit) for unit in written if unit[-1] < "\u0250" or not is_letter(unit[-1]))
        own = "|".join(re.escape(unit) for unit in written if unit[-1] > "\u0250" and is_letter(unit[-1])) or "(?!)"
        n = f"(?:{_NUMBER})"
        month = rf"(?<![A-Za-z])(?-i:{_MONTH_NAME})\.?[ -]?"
        flag = re.IGNORECASE
        sign = rf"(?<![{LETTERS}\d.%°)])[+\-±]"
        point = rf"(?<![{LETTERS}\d.])\."
        own_codes = self.words.section("words").get("currency_codes", "").split()
        ends = [*CODES, *own_codes, *MONTHS, *(m[:3] for m in MONTHS), "sept"]
        self._lead_ends = frozenset("₹$€£¥৳+-±(.") | {w[-1] for w in ends} | {w[-1].upper() for w in ends}
        # What before a digit belongs to its number; looked for backwards from the digit.
        self._lead = re.compile(rf"(?:{sign}?{money}\s?-?|{sign}|{month}|\()?(?:{point})?$", flag)
        inch = r"in(?=[.,;:)]*(?:\n|$)|[.,;:)] | ?[x×]| wide| long| tall| thick)"
        stop = r"(?!\.[A-Za-z])\.?(?:(?<=[a-z]\.)(?= [a-z0-9,])|(?<!\.))"
        unit = rf"%|(?-i:(?:{latin})(?![A-Za-z])|(?:{own}){NO_LETTER}){stop}|(?-i:{inch})"
        hours = "|".join(self.times.hour_words) if not self._refusal and self.times.hour_words else "(?!)"
        parts = "|".join(self.times.day_parts) if not self._refusal and self.times.day_parts else "(?!)"
        self._day_part = re.compile(rf"(?:{parts})(?:[ ,]+[{LETTERS}]+)?[ ,]*$", flag)
        own_units = "".join(sorted({re.escape(unit[0]) for unit in self.words.units} | self.joining.first_apart))
        # Most numbers stand alone: tried first, and only where nothing after the number can change its reading.
        self._alone = re.compile(
            rf"(?P<a>(?:0|[1-9]\d{{0,8}})(?:,\d{{2,3}})*)"
            rf"(?=[.,?!;:]?(?:\n|$)|[,;?!] (?![\d])| (?![\d.A-Za-z°%₹$€£½¼¾⅓⅔({own_units}=×÷+*/^-]))"
        )
        # Numbers in a row that can be no part of a telephone number, a date, a time or a fraction.
        self._row = re.compile(r"(?P<a>[1-5]\d{3,4}|[1-9]\d{6,8})(?= [1-9]\d{3,8}(?:[ \n]|$))(?! \d{4} \d{4})")
        year = rf"(?:,? (?P<y>\d{{4}})(?![\d]){NO_LETTER})?"
        year_after = rf"(?:(?:,? |(?<=-))(?P<y>\d{{4}})(?![\d]){NO_LETTER})?"
        dots = _CLOCK.replace("[:ःঃ]", "[:.ःঃ]", 1)
        clock = rf"(?:{dots}\s?{_HALF}|(?P<h2>1[0-2]|0?[1-9])\s?{_HALF.replace('half', 'half2')})"
        dotted = r"(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d)(?![\d.]\d|\d)"
        readings: list[tuple[str, str, Callable[[re.Match[str]], str | None]]] = [
            ("sign", r"(?P<sign>[+\-±])(?=\.?[\d₹$€£৳])(?!\d{1,3}[ -]\d{2,5}[ -]\d)", self._sign),
            (
                "range of amounts",
                rf"(?P<cur>{money})\s?(?P<a>{n})\s?-\s?(?:{money})?\s?(?P<b>{n})(?:\s?(?P<big>{big}){NO_LETTER})?",
                self._range,
            ),
            ("date", r"(?P<y>\d{4})(?P<s>[-/])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?![\d-])", self._date),
            ("house number", r"(?P<a>\d{1,4}(?:-\d{1,4}){1,4}(?:/\w{1,4})?)(?![\d-])", self._house),
            ("date", r"(?P<d>\d{1,2})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})(?![\d.-]\d|\d)", self._date),
            ("date", rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ -](?P<mon>{_MONTH})\b\.?{year}", self._date),
            (
                "date",
                rf"(?P<mon>{_MONTH_NAME})\.?[ -]?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])"
                rf"(?:-(?=\d{{4}}\b))?{year_after}",
                self._date,
            ),
            ("times of day", rf"(?P<one>{_unnamed(clock)})\s?(?:-|to)\s?(?P<two>{_unnamed(clock)})", self._times),
            ("time of day", clock, self._time),
            ("times of day", rf"(?P<one>{_unnamed(_CLOCK)})\s?-\s?(?P<two>{_unnamed(_CLOCK)})(?![\d:])", self._times),
            ("time of day", rf"{_CLOCK}(?![\d:])(?:\s?(?P<hrs>hrs?|hours?)\b)?", self._time),
            ("time of day", rf"{dotted}(?=[ -]?(?:{hours}))", self._time),
            ("time of day after a part of the day", dotted, self._dotted_time),
            ("ratio", r"(?P<a>\d{1,4}):(?P<b>\d{1,4})(?![\d:])", self._ratio),
            ("version", r"\d+(?:\.\d+){2,}", self._dotted),
            ("all day", r"24\s?[x×/]\s?7\b", lambda match: f"{self.cardinal('24')} {self.cardinal('7')}"),
            ("fraction", r"(?P<a>\d{1,2})/(?P<b>\d{1,2})(?:st|nd|rd|th)\b", self._english_part),
            ("ordinal", r"(?P<a>\d{1,3}(?:,\d{2,3})+|\d+)(?:st|nd|rd|th)\b", self._english_ordinal),
            ("decade", r"(?P<a>\d{3}0|\d0)'?s\b", self._decade),
            ("span of years", r"(?P<a>\d{4})[-/](?P<b>\d{2})(?![\d,.-])", self._years),
            ("subtraction", rf"(?P<a>{n})\s?-\s?(?P<b>{n})(?=\s?{_OPERATORS})", self._subtraction),
            ("sides", rf"(?P<a>{n})\s?[x×]\s?(?=\d)", self._side),
            (
                "range",
                rf"(?P<a>{n})%?\s?-\s?(?P<b>{n})(?![\d-])(?:\s?(?P<unit>{unit})|\s?(?P<big>{big}){NO_LETTER})?",
                self._range,
            ),
            ("score", r"(?P<a>[1-9]\d{1,2})/(?P<b>\d|10)(?![\d/])(?<!\d\d\d\d)", self._score),
            (
                "fraction",
                rf"(?:(?P<w>\d+\s)?(?P<f>{_PART})|(?P<w2>\d+)(?P<f2>[½¼¾⅓⅔]))(?:\s?(?P<unit>{unit}))?",
                self._fraction,
            ),
            (
                "numbers with a slash",
                rf"(?P<a>{n})/(?P<b>{n}|[A-Za-z]{{1,2}}(?![A-Za-z])|{letters}(?!{letters}))",
                self._slash,
            ),
            ("degrees", r"(?P<a>\d+(?:\.\d+)?)°/(?=\d)", self._degrees),
            ("power", rf"(?P<a>{n})(?P<p>[{''.join(_POWERS)}]+|\^-?\d+)", self._power),
            ("feet and inches", r"(?P<a>\d{1,2})' ?(?P<b>\d{1,2})(?:\"|'')", self._feet),
            ("measure", rf"(?P<a>{n}|\.\d+)\s?(?P<unit>{unit})", self._measure),
        ]
        if not self._refusal:
            readings += [
                ("amount", rf"(?P<a>{n})\s?(?P<cur>[₹€£$৳¥]|(?-i:{after}){NO_LETTER})(?!\s?\d)", self.amounts.after),
                ("amount", rf"(?P<a>{n})/-", lambda match: self.amounts.plain("rupee", match["a"])),
                ("paise", r"(?P<a>\d{1,2})\s?(?:paise|paisa|p)\b", self._paise),
            ]
        readings += [
            (
                "scale",
                rf"(?P<a>{n})\s?(?P<big>(?:{LATIN_SCALES})(?: (?:{LATIN_SCALES}))?){NO_LETTER}"
                rf"(?: (?P<unit>(?-i:(?:{latin})(?![A-Za-z]))))?",
                self._big,
            ),
            ("decimal", r"\.(?P<a>\d+)", self._point),
            ("number with an ending", rf"(?P<a>{n})(?= ?-?{letters})", self._suffixed),
            ("number", rf"(?P<a>{n})", self._plain),
        ]
        self._readings: list[Reading] = [(name, re.compile(pattern, flag), say) for name, pattern, say in readings]
        self._by_next = {".": self._readings}
        for following, without in _IMPOSSIBLE.items():
            self._by_next[following] = [r for r in self._readings if r[0] not in without]
        self._signs = [r for r in self._readings if r[0] in ("sign", "range of amounts", "date", "decimal", "measure")]

    def expand(self, traced: TracedText, notices: Notices) -> TracedText:
        """Numbers become words; whatever could not be said is left out with a notice."""
        traced = self._shapes(traced)
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
            rule, said, place = self._read(text, start, traced, notices)
            if not rule and start < at:
                start = at
                rule, said, place = self._read(text, start, traced, notices)
            if rule:
                if other:
                    said = mend(self._other.sub(self._other_letter, said))
                if place < len(text) and (loose := _LOOSE.match(text, place)):
                    said, place = join(said.rstrip(), loose[1]), loose.end()
                spans.append((start, place, said))
                rules.append(rule)
        return traced.replace(spans, rules)

    def _in_other_script(self, text: str) -> bool:
        """Whether a text is written in the language's second script rather than in its first."""
        first, second = self.language.scripts[:2]
        return sum(map(second.holds, text)) > sum(map(first.holds, text))

    def _other_letter(self, match: re.Match[str]) -> str:
        return self._other_forms[match.group()]

    def _shapes(self, traced: TracedText) -> TracedText:
        """Codes of letters and digits (PAN, IFSC, vehicles), which are told by their shape."""
        if self._refusal or not _CAPITAL_OR_DIGITS.search(traced.text):
            return traced
        return traced.rewrite(SHAPES, self.codes.shapes, "code by its shape")

    def _read(self, text: str, start: int, traced: TracedText, notices: Notices) -> tuple[str, str, int]:
        """The rule that reads what begins at ``start`` (none: ""), what it says, and where it ends."""
        if self._refusal:
            match = _ANY_NUMBER.match(text, start)
            if match:
                notices.refused(traced, start, match.end(), self._refusal)
                return "number", "", match.end()
            return "", "", start + 1
        character = text[start]
        digit = "0" <= character <= "9"
        if digit:
            match = self._row.match(text, start)
            if match and (not start or text[start - 1] == " "):
                return "number", _row_words(self, match["a"]), match.end()
            match = self._alone.match(text, start)
            if match:
                written = match["a"]
                if len(written) < 4 or not self._after_code(text, start):
                    return "number", self._set_apart(self._alone_said(match), text, start, match.end()), match.end()
        if digit or character == "(":
            if found := self.codes.find(text, start + (character == "(")):
                said, end, rule = found
                return rule, self._set_apart(said, text, start, end), end
            if not digit:
                return "", "", start + 1
        found_amount = None if digit else self.amounts.before(text, start)
        if found_amount and not self._readings[1][1].match(text, start):
            said, end = found_amount
            return "amount", self._set_apart(said, text, start, end), end
        readings = self._readings_of(text, start) if digit else self._signs_and_months(character)
        for rule, pattern, say in readings:
            match = pattern.match(text, start)
            said_or_none = say(match) if match else None
            if match and said_or_none is not None:
                said, end = said_or_none, match.end()
                if rule == "number with an ending":
                    said, end = self._ended(match["a"], text, end)
                elif rule not in ("sign", "decade", "version"):
                    if rule.startswith("time of day"):
                        said, end = self._timed(match, said, text, end)
                    elif rule == "measure" and (found_per := self.amounts.per_unit(text, end)):
                        said, end = self.amounts.per(said, found_per[0]), found_per[1]
                    elif rule == "range":
                        said, end = self._closed(said, text, end)
                    said, end = self._inflected(said, text, end, rule)
                return rule, self._set_apart(said, text, start, end), end
        return "", "", start + 1

    def _readings_of(self, text: str, start: int) -> list[Reading]:
        """The readings that what follows a whole number leaves possible."""
        match = _WHOLE.match(text, start)
        return self._by_next[match["next"] or "."] if match else self._readings

    def _signs_and_months(self, character: str) -> list[Reading]:
        return self._readings if character in "½¼¾⅓⅔" else self._signs

    def _after_code(self, text: str, start: int) -> bool:
        return self.codes.find(text, start) is not None

    def _alone_said(self, match: re.Match[str]) -> str:
        written = match["a"]
        if self.language.script.name == "Latin":
            return self._plain(match)
        if match.string[match.end() : match.end() + 1] == " " and (written == "1" or self.numbers.has_attributive):
            return self._plain(match)
        return _spoken(self, written)

    def _by_pairs(self, written: str) -> str:
        """Sections, flights and rooms of three digits as one says them (one forty four, three oh two)."""
        first, rest = int(written[0]), int(written[1:])
        if not first or not rest:
            return self.cardinal(written)
        return f"{self.numbers.small[first]} {'oh ' if rest < 10 else ''}{self.numbers.small[rest]}"

    def _inflected(self, said: str, text: str, end: int, rule: str) -> tuple[str, int]:
        """``said`` with a case ending that follows it (10:30-ന്), and where the ending ends."""
        ending = self.joining.after(text, end)
        if not ending:
            return said, end
        if inflected := self.joining.inflect(said, ending[0]):
            return inflected, ending[1]
        hyphen = text[end] == "-"
        if ending[2] and (hyphen or rule.startswith(("measure", "date", "time of day"))) and self._glued:
            return with_ending(said, ending[0], True), ending[1]
        return said, end

    def _ended(self, written: str, text: str, end: int) -> tuple[str, int]:
        """A number and the ending on it or after it, and where that ends."""
        words = self._spoken(written)
        ending = self.joining.after(text, end)
        if not ending:
            return words, end
        inflected = self.joining.inflect(words, ending[0], self.numbers, written.replace(",", ""))
        if inflected:
            return inflected, ending[1]
        if ending[2] or self._glued:
            return with_ending(words, ending[0], self._glued), ending[1]
        return words, end

    @property
    def refuses(self) -> bool:
        """Whether the language has no number words."""
        return bool(self._refusal)

    def inflect(self, words: str, ending: str) -> str | None:
        """``words`` with a case ending, or None where the language's table has no rule for the two."""
        return self.joining.inflect(words, ending)

    def cardinal(self, written: str) -> str:
        """A written number (commas, decimals) as a plain cardinal."""
        whole, _, decimals = written.replace(",", "").partition(".")
        if not whole:
            words = self.numbers.small[0] if self.language.script.name != "Latin" else ""
        elif len(whole) > 15 or (len(whole) > 1 and whole.startswith("0")):
            words = self.numbers.digits(whole)
        else:
            words = self.numbers.cardinal(int(whole))
        if not decimals:
            return words
        return f"{words} {self.words.words['point']} {self.numbers.digits(decimals)}".strip()

    def _counted(self, written: str) -> tuple[str, bool]:
        """The number before a noun, and whether it is one."""
        plain = written.replace(",", "")
        if plain.isdigit() and len(plain) <= 15 and not (plain.startswith("0") and plain != "0"):
            return self.numbers.before_noun(int(plain)), int(plain) == 1
        return self.cardinal(written), False

    def _sign(self, match: re.Match[str]) -> str:
        names = {"-": ["minus"], "+": ["plus"], "±": ["plus", "minus"]}[match["sign"]]
        return " ".join(self.words.words[name] for name in names) + " "

    def _subtraction(self, match: re.Match[str]) -> str:
        return f"{self.cardinal(match['a'])} {self.words.words['minus']} {self.cardinal(match['b'])}"

    def _side(self, match: re.Match[str]) -> str:
        """The first of two lengths or counts (10 x 12 feet, 2x3), or of a product (3 x 4 = 12)."""
        product = _PRODUCT.match(match.string, match.end())
        word = self.words.words["times"] if product else self.words.english.phrase("by")
        return f"{self.cardinal(match['a'])} {word} "

    def _power(self, match: re.Match[str]) -> str:
        power = match["p"].removeprefix("^") if match["p"][0] == "^" else "".join(_POWERS[c] for c in match["p"])
        base = self.cardinal(match["a"])
        table = self.words.section("powers")
        if power in ("2", "3") and match["p"][0] != "^":
            return table.get(
                "square" if power == "2" else "cube",
                "{a} " + self.words.english.phrase("square" if power == "2" else "cube"),
            ).replace("{a}", base)
        sign = self.words.words["minus"] + " " if power.startswith("-") else ""
        said = sign + self.cardinal(power.lstrip("-"))
        return (
            table.get("power", "{a} " + self.words.english.phrase("to the power") + " {b}")
            .replace("{a}", base)
            .replace("{b}", said)
        )

    def _paise(self, match: re.Match[str]) -> str:
        count, one = self._counted(match["a"])
        return f"{count} {self.words.counted(self.words.words['paisa'], one)}"

    def _point(self, match: re.Match[str]) -> str:
        return self.cardinal("." + match["a"])

    def _big(self, match: re.Match[str]) -> str:
        one = match["a"] == "1"
        said = " ".join(self.amounts.latin(word, one) for word in match["big"].split())
        return self._of(f"{self._counted(match['a'])[0]} {said}", match["unit"], False)

    def _date(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        day, year = int(match["d"]), groups.get("y")
        month = (
            MONTHS.index(next(m for m in MONTHS if m[:3] == match["mon"].lower()[:3])) + 1
            if groups.get("mon")
            else int(match["m"])
        )
        if month > 12 and day <= 12:
            day, month = month, day
        if (
            groups.get("s") == "-"
            and year
            and len(year) == 2
            and _DOOR.search(match.string[max(0, match.start() - 24) : match.start()])
        ):
            return None
        return self.dates.say(day, month, year)

    def _house(self, match: re.Match[str]) -> str | None:
        """A house or plot number after a word for it, part by part."""
        if not _DOOR.search(match.string[max(0, match.start() - 24) : match.start()]):
            return None
        return " ".join(self.cardinal(part) for part in match["a"].partition("/")[0].split("-")) + self._over(
            match["a"]
        )

    def _over(self, written: str) -> str:
        after = written.partition("/")[2]
        if not after:
            return ""
        said = self.cardinal(after) if after.isdigit() else self._letters_said(after)
        return f" {self.words.words['over']} {said}" if self.words.words["over"] else f" {said}"

    def _letters_said(self, written: str) -> str:
        return self.words.english.spell(written) if written.isascii() else written

    def _time(self, match: re.Match[str]) -> str:
        groups = match.groupdict()
        seconds = groups.get("sec")
        hour, half = groups.get("h") or groups["h2"], groups.get("half") or groups.get("half2")
        rest = match.string[match.end() : match.end() + 24]
        said = self.times.say(int(hour), int(groups.get("m") or 0), int(seconds) if seconds else None, half, rest)
        return f"{said} {self.times.hours_after}".strip() if groups.get("hrs") else said

    def _times(self, match: re.Match[str]) -> str:
        both = [re.sub(r"\s", "", match[name]) for name in ("one", "two")]
        half = re.search(_HALF, both[1], re.IGNORECASE)
        said = []
        for written in both:
            digits = [int(d) for d in re.findall(r"\d+", written)]
            own = re.search(_HALF, written, re.IGNORECASE)
            mark = own["half"] if own else None
            said.append(
                self.times.say(
                    digits[0],
                    digits[1] if len(digits) > 1 else 0,
                    None,
                    mark,
                    "" if half else match.string[match.end() : match.end() + 24],
                )
            )
        return self._fixed(self._template("range", "{a} {b}").replace("{a}", said[0]).replace("{b}", said[1]))

    def _dotted_time(self, match: re.Match[str]) -> str | None:
        before = match.string[max(0, match.start() - 30) : match.start()]
        after = match.string[match.end() : match.end() + 24]
        whole = match["m"][1] in "05" and int(match["h"]) <= 12
        if not self._day_part.search(before) and not (whole and self.times.followed(after)):
            return None
        if self.language.script.name == "Latin" and int(match["h"]) > 12:
            return None
        return self._time(match)

    def _ratio(self, match: re.Match[str]) -> str:
        return (
            self._template("ratio", "{a} {b}")
            .replace("{a}", self.cardinal(match["a"]))
            .replace("{b}", self.cardinal(match["b"]))
        )

    def _template(self, name: str, otherwise: str) -> str:
        return self.words.section("numbers").get(name, otherwise)

    def _years(self, match: re.Match[str]) -> str | None:
        if not 1100 <= int(match["a"]) <= 2099:
            return None
        return f"{self.numbers.year(int(match['a']))} {self.numbers.cardinal(int(match['b']))}"

    def _dotted(self, match: re.Match[str]) -> str:
        return f" {self.words.words['dot']} ".join(self.cardinal(part) for part in match.group().split("."))

    def _decade(self, match: re.Match[str]) -> str:
        if self.language.script.name != "Latin":
            return self._spoken(match["a"])
        words = self.numbers.year_of(int(match["a"]))
        return words.removesuffix("y") + "ies" if words.endswith("y") else words + "s"

    def _fixed(self, said: str) -> str:
        for old, new in self._range_fixes:
            said = old.sub(new, said)
        return said

    def _range(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        low, high = match["a"].replace(",", ""), match["b"].replace(",", "")
        if (len(low) > 1 and low[0] == "0") or (len(high) > 1 and high[0] == "0" and "." not in high):
            return None
        last, around = self._spoken(match["b"]), "{}"
        template = self._template("range", "{a} {b}") if float(low) < float(high) else "{a} {b}"
        if groups.get("big"):
            written = str(match["big"])
            scale = str(self.words.section("scales").get(written, written)).rstrip("~").rpartition("|")[2]
            last = f"{last} {self.amounts.latin(written) if written.isascii() else scale}"
        if groups.get("cur"):
            name = self.amounts.name_of(match["cur"])
            last = f"{self.numbers.attributive(last)} {self.words.counted(self.words.words[name], False)}"
        elif groups.get("unit"):
            around = self._unit(match["unit"].rstrip("."), "{}")
            if around.startswith("{} "):
                last, around = around.replace("{}", self.numbers.attributive(last)), "{}"
        said = template.replace("{a}", self._spoken(match["a"])).replace("{b}", last)
        return around.replace("{}", self._fixed(said))

    def _closed(self, said: str, text: str, end: int) -> tuple[str, int]:
        """A range before a noun: its closing word goes behind the noun, or away where the language does without."""
        closing = self._template("range", "").rpartition("{b}")[2]
        noun = self._noun.match(text, end)
        if not closing or not noun or not said.endswith(closing):
            return said, end
        bare = said.removesuffix(closing)
        if noun[1] == closing.strip() or self._template("range_closing", "") == "away":
            return bare, end
        if noun[1] in self._range_nouns:
            return f"{bare} {noun[1]}{closing}", noun.end()
        return said, end

    def _timed(self, match: re.Match[str], said: str, text: str, end: int) -> tuple[str, int]:
        """A time of day with its hour word, where the language says the two as one."""
        groups = match.groupdict()
        if groups.get("half") or groups.get("sec") or groups.get("hrs") or not groups.get("h"):
            return said, end
        found = self.times.at(int(groups["h"]), int(groups.get("m") or 0), text[end : end + 24])
        return (found[0], end + found[1]) if found else (said, end)

    def _fraction(self, match: re.Match[str]) -> str | None:
        whole, part = (match["w"] or match["w2"] or "").strip(), match["f"] or match["f2"]
        above, below = _FRACTIONS.get(part, part).split("/")
        if "/" in part and (int(below) == 0 or above.startswith("0") or below.startswith("0")):
            return None
        if not whole and "/" in part and int(above) >= int(below) and int(above) > 10:
            return self._joined_by_over(above, below)
        table = self.words.section("fractions")
        simple = {("1", "2"): "half", ("1", "4"): "quarter", ("3", "4"): "three_quarters"}.get((above, below))
        if whole:
            mixed = table.get("mixed_" + simple, "").split() if simple else []
            if len(whole) < 4 and 0 < int(whole) <= len(mixed):
                return self._of(mixed[int(whole) - 1].replace("_", " "), match["unit"], False)
        said = table.get(simple) if simple else None
        if not said:
            said = f"{self.cardinal(above)} {self.words.words['by']} {self.cardinal(below)}"
        return self._of(f"{self.cardinal(whole)} {said}" if whole else said, match["unit"], not whole)

    def _joined_by_over(self, above: str, below: str) -> str:
        over = self.words.words["over"]
        return f"{self.cardinal(above)} {over + ' ' if over else ''}{self.cardinal(below)}"

    def _score(self, match: re.Match[str]) -> str | None:
        if int(match["a"]) < 11:
            return None
        template = self._template("score", "{a} {b}")
        first = self.cardinal(match["a"])
        if "{dative}" in template:
            ending = self.words.section("numbers").get("score_ending", "")
            return template.replace("{dative}", self.inflect(first, ending) or first).replace(
                "{b}", self.cardinal(match["b"])
            )
        return template.replace("{a}", first).replace("{b}", self.cardinal(match["b"]))

    def _slash(self, match: re.Match[str]) -> str:
        after = match["b"]
        said = self.cardinal(after) if after[0].isdigit() else self._letters_said(after)
        over = self.words.words["over"]
        return f"{self.cardinal(match['a'])} {over + ' ' if over else ''}{said}"

    def _degrees(self, match: re.Match[str]) -> str:
        return f"{self._unit('°', self._counted(match['a'])[0])} "

    def _english_part(self, match: re.Match[str]) -> str | None:
        above, below = int(match["a"]), int(match["b"])
        if self.language.script.name != "Latin" or below < 2:
            return f"{self.cardinal(match['a'])} {self.words.words['by']} {self.cardinal(match['b'])}"
        part = {2: "half", 4: "fourth"}.get(below) or self.numbers.ordinal(below)
        return f"{self.cardinal(match['a'])} {part if above == 1 else part + 's'}"

    def _of(self, count: str, unit: str | None, one: bool) -> str:
        return self._unit(unit.rstrip("."), count, one) if unit else count

    def _unit(self, unit: str, count: str, one: bool = False, before_noun: bool = False) -> str:
        if unit == "in":
            unit = "inch"
        word = self.words.words["percent"] if unit == "%" else self.words.counted(self.words.units[unit], one)
        if before_noun:
            word = self.numbers.attributive(word)
        return word.replace("{}", count) if "{}" in word else f"{count} {word}"

    def _measure(self, match: re.Match[str]) -> str:
        count, one = self._counted(match["a"])
        after = match.string[match.end() : match.end() + 2]
        noun = self.numbers.has_attributive and after[:1] == " " and after[1:].isalpha() and not after[1:].isascii()
        unit = match["unit"] if match["unit"] in self.words.units else match["unit"].rstrip(".")
        return self._unit(unit, count, one, noun)

    def _feet(self, match: re.Match[str]) -> str:
        feet, inches = (self._counted(match[name]) for name in ("a", "b"))
        return f"{self._unit('ft', *feet)} {self._unit('inch', *inches)}"

    def _english_ordinal(self, match: re.Match[str]) -> str | None:
        written = match["a"].replace(",", "")
        return self.numbers.ordinal(int(written)) if len(written) <= 15 else None

    def _suffixed(self, match: re.Match[str]) -> str | None:
        return "" if self.joining.after(match.string, match.end()) else None

    def _spoken(self, written: str) -> str:
        return _spoken(self, written)

    def _plain(self, match: re.Match[str]) -> str:
        written = match["a"]
        if len(written) >= 11 and written.isdigit():
            return self.numbers.digits(written)
        if written.isdigit() and self.language.script.name == "Latin" and len(written) in (3, 4):
            before = match.string[max(0, match.start() - 14) : match.start()]
            if len(written) == 4 and _YEAR_BEFORE.search(before):
                return self.numbers.year_of(int(written))
            if len(written) == 3 and _SECTION.search(before):
                return self._by_pairs(written)
        one = written == "1" and self.numbers.one_of_differs
        if (one or self.numbers.has_attributive) and self._counts.match(match.string, match.end()):
            return self._counted(written)[0]
        return self._spoken(written)

    def _set_apart(self, said: str, text: str, start: int, end: int) -> str:
        """``said`` with a space on each side where it would touch a letter or digit that is no ending of its own."""
        if said and start and (is_letter(text[start - 1]) or text[start - 1].isalnum()):
            said = " " + said
        if said and end < len(text) and (is_letter(text[end]) or text[end].isalnum() or text[end] == "+"):
            return said + " "
        return said


def _unnamed(pattern: str) -> str:
    """``pattern`` without the names of its groups."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


@lru_cache(maxsize=50_000)
def _spoken(quantities: Quantities, written: str) -> str:
    if re.fullmatch(r"1[1-9]\d\d|20\d\d", written):
        return quantities.numbers.year(int(written))
    return quantities.cardinal(written)


def _row_words(quantities: Quantities, written: str) -> str:
    return _spoken(quantities, written)


# A mark that nothing before it would carry: it belongs to what was said before.
_LOOSE = re.compile(f"-? ?((?=[{MARKS}])[{LETTERS}]+)")
_WHOLE = re.compile(r"\d{1,40}(?:,\d{2,3}){0,6}(?P<next>[-/: ]?)")
_NOT_DIGITS = {"sign", "range of amounts", "decimal"}
# What cannot be where this character follows the first whole number.
_IMPOSSIBLE = {
    "-": _NOT_DIGITS | {"ratio", "version", "all day", "ordinal", "decade", "power", "score", "degrees"}
    | {"measure", "paise", "time of day", "time of day after a part of the day"},
    "/": _NOT_DIGITS | {"house number", "times of day", "time of day", "time of day after a part of the day", "ratio"}
    | {"version", "ordinal", "decade", "subtraction", "power", "measure", "paise", "scale", "degrees", "range"},
    ":": _NOT_DIGITS | {"date", "house number", "version", "all day", "fraction", "ordinal", "decade", "range", "score"}
    | {"span of years", "subtraction", "numbers with a slash", "degrees", "power", "measure", "amount", "paise"}
    | {"scale"},
    " ": _NOT_DIGITS | {"house number", "ratio", "version", "ordinal", "decade", "span of years", "score", "power"}
    | {"numbers with a slash", "degrees", "time of day after a part of the day"},
}  # fmt: skip
_PRODUCT = re.compile(rf"10(?:\^|[{''.join(_POWERS)}])|[\d.,]{{1,20}}(?: ?[x×] ?[\d.,]{{1,20}}){{0,4}} ?=")
_DIGIT = re.compile("[0-9½¼¾⅓⅔]")
_ANY_NUMBER = re.compile(rf"(?:{_NUMBER})|[½¼¾⅓⅔]")
_CAPITAL_OR_DIGITS = re.compile(r"[A-Z]-?\d|[A-Z]{2} \d|\d[A-Z]")
_DOOR = re.compile(
    r"(?:door|house|h|d|plot|flat|survey|s|ward|shop|room)\.? ?(?:no|number|num)\W{0,3}$|plot\W{0,2}$|flat\W{0,2}$",
    re.IGNORECASE,
)
_YEAR_BEFORE = re.compile(r"\b(?:[Ii]n|[Ss]ince|[Bb]y|[Uu]ntil|[Tt]ill|[Yy]ear|[Dd]uring|[Ii]n \d{4} and|[Ff]rom) $")
_SECTION = re.compile(r"(?:[Ss]ection|[Aa]rticle|[Rr]ule|[Rr]oom|[Ff]light|[Hh]ighway|NH) $")
