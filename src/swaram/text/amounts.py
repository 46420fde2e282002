"""Amounts of money: ₹2.5 കോടിയുടെ, Rs. 1 crore 25 lakh, రూ.56 వేల 100 కోట్ల, ₹120/litre, $5bn, 50 paise."""

import re

from swaram.text.cardinals import Cardinals
from swaram.text.endings import Endings
from swaram.text.letters import LETTERS, NO_LETTER, NOT_INSIDE, WORD_END, join
from swaram.text.numbers import NumberWords
from swaram.text.wording import AFTER, CODES, CURRENCIES, Wording

_LATIN = {
    "hundred": "hundred", "thousand": "thousand", "k": "thousand", "lakh": "lakh", "lakhs": "lakh", "lac": "lakh",
    "lacs": "lakh", "l": "lakh", "crore": "crore", "crores": "crore", "cr": "crore", "crs": "crore",
    "million": "million", "mn": "million", "billion": "billion", "bn": "billion",
    "trillion": "trillion", "tn": "trillion",
}  # fmt: skip
_LETTERS = {"m": "million", "b": "billion"}
"""Scales of one letter, read only where they are written onto the number ($5m)."""
_SHORT = {"k", "l", "cr", "crs", "mn", "bn", "tn", "hundred", "thousand"}
LATIN_SCALES = "|".join(sorted(_LATIN.keys() - _SHORT, key=len, reverse=True))
_VALUES = {"thousand": 10**3, "lakh": 10**5, "crore": 10**7}
_ENDS = frozenset(["", *",;:!?)\n"])
"""What may follow an amount that goes no further."""
_PAISE = {"paise", "paisa", "p"}


