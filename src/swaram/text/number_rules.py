"""The rules for numbers in text, in their order: what each one matches, and who says it."""

import re
from collections.abc import Callable
from typing import NamedTuple

from swaram.text.amounts import LATIN_SCALES, Amounts
from swaram.text.cardinals import Cardinals
from swaram.text.clock import CLOCK, DOTTED, WITH_HALF, Clock, unnamed
from swaram.text.endings import Endings
from swaram.text.fractions import FRACTIONS, POWERS, Fractions
from swaram.text.letters import NO_LETTER
from swaram.text.measures import Measures
from swaram.text.ranges import Ranges
from swaram.text.times import DateWords
from swaram.text.wording import AFTER, MONTHS, Wording

NUMBER = r"\d{1,3}(?:,\d{2,3})+(?:\.\d+)?(?![\d])|\d+(?:\.\d+)?"
CURRENCY_SIGNS = "₹$€£¥৳₩"
SIMPLE_FRACTIONS = "".join(FRACTIONS)
_MONTH = "|".join(f"{m[:3]}(?:{m[3:]})?" for m in MONTHS) + "|sept"
# Small may and march are other words; mar, dec and the like in small letters too.
MONTH_NAME = (
    "|".join(f"{m[:3].title()}(?:{m[3:]})?|{m[:3].upper()}(?:{m[3:].upper()})?" for m in MONTHS)
    + "|Sept|SEPT|"
    + "|".join(m for m in MONTHS if m not in ("may", "march"))
)
# Small jan, feb and their like only with a dot, or before a day and a year.
MONTH_STEM = "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
_WRITTEN_MONTH = MONTH_NAME + rf"|(?:{MONTH_STEM})(?=\. ?\d|\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}(?!\d))"
_PART = rf"[{SIMPLE_FRACTIONS}]|\d{{1,2}}/\d{{1,2}}(?![\d/])"
_OPERATORS = r"[=×÷+*^<>≤≥≈≠±]"


class Reading(NamedTuple):
    """One rule: its name, what it matches, and what is said of a match (None: another rule may try).

    ``after`` matches what can follow the first number of the rule, at most three characters of it: rules that cannot
    read a number are not tried. ``decimals``: that number may have decimals. ``after`` is None for a rule that does
    not begin with a digit.
    """

    name: str
    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], str | None]
    after: re.Pattern[str] | None
    decimals: bool


