"""What people really write around numbers: every row of gold/everyday.tsv is spoken as it is wanted there."""

import csv
from pathlib import Path

import pytest

from swaram.languages import LANGUAGES
from swaram.text import TextFrontend

ROWS = Path(__file__).parent / "gold" / "everyday.tsv"


def rows(code: str) -> list[dict[str, str]]:
    with open(ROWS, encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["language"] == code]


@pytest.mark.parametrize("code", LANGUAGES)
def test_everyday_text_is_read_as_people_say_it(code):
    frontend = TextFrontend(code)
    wrong = []
    for row in rows(code):
        spoken = " | ".join(sentence.text for sentence in frontend.analyse(row["input"]).sentences)
        if spoken != row["expected"]:
            wrong.append(f"{row['input']} ({row['category']}): {spoken} instead of {row['expected']}")
    assert not wrong, "\n".join(wrong)


def test_the_rows_are_many_and_each_stands_once():
    counts = {code: [row["input"] for row in rows(code)] for code in LANGUAGES}
    assert sum(map(len, counts.values())) >= 400
    assert all(len(inputs) >= 5 and len(set(inputs)) == len(inputs) for inputs in counts.values())
