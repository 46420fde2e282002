"""Every language's gold set: what is typed, what must be spoken, and why the line is there."""

import csv
from pathlib import Path

import pytest

from swaram.languages import LANGUAGES
from swaram.text import TextFrontend

GOLD = Path(__file__).parent / "gold"
MANY = {"ml", "ta", "te", "kn", "bn", "mr", "gu"}


def gold_lines(code: str) -> list[dict[str, str]]:
    with open(GOLD / f"{code}.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_gold_line_is_spoken_as_written_there(code):
    frontend = TextFrontend(code)
    wrong = []
    for line in gold_lines(code):
        spoken = " | ".join(sentence.text for sentence in frontend.analyse(line["input"]).sentences)
        if spoken != line["expected"]:
            wrong.append(f"{line['input']} ({line['why']}): {spoken} instead of {line['expected']}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("code", LANGUAGES)
def test_gold_sets_are_long_enough_and_say_why_each_line_is_there(code):
    lines = gold_lines(code)
    assert len(lines) >= (60 if code in MANY else 20)
    assert all(line["why"] for line in lines)
    assert len({line["input"] for line in lines}) == len(lines)
