"""Which rule reads a number: only rules that cannot read it are passed over, and each place has one rule."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaram.languages import LANGUAGES, get_language
from swaram.text import TextFrontend
from swaram.text.normalise import normalise
from swaram.text.quantities import Quantities

GOLD = Path(__file__).parent / "gold"
PIECES = [
    "1",
    "12",
    "123",
    "1234",
    "1,25,000",
    "1,2345",
    "12,345,6",
    "0",
    "007",
    "2.5",
    "15.08.1947",
    "3.14.1",
    "-",
    "/",
    ":",
    ".",
    ",",
    "%",
    "°",
    "'",
    '"',
    "^",
    "²",
    "½",
    "x",
    "×",
    "km",
    "kg",
    "in",
    "am",
    "pm",
    "a.m.",
    "p",
    "st",
    "nd",
    "th",
    "s",
    "Jan",
    "august",
    "₹",
    "Rs",
    "$",
    "lakh",
    "crore",
    "hrs",
    "to",
    "=",
    "+",
    "/-",
    "24",
    "7",
    "24x7",
    "10:30",
    "9.30",
    "A",
    "B",
    "(",
    ")",
    "ങ",
    "ൽ",
    "টা",
    "lakhs",
]
PIECES += [" ", " ", "  ", "\n"]


def first_reading(readings, text: str, start: int) -> tuple[str, str] | None:
    for reading in readings:
        match = reading.pattern.match(text, start)
        if match and (said := reading.say(match)) is not None:
            return reading.name, said
    return None


def same_with_all_rules(quantities: Quantities, text: str) -> None:
    for digit in re.finditer("[0-9]", text):
        start = digit.start()
        possible = quantities._readings_of(text, start)
        every = [reading for reading in quantities._readings if reading.after]
        assert first_reading(possible, text, start) == first_reading(every, text, start), text[start:]


@pytest.mark.parametrize("code", LANGUAGES)
def test_rules_that_are_passed_over_would_not_have_read_the_number(code):
    quantities = Quantities(get_language(code))
    with open(GOLD / f"{code}.tsv", encoding="utf-8", newline="") as file:
        inputs = [row["input"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    for text in inputs:
        same_with_all_rules(quantities, normalise(text, code))


ENGLISH, MALAYALAM, BENGALI = (Quantities(get_language(code)) for code in ("en-IN", "ml", "bn"))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([ENGLISH, MALAYALAM, BENGALI]), st.lists(st.sampled_from(PIECES), max_size=8))
def test_so_it_is_for_numbers_in_any_company(quantities, pieces):
    same_with_all_rules(quantities, "".join(pieces))


def test_a_number_longer_than_any_cache_should_hold_is_still_read():
    (sentence, *_) = TextFrontend("en-IN").analyse("7" * 500).sentences
    assert sentence.text.startswith("seven seven seven")
    assert ENGLISH._cardinals._kept.cache_info().maxsize < 100_000