def number_rules(
    words: Wording,
    letters: str,
    joining: Endings,
    cardinals: Cardinals,
    dates: DateWords,
    clock: Clock,
    ranges: Ranges,
    fractions: Fractions,
    measures: Measures,
    amounts: Amounts,
) -> list[Reading]:
    """Every rule of a language in order; in each, ``a`` is the first number. ``letters``: its own, for a class."""
    any_letter = letters or "a-z"
    letters = f"[{letters}]" if letters else "(?!)"
    money, after = amounts.money, "|".join(AFTER)
    own_scales = [*words.section("words").get("bigs", "").split(), *words.section("scales")]
    big = "|".join([LATIN_SCALES, *map(re.escape, sorted(own_scales, key=len, reverse=True))])
    n, unit, hours = f"(?:{NUMBER})", measures.unit, clock.hour
    year = rf"(?:,? (?P<y>\d{{4}})(?![\d]){NO_LETTER})?"
    year_after = rf"(?:(?:,? |(?<=-))(?P<y>\d{{4}})(?![\d]){NO_LETTER})?"
    unit_after = rf"\s?[{measures.unit_starts}]"
    scale_after = f"[{''.join(sorted({w[0] for w in LATIN_SCALES.split('|')}))}]"
    powers = "".join(POWERS)
    # Name, pattern, what says it, what follows the first number, whether that may have decimals.
    rules: list[tuple[str, str, Callable[[re.Match[str]], str | None], str | None, bool]] = [
        (
            "sign",
            rf"(?P<sign>[+\-±])(?=\.?[\d{CURRENCY_SIGNS}])(?!\d{{1,3}}[ -]\d{{2,5}}[ -]\d)",
            cardinals.sign,
            None,
            False,
        ),
        (
            "range of amounts",
            rf"(?P<cur>{money})\s?(?P<a>{n})\s?-\s?(?:{money})?\s?(?P<b>{n})(?:\s?(?P<big>{big}){NO_LETTER})?",
            ranges.range,
            None,
            False,
        ),
        ("date", r"(?P<y>\d{4})(?P<s>[-/])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?![\d-])", dates.read, "[-/]", False),
        ("house number", r"(?P<a>\d{1,4}(?:-\d{1,4}){1,4}(?:/\w{1,4})?)(?![\d-])", fractions.house, "-", False),
        (
            "date",
            r"(?P<d>\d{1,2})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})(?![\d.-]\d|\d)",
            dates.read,
            "[-/.]",
            False,
        ),
        (
            "date",
            rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ -](?P<mon>{_MONTH})\b\.?{year}",
            dates.read,
            "[ -][a-z]|[snrt]",
            False,
        ),
        (
            "date",
            rf"(?P<mon>(?-i:{_WRITTEN_MONTH}))\.?[ -]?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])"
            rf"(?:-(?=\d{{4}}\b))?{year_after}",
            dates.read,
            None,
            False,
        ),
        (
            "times of day",
            rf"(?P<one>{unnamed(WITH_HALF)})\s?(?:-|to)\s?(?P<two>{unnamed(WITH_HALF)})",
            clock.both,
            r"[:.ःঃ]|\s?[ap]",
            False,
        ),
        ("time of day", WITH_HALF, clock.time, r"[:.ःঃ]|\s?[ap]", False),
        (
            "times of day",
            rf"(?P<one>{unnamed(CLOCK)})\s?-\s?(?P<two>{unnamed(CLOCK)})(?![\d:])",
            clock.both,
            "[:ःঃ]",
            False,
        ),
        ("time of day", rf"{CLOCK}(?![\d:])(?:\s?(?P<hrs>hrs?|hours?)\b)?", clock.time, "[:ःঃ]", False),
        ("time of day", rf"{DOTTED}(?=[ -]?(?:{hours}))", clock.time, r"\.", False),
        ("time of day after a part of the day", DOTTED, clock.dotted, r"\.", False),
        ("ratio", r"(?P<a>\d{1,4}):(?P<b>\d{1,4})(?![\d:])", ranges.ratio, ":", False),
        ("version", r"\d+(?:\.\d+){2,}", cardinals.version, r"\.", False),
        ("all day", r"24\s?[x×/]\s?7\b", cardinals.all_day, r"\s?[x×/]", False),
        ("fraction", r"(?P<a>\d{1,2})/(?P<b>\d{1,2})(?:st|nd|rd|th)\b", fractions.ordinal_part, "/", False),
        ("ordinal", r"(?P<a>\d{1,3}(?:,\d{2,3})+|\d+)(?:st|nd|rd|th)\b", cardinals.ordinal, "[snrt]", False),
        ("decade", r"(?P<a>\d{3}0|\d0)'?s\b", cardinals.decade, "'?s", False),
        ("decade", r"(?P<a>(?:1[1-9]|20)\d0) s\b", cardinals.decade, " s", False),
        ("time of day", r"(?P<h>[01]\d|2[0-4])(?P<m>[0-5]\d)\s?(?P<hrs>hrs?|hours)\b", clock.time, r"\s?h", False),
        ("span of years", r"(?P<a>\d{4})[-/](?P<b>\d{2})(?![\d,.-])", ranges.years, "[-/]", False),
        ("subtraction", rf"(?P<a>{n})\s?-\s?(?P<b>{n})(?=\s?{_OPERATORS})", ranges.subtraction, r"\s?-", True),
        ("sides", rf"(?P<a>{n})\s?[x×]\s?(?=\d)", ranges.side, r"\s?[x×]", True),
        (
            "range",
            rf"(?P<a>{n})%?\s?-\s?(?P<b>{n})(?![\d-])(?:\s?(?P<unit>{unit})|\s?(?P<big>{big}){NO_LETTER})?",
            ranges.range,
            r"%?\s?-",
            True,
        ),
        ("score", r"(?P<a>[1-9]\d{1,2})/(?P<b>\d|10)(?![\d/])(?<!\d\d\d\d)", ranges.score, "/", False),
        (
            "fraction",
            rf"(?:(?P<w>\d+\s)?(?P<f>{_PART})|(?P<w2>\d+)(?P<f2>[{SIMPLE_FRACTIONS}]))(?:\s?(?P<unit>{unit}))?",
            fractions.fraction,
            rf"/|\s?[{SIMPLE_FRACTIONS}]|\s\d",
            False,
        ),
        ("number for each", rf"(?P<a>{n})(?=/(?:{measures.latin})(?![A-Za-z]))", cardinals.for_each, "/", True),
        (
            "numbers with a slash",
            rf"(?P<a>{n})/(?P<b>{n}|[A-Za-z]{{1,2}}(?![A-Za-z])|{letters}(?!{letters}))",
            fractions.slash,
            "/",
            True,
        ),
        ("degrees", r"(?P<a>\d+(?:\.\d+)?)°/(?=\d)", measures.degrees, "°/", True),
        ("power", rf"(?P<a>{n})(?P<p>[{powers}]+|\^-?\d+)", fractions.power, rf"[{powers}^]", True),
        ("feet and inches", r"(?P<a>\d{1,2})' ?(?P<b>\d{1,2})(?:\"|'')", measures.feet, "'", False),
        ("measure", rf"(?P<a>{n}|\.\d+)\s?(?P<unit>{unit})", measures.measure, unit_after, True),
        (
            "amount",
            rf"(?P<a>{n})\s?(?P<cur>[₹€£$৳¥]|(?-i:{after}){NO_LETTER})(?!\s?\d)",
            amounts.after,
            r"\s?[^\s\d]",
            True,
        ),
        ("amount", rf"(?P<a>{n})/-", lambda match: amounts.plain("rupee", match["a"]), "/-", True),
        ("paise", r"(?P<a>\d{1,2})\s?(?:paise|paisa|p)\b", measures.paise, r"\s?p", False),
        (
            "scale",
            rf"(?P<a>{n})\s?(?P<big>(?:{LATIN_SCALES})(?: (?:{LATIN_SCALES}))?){NO_LETTER}"
            rf"(?: (?P<unit>(?-i:(?:{measures.latin})(?![A-Za-z]))))?",
            measures.scaled,
            rf"\s?{scale_after}",
            True,
        ),
        ("decimal", r"\.(?P<a>\d+)", lambda match: cardinals.cardinal("." + match["a"]), None, False),
        (
            "number with an ending",
            rf"(?P<a>{n})(?= ?-?{letters})",
            lambda match: "" if joining.after(match.string, match.end()) else None,
            f" ?-?[{any_letter}]",
            True,
        ),
        ("number", rf"(?P<a>{n})", cardinals.number, "", True),
    ]
    flag = re.IGNORECASE
    return [
        Reading(name, re.compile(pattern, flag), say, None if follows is None else re.compile(follows, flag), decimals)
        for name, pattern, say, follows, decimals in rules
    ]
