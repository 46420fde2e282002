"""Numbers as they are written in text: amounts, dates, times, units, ranges, ordinals, telephone numbers."""

import re

from swaram.languages import Language
from swaram.text.notices import Notices
from swaram.text.numbers import NumberError, NumberWords, number_words
from swaram.text.times import DateWords, TimeWords
from swaram.text.traced import TracedText
from swaram.text.wording import AFTER, CODES, CURRENCIES, MONTHS, wording

_NUMBER = r"\d{1,3}(?:,\d{2,3})+(?:\.\d+)?(?![\d])|\d+(?:\.\d+)?"
_MONTH = "|".join(f"{m[:3]}(?:{m[3:]})?" for m in MONTHS) + "|sept"
_FRACTIONS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
_PART = r"[½¼¾⅓⅔]|\d{1,2}/\d{1,2}(?![\d/])"
_CLOCK = r"(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?::(?P<sec>[0-5]\d))?"
_LATIN_SCALES = "lakhs?|crores?|million|billion|trillion"
_MONTH_NAME = "|".join(f"{m[:3].title()}(?:{m[3:]})?" for m in MONTHS) + "|Sept"
_SCALES = {"lakh": 10**5, "lakhs": 10**5, "crore": 10**7, "crores": 10**7}


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
        try:
            self.numbers = number_words(language.code)
        except NumberError as error:
            self._refusal = str(error)
        else:
            self.dates = DateWords(self.words, self.numbers)
            self.times = TimeWords(self.words, self.numbers)
        self._suffixes: dict[str, list[tuple[re.Pattern[str], str]]] = {
            suffix: [(re.compile(old), new) for old, new in rules]
            for suffix, rules in self.words.section("suffixes").items()
        }
        fixes = self.words.section("numbers").get("range_fixes", [])
        self._range_fixes = [(re.compile(old), new) for old, new in fixes]
        self._glued: bool = self.words.section("numbers").get("glued", False)
        self.endings = sorted(self._suffixes, key=len, reverse=True)
        self._compile()

    def _is_letter(self, character: str) -> bool:
        return any(script.holds(character) for script in self.language.scripts)

    def _compile(self) -> None:
        scripts = "".join(f"{chr(a)}-{chr(b)}" for s in self.language.scripts for a, b in s.ranges if s.name != "Latin")
        letters = f"[{scripts}]" if scripts else "(?!)"
        own_codes = {c.lower() for c in self.words.section("words").get("currency_codes", "").split()}
        self._codes = (
            CODES
            | {name.lower(): sign for name, sign in AFTER.items() if name.islower()}
            | dict.fromkeys(own_codes, "₹")
        )
        codes = "|".join(sorted(map(re.escape, [*CODES, *own_codes]), key=len, reverse=True))
        money = rf"(?:[₹$€£]|(?<![^\W_])(?:{codes})\.?)"
        after = "|".join(AFTER)
        own_bigs = self.words.section("words").get("bigs", "").split()
        big = "|".join([_LATIN_SCALES, *own_bigs])
        units = "|".join(map(re.escape, sorted(self.words.units, key=len, reverse=True)))
        n = f"(?:{_NUMBER})"
        month = rf"(?<![A-Za-z])(?-i:{_MONTH_NAME})\.?(?= ?\d)"
        self._trigger = re.compile(
            rf"(?<![\w.%°)])[+\-±](?=[\d₹$€£])|{money}(?=\s?\d)|{month}|[\d½¼¾⅓⅔]", re.IGNORECASE
        )
        flag = re.IGNORECASE
        space = " ?" if self.words.section("numbers").get("endings_apart") else ""
        self._ending = re.compile(rf"{space}-?({letters}+)")
        self._before_code = re.compile(rf"(?:{'|'.join(map(re.escape, self._code_words()))})\W{{0,3}}$", flag)
        end = r"(?![^\W_])"
        unit = rf"%|(?-i:{units}){end}"
        own_units = "".join(sorted({re.escape(unit[0]) for unit in self.words.units} | self._endings_apart()))
        # Most numbers stand alone: tried first, and only where nothing after the number can change its reading.
        alone = (
            rf"(?P<a>(?:0|[1-9]\d{{0,8}})(?:,\d{{2,3}})*)(?=[.,?!;:]?(?:\n|$)| (?![\dA-Za-z°%₹$€£½¼¾⅓⅔({own_units}-]))"
        )
        year = r"(?:,? (?P<y>\d{4})\b)?"
        self._readings = [
            (re.compile(pattern, flag), say)
            for pattern, say in (
                (alone, self._plain),
                (r"(?P<sign>[+\-±])(?=[\d₹$€£])(?!\d{1,3}[ -]\d{2,5}[ -]\d)", self._sign),
                (
                    rf"(?P<cur>{money})\s?(?P<a>{n})\s?-\s?(?:{money})?\s?(?P<b>{n})(?:\s?(?P<big>{big})\b)?",
                    self._range,
                ),
                (rf"(?P<cur>{money})\s?(?P<a>{n})(?:\s?(?P<big>(?:{big})(?: (?:{big}))?)\b)?(?:/-)?", self._amount),
                (r"(?P<y>\d{4})(?P<s>[-/])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?![\d-])", self._date),
                (r"(?P<d>\d{1,2})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})(?![\d.-]\d|\d)", self._date),
                (rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ -](?P<mon>{_MONTH})\b\.?{year}", self._date),
                (rf"(?P<mon>{_MONTH_NAME})\.? ?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:]){year}", self._date),
                (_CLOCK.replace("):(", ")[:.](", 1) + r"\s?(?P<half>[ap]\.?m\b\.?)", self._time),
                (rf"{_CLOCK}(?![\d:])", self._time),
                (r"(?P<h>1[0-2]|0?[1-9])\s?(?P<half>[ap]\.?m\b\.?)", self._time),
                (r"(?:\+?91[ -])?(?:[6-9]\d{9}|[6-9]\d{4}[ -]\d{5}|0\d{2,4}[ -]\d{6,8})(?!\d)", self._code),
                (r"1800[ -]\d{3}[ -]\d{3,4}(?!\d)|\+\d{1,3}(?:[ -]\d{2,5}){1,3}\d{0,5}(?!\d)", self._code),
                (r"\d+(?:\.\d+){2,}", self._dotted),
                (r"24\s?[x×/]\s?7\b", lambda match: f"{self.cardinal('24')} {self.cardinal('7')}"),
                (r"(?P<a>\d+)(?:st|nd|rd|th)\b", self._english_ordinal),
                (r"(?P<a>\d{3}0)'?s\b", self._decade),
                (r"(?P<a>\d{4})-(?P<b>\d{2})(?![\d,.-])", self._years),
                (
                    rf"(?P<a>{n})%?\s?-\s?(?P<b>{n})(?![\d-])(?:\s?(?P<unit>{unit})|\s?(?P<big>{big})\b)?",
                    self._range,
                ),
                (
                    rf"(?:(?P<w>\d+\s)?(?P<f>{_PART})|(?P<w2>\d+)(?P<f2>[½¼¾⅓⅔]))(?:\s?(?P<unit>{unit}))?",
                    self._fraction,
                ),
                (rf"(?P<a>{n})\s?(?P<unit>{unit})", self._measure),
                (rf"(?P<a>{n})\s?(?P<cur>[₹€£$]|(?-i:{after})\b)(?!\s?\d)", self._amount),
                (rf"(?P<a>{n})(?P<cur>)/-", self._amount),
                (rf"(?P<a>{n})\s?(?P<big>(?:{_LATIN_SCALES})(?: (?:{_LATIN_SCALES}))?)\b", self._big),
                (rf"(?P<a>{n})(?:\s?-)?(?P<suffix>{letters}+)", self._suffixed),
                (rf"(?P<a>{n})", self._plain),
            )
        ]

    def _code_words(self) -> list[str]:
        """Words after which a number is a code, said digit by digit."""
        return ["pin", "pincode", "pin code", "otp", *self.words.section("words").get("code_words", "").split()]

    def _endings_apart(self) -> set[str]:
        """First letters of case endings that may stand apart from their number."""
        if not self.words.section("numbers").get("endings_apart"):
            return set()
        return {suffix[0] for suffix in self._suffixes}

    def expand(self, traced: TracedText, notices: Notices) -> TracedText:
        """Numbers become words; whatever could not be said is left out with a notice."""
        text = traced.text
        spans: list[tuple[int, int, str]] = []
        place = 0
        while trigger := self._trigger.search(text, place):
            start = trigger.start()
            for pattern, say in self._readings:
                match = pattern.match(text, start)
                said = say(match) if match and not self._refusal else None
                if match and self._refusal and match.end() > start:
                    notices.refused(traced, start, match.end(), self._refusal)
                    said = ""
                if match and said is not None:
                    said, place = self._inflected(said, text, match.end())
                    spans.append((start, place, self._set_apart(said, text, start, place)))
                    break
            else:
                place = start + 1
        return traced.replace(spans)

    def _inflected(self, said: str, text: str, end: int) -> tuple[str, int]:
        """``said`` with a case ending that follows it (10:30-ന്), and where the ending ends."""
        ending = self._ending.match(text, end)
        if ending and (inflected := self.inflect(said, ending[1])):
            return inflected, ending.end()
        return said, end

    def inflect(self, words: str, ending: str) -> str | None:
        """``words`` with a case ending, or None where the language's table has no rule for the two."""
        for old, new in self._suffixes.get(ending, []):
            if new != "ordinal" and old.search(words):
                return old.sub(new, words, count=1)
        return None

    def cardinal(self, written: str) -> str:
        """A written number (commas, decimals) as a plain cardinal."""
        whole, _, decimals = written.replace(",", "").partition(".")
        if len(whole) > 15 or (len(whole) > 1 and whole.startswith("0")):
            words = self.numbers.digits(whole)
        else:
            words = self.numbers.cardinal(int(whole))
        return f"{words} {self.words.words['point']} {self.numbers.digits(decimals)}" if decimals else words

    def _counted(self, written: str) -> tuple[str, bool]:
        """The number before a noun, and whether it is one."""
        plain = written.replace(",", "")
        if plain.isdigit() and len(plain) <= 15 and not (plain.startswith("0") and plain != "0"):
            return self.numbers.before_noun(int(plain)), int(plain) == 1
        return self.cardinal(written), False

    def _sign(self, match: re.Match[str]) -> str:
        names = {"-": ["minus"], "+": ["plus"], "±": ["plus", "minus"]}[match["sign"]]
        return " ".join(self.words.words[name] for name in names)

    def _amount(self, match: re.Match[str]) -> str:
        groups = match.groupdict()
        sign = match["cur"].lower().rstrip(".")
        name = CURRENCIES[self._codes.get(sign, sign or "₹")]
        whole, _, decimals = match["a"].partition(".")
        if groups.get("big"):
            count = f"{self.cardinal(match['a'])} {self._scale_word(match['big'])}"
            return f"{self.numbers.attributive(count)} {self.words.counted(self.words.words[name], False)}"
        count, one = self._counted(whole)
        words = f"{count} {self.words.counted(self.words.words[name], one)}"
        if len(decimals) == 2 and decimals != "00":
            part = "paisa" if name == "rupee" else "cent"
            count, one = self._counted(decimals.lstrip("0"))
            return f"{words} {count} {self.words.counted(self.words.words[part], one)}"
        if decimals.strip("0") and len(decimals) != 2:
            return f"{self.cardinal(match['a'])} {self.words.counted(self.words.words[name], False)}"
        return words

    def _scale_word(self, written: str) -> str:
        return " ".join(self._one_scale(word) for word in written.split())

    def _one_scale(self, written: str) -> str:
        value = _SCALES.get(written.lower())
        if value:
            scale = next(s for s in self.numbers.scales if s.value == value)
            return scale.many[0].replace("{}", "").strip()
        return self.words.words.get(written.lower(), written)

    def _big(self, match: re.Match[str]) -> str:
        return f"{self._counted(match['a'])[0]} {self._scale_word(match['big'])}"

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
        return self.dates.say(day, month, year)

    def _time(self, match: re.Match[str]) -> str:
        groups = match.groupdict()
        rest = match.string[match.end() : match.end() + 20]
        seconds = groups.get("sec")
        return self.times.say(
            int(match["h"]), int(groups.get("m") or 0), int(seconds) if seconds else None, groups.get("half"), rest
        )

    def _code(self, match: re.Match[str]) -> str:
        groups = re.findall(r"\d+", match.group())
        return ", ".join(self.numbers.digits(group) for group in groups)

    def _years(self, match: re.Match[str]) -> str | None:
        if not 1100 <= int(match["a"]) <= 2099:
            return None
        return f"{self.numbers.year(int(match['a']))} {self.numbers.cardinal(int(match['b']))}"

    def _dotted(self, match: re.Match[str]) -> str:
        return f" {self.words.words['dot']} ".join(self.cardinal(part) for part in match.group().split("."))

    def _decade(self, match: re.Match[str]) -> str:
        words = self._spoken(match["a"])
        if self.language.script.name != "Latin":
            return words
        return words.removesuffix("y") + "ies" if words.endswith("y") else words + "s"

    def _range(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        low, high = match["a"].replace(",", ""), match["b"].replace(",", "")
        if (len(low) > 1 and low[0] == "0") or (len(high) > 1 and high[0] == "0" and "." not in high):
            return None
        last, around = self._spoken(match["b"]), "{}"
        if groups.get("big"):
            last = f"{last} {self._scale_word(match['big'])}"
        if groups.get("cur"):
            sign = match["cur"].lower().rstrip(".")
            name = CURRENCIES[self._codes.get(sign, sign)]
            last = f"{self.numbers.attributive(last)} {self.words.counted(self.words.words[name], False)}"
        elif groups.get("unit"):
            around = self._unit(match["unit"], "{}")
            if around.startswith("{} "):
                last, around = around.replace("{}", self.numbers.attributive(last)), "{}"
        template = self.words.section("numbers").get("range", "{a} {b}") if float(low) < float(high) else "{a} {b}"
        said = template.replace("{a}", self._spoken(match["a"])).replace("{b}", last)
        for old, new in self._range_fixes:
            said = old.sub(new, said)
        return around.replace("{}", said)

    def _fraction(self, match: re.Match[str]) -> str | None:
        whole, part = (match["w"] or match["w2"] or "").strip(), match["f"] or match["f2"]
        above, below = _FRACTIONS.get(part, part).split("/")
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

    def _of(self, count: str, unit: str | None, one: bool) -> str:
        return self._unit(unit, count, one) if unit else count

    def _unit(self, unit: str, count: str, one: bool = False) -> str:
        word = self.words.words["percent"] if unit == "%" else self.words.counted(self.words.units[unit], one)
        return word.replace("{}", count) if "{}" in word else f"{count} {word}"

    def _measure(self, match: re.Match[str]) -> str:
        count, one = self._counted(match["a"])
        return self._unit(match["unit"], count, one)

    def _english_ordinal(self, match: re.Match[str]) -> str | None:
        return self.numbers.ordinal(int(match["a"])) if len(match["a"]) <= 15 else None

    def _suffixed(self, match: re.Match[str]) -> str | None:
        suffix = match["suffix"]
        words = self._spoken(match["a"])
        for old, new in self._suffixes.get(suffix, []):
            if old.search(words):
                digits = match["a"].replace(",", "")
                if new == "ordinal":
                    return self.numbers.ordinal(int(digits)) if len(digits) <= 15 and digits.isdigit() else words
                return old.sub(new, words, count=1)
        if self._glued and len(suffix) <= 12:
            return words + suffix
        return None

    def _spoken(self, written: str) -> str:
        if re.fullmatch(r"1[1-9]\d\d|20\d\d", written):
            return self.numbers.year(int(written))
        return self.cardinal(written)

    def _plain(self, match: re.Match[str]) -> str:
        written = match["a"]
        if len(written) > 3 and written.isdigit() and self._before_code.search(match.string[: match.start()][-24:]):
            return self.numbers.digits(written)
        if self.numbers.has_attributive and re.match(r" [^\W\d_]", match.string[match.end() : match.end() + 2]):
            return self._counted(written)[0]
        if len(written) >= 13 and written.isdigit():
            return self.numbers.digits(written)
        return self._spoken(written)

    def _set_apart(self, said: str, text: str, start: int, end: int) -> str:
        """``said`` with a space on each side where it would touch a letter or digit that is no ending of its own."""
        if said and start and text[start - 1].isalnum():
            said = " " + said
        if said and end < len(text) and (text[end].isalnum() or text[end] == "+"):
            return said if self._glued and self._is_letter(text[end]) else said + " "
        return said
