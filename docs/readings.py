"""How the text front end reads what others wrote: ``tests/text/gold/outside.tsv``, as a table in ``docs/readings.md``.

``python docs/readings.py`` writes the table; ``--misses LANGUAGE`` prints what is read otherwise.
"""

import collections
import csv
import re
import sys
from pathlib import Path
from typing import NamedTuple

from swaram.languages import LANGUAGES
from swaram.text import TextFrontend
from swaram.text.english import english_reader
from swaram.text.letters import ill_formed
from swaram.text.normalise import normalise

ROOT = Path(__file__).resolve().parents[1]
ROWS = ROOT / "tests" / "text" / "gold" / "outside.tsv"
PAGE = ROOT / "docs" / "readings.md"
_NOT_HEARD = re.compile(r"[\s,.;:!?\"'()`_-]+")
_LETTERS = re.compile(r"\b(?:[A-Z]{2,5}|[B-HJ-Zb-hj-z])\b(?!')")
# One sound, written in two ways: long and short i and u of Bengali, Assamese and Nepali.
_ONE_SOUND = {
    "bn": str.maketrans("ঈঊীূ", "ইউিু"),
    "as": str.maketrans("ঈঊীূ", "ইউিু"),
    "ne": str.maketrans("ईऊीू", "इउिु"),
}
_SAME = [
    (r"(met|lit)er", r"\1re"),
    (r"\ba m\b", "ay em"),
    (r"o'clock", "oclock"),
    (r"\boh?\b", "zero"),
    (r"\band\b", ""),
]


class Judged(NamedTuple):
    """One row: language, category, source, input, readings that are right, what is said, whether that is right."""

    language: str
    category: str
    source: str
    input: str
    readings: str
    said: str
    right: bool


def judge() -> list[Judged]:
    """Every row, read by the front end of its language."""
    frontends = {code: TextFrontend(code) for code in LANGUAGES}
    judged = []
    with open(ROWS, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            code, readings = row["language"], row["reading"]
            analysis = frontends[code].analyse(row["input"])
            said = " ".join(sentence.text for sentence in analysis.sentences)
            if readings:
                right = heard(said, code) in {heard(_spelled(one, code), code) for one in readings.split(" | ")}
            else:
                whole = all(notice.kind == "assumed" for notice in analysis.notices)
                right = bool(said) and whole and not ill_formed(said) and not re.search(r"\d", said)
            judged.append(Judged(code, row["category"], row["source"], row["input"], readings, said, right))
    return judged


def heard(text: str, code: str) -> str:
    """What of a reading can be heard: no spaces, hyphens and marks; one form of what sounds alike in the language."""
    text = normalise(text, code).lower().translate(_ONE_SOUND.get(code, {}))
    for form, same in _SAME if code == "en-IN" else []:
        text = re.sub(form, same, text)
    return _NOT_HEARD.sub("", text)


def _spelled(reading: str, code: str) -> str:
    """A given reading with its letters by their names."""
    return (
        _LETTERS.sub(lambda match: english_reader(code).spell(match.group()), reading) if code == "en-IN" else reading
    )


def page(judged: list[Judged]) -> str:
    """The page: language by source, and language by category."""
    rows = [row for row in judged if row.readings]
    inputs = [row for row in judged if not row.readings]
    lines = [
        "# Readings that others wrote",
        "",
        "Written by `python docs/readings.py`; the rows and their sources: `tests/text/gold/OUTSIDE.md`.",
        f"{_share(rows)} readings are as their source has them; {_share(inputs)} inputs without a reading are",
        "read whole. Spaces, hyphens and marks do not count, nor whether i and u are written long or short in Bengali,",
        "Assamese and Nepali, where they sound alike. What differs and why stands in [text.md](text.md).",
        "",
        *_table("source", rows, lambda row: row.source),
        "",
        *_table("category", rows, lambda row: row.category),
        "",
    ]
    return "\n".join(lines)


def _share(rows: list[Judged]) -> str:
    return f"{sum(row.right for row in rows):,} of {len(rows):,}"


def _table(name: str, rows: list[Judged], key) -> list[str]:  # type: ignore[no-untyped-def]
    cells: dict[tuple[str, str], list[Judged]] = collections.defaultdict(list)
    for row in rows:
        cells[row.language, key(row)].append(row)
    columns = sorted({column for _, column in cells})
    lines = [f"## Language by {name}", "", "| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for code in LANGUAGES:
        found = [cells.get((code, column), []) for column in columns]
        if any(found):
            lines.append(f"| {code} | " + " | ".join(_share(cell) if cell else "" for cell in found) + " |")
    return lines


if __name__ == "__main__":
    everything = judge()
    if len(sys.argv) == 3 and sys.argv[1] == "--misses":
        for row in everything:
            if row.language == sys.argv[2] and not row.right:
                print(row.category, row.source, row.input, row.readings, row.said, sep="\t")
    else:
        PAGE.write_text(page(everything), encoding="utf-8")
        print(PAGE.read_text(encoding="utf-8").splitlines()[3])