class Amounts:
    """Finds and says amounts of one language.

    ``scales`` in the language's table gives the written scale words: what is said for one and many (``a|b``), with
    ``~`` after it where the word stands before more; ``money.endings`` are the case endings that move from the scale to
    the currency (``[pattern, what the currency takes]``).
    """

    def __init__(
        self, words: Wording, numbers: NumberWords, endings: Endings, number: str, cardinals: Cardinals
    ) -> None:
        self.words, self._numbers, self._endings = words, numbers, endings
        self._cardinal, self._counted = cardinals.cardinal, cardinals.counted
        own_codes = {code.lower() for code in words.section("words").get("currency_codes", "").split()}
        self._codes = CODES | {n.lower(): s for n, s in AFTER.items() if n.islower()} | dict.fromkeys(own_codes, "₹")
        codes = "|".join(sorted(map(re.escape, [*CODES, *own_codes]), key=len, reverse=True))
        self.money = rf"(?:[₹$€£¥৳₩]|{NOT_INSIDE}(?:{codes})(?![{LETTERS}])\.?)"
        scales: dict[str, str] = {w: w for w in words.section("words").get("bigs", "").split()} | words.section(
            "scales"
        )
        self._scales = scales
        stems = "|".join(map(re.escape, sorted(scales, key=len, reverse=True))) or "(?!)"
        latin = "|".join(sorted(_LATIN, key=len, reverse=True)) + "|" + rf"(?<=\d)[{''.join(_LETTERS)}]"
        self._scale = re.compile(
            rf"\s?(?:(?P<latin>(?i:{latin})){NO_LETTER}(?!\.[A-Za-z])(?:(?<=cr)\.(?= [a-z0-9]))?|(?P<own>{stems}))"
        )
        longer = [scale for scale in scales if len(scale) > 2]
        self.scale_word = re.compile("|".join(map(re.escape, longer)) or "(?!)")
        """The language's scale words of three characters or more, at the start of what is written onto a number."""
        self._start = re.compile(rf"(?P<cur>{self.money})\s?(?P<minus>-?)(?P<a>{number}|\.\d+)", re.IGNORECASE)
        self._more = re.compile(rf"\s(?P<a>{number})(?=\s?(?:(?:{LATIN_SCALES}){NO_LETTER}|{stems}))", re.IGNORECASE)
        self._per = re.compile(r"(?:/| ?per )(?P<unit>[^\W\d_][^\s\d/.,;:!?()\"]{0,24}(?: (?:ft|km|m|yd)\b\.?)?)")
        after = "|".join(sorted(map(re.escape, AFTER), key=len, reverse=True))
        self._after = re.compile(rf"(?P<a>{number})\s?(?P<cur>[₹€£$৳¥]|(?:{after}){WORD_END})(?!\s?\d)")
        self._moved = [(re.compile(old), new) for old, new in words.section("money").get("endings", [])]
        self._word_ending = re.compile(f"-?([{LETTERS}]+)")
        self._per_template: str = words.section("words").get("per", "{a} {u}")

    def before(self, text: str, start: int) -> tuple[str, int] | None:
        """An amount with its currency before it, and where it ends; None where there is none."""
        match = self._start.match(text, start)
        if not match:
            return None
        name = self.name_of(match["cur"])
        place, written = match.end(), match["a"]
        if not match["minus"] and text[place : place + 1] in _ENDS:
            return self.plain(name, written), place
        pieces: list[str] = []
        ending, oblique = "", False
        while scale := self._scale.match(text, place):
            said, place, ending, oblique = self._say_scale(scale, text, written)
            pieces.append(f"{self._count(written)} {said}" if written else said)
            written = ""
            if ending:
                break
            if more := self._more.match(text, place):
                written, place = more["a"], more.end()
        if text.startswith("/-", place):
            place += 2
        if pieces:
            said = f"{self._numbers.attributive(' '.join(pieces))} {self.words.counted(self.words.words[name], False)}"
        else:
            said = self.plain(name, match["a"])
        if match["minus"]:
            said = f"{self.words.words['negative']} {said}"
        if not ending and (found := self._word_ending.match(text, place)) and len(found[1]) <= 16:
            ending, place = found[1], found.end()
            if self._own(ending) is None:
                ending, place = "", found.start()
        if ending or oblique:
            said = self._inflected(said, name, ending, bool(pieces))
        per = self.per_unit(text, place)
        return (self.per(said, per[0]), per[1]) if per and not ending else (said, place)

    def after(self, match: re.Match[str]) -> str:
        """An amount with its currency after it (500 Rs, 50₹)."""
        return self.plain(self.name_of(match["cur"]), match["a"])

    def plain(self, name: str, written: str) -> str:
        """Rupees and paise, dollars and cents of a written number."""
        whole, _, decimals = written.partition(".")
        part = {"rupee": "paisa", "dollar": "cent", "euro": "cent", "pound": "penny"}.get(name, "")
        currency = self.words.words[name]
        paise = len(decimals) == 2 and decimals != "00" and bool(part)
        if paise and not whole.strip("0,"):
            return self._part(decimals, part)
        count, one = self._counted(whole or "0")
        said = f"{count} {self.words.counted(currency, one)}"
        if paise:
            return f"{said} {self._part(decimals, part)}"
        if decimals.strip("0"):
            return f"{self._cardinal(written)} {self.words.counted(currency, False)}"
        return said

    def per_unit(self, text: str, place: int) -> tuple[str, int] | None:
        """The unit after a slash or "per" at ``place``, as written, and where it ends."""
        match = self._per.match(text, place)
        return (match["unit"], match.end()) if match else None

    def per(self, said: str, unit: str) -> str:
        """``said`` for each ``unit`` (as written: kg, litre, day, ലിറ്റർ)."""
        unit = unit.rstrip(".")
        unit = {"mo": "month", "d": "day"}.get(unit, unit)
        word = self.words.units.get(unit) or self.words.units.get(unit.lower()) or ""
        word = word.partition("|")[0]
        if not word or "{}" in word:
            word = self.words.english.word(unit) if unit.isascii() else unit
        return self._per_template.replace("{a}", said).replace("{u}", word)

    def _part(self, decimals: str, part: str) -> str:
        count, one = self._counted(decimals.lstrip("0"))
        return f"{count} {self.words.counted(self.words.words[part], one)}"

    def name_of(self, written: str) -> str:
        """The key of a currency as it is written: ₹, Rs., the language's own code."""
        sign = written.lower().rstrip(".")
        return CURRENCIES[self._codes.get(sign, sign)]

    def _count(self, written: str) -> str:
        return self._counted(written)[0]

    def _say_scale(self, match: re.Match[str], text: str, written: str) -> tuple[str, int, str, bool]:
        """A scale word said after its count, where it ends, the case ending on it, and whether it is oblique."""
        one = written == "1"
        if match["latin"]:
            return self.latin(match["latin"], one), match.end(), "", False
        said = self._scales[match["own"]]
        oblique = said.endswith("~")
        said = self.words.counted(said.rstrip("~"), one)
        ending = self._word_ending.match(text, match.end())
        if ending and len(ending[1]) <= 24:
            return said, ending.end(), ending[1], True
        return said, match.end(), "", oblique

    def latin(self, written: str, one: bool = False) -> str:
        """A scale written in English, in the language's word."""
        name = (_LATIN | _LETTERS)[written.lower()]
        if value := _VALUES.get(name):
            scale = next(s for s in self._numbers.scales if s.value == value)
            form = scale.many[0]
            if scale.stems:
                return self.words.words.get("thousand", scale.one[0])
            return (scale.one[0].split(" ")[-1] if one and len(scale.one[0].split(" ")) == 2 else "") or form.replace(
                "{}", ""
            ).strip()
        return self.words.words.get(name) or self.words.english.word(name)

    def _own(self, ending: str) -> str | None:
        return ending if not ending.isascii() else None

    def _inflected(self, said: str, name: str, ending: str, scaled: bool) -> str:
        forms = self.words.words[name].split("|")
        shown = self.words.counted(self.words.words[name], not said.endswith(forms[min(1, len(forms) - 1)]))
        head = said.removesuffix(shown)
        stem = forms[2] if len(forms) > 2 else shown
        if not ending:
            return head + stem
        for old, new in self._moved:
            if old.search(ending):
                moved = old.sub(new, ending, count=1)
                return head + (join(stem, moved) if moved else stem)
        if not scaled and (inflected := self._endings.inflect(shown, ending)):
            return head + inflected
        return head + join(stem, ending)
