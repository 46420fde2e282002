"""Tables of sentences separated by bars: ``id|text``, ``id|raw|normalised`` (LJSpeech), ``id|speaker|text`` (Piper).

A bar may also stand inside of a sentence. Which of these a table is follows from all of its rows, so a row is read
whole, or it has a fault that is counted; never a part of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swaram.corpora.tables import read_lines

ALIKE = 0.5  # of two forms of one sentence; two halves of a sentence have 0.1 to 0.3
_LABEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Sentence:
    """One row: its line in the file, the recording's name, what is said, and by whom where the table says so."""

    line: int
    name: str
    text: str
    speaker: str = ""
    fault: str = ""


def read_sentences(path: Path) -> list[Sentence]:
    """Every row of a table without a header. Raises CorpusError where the file is missing or not UTF-8."""
    rows = [(line, [cell.strip() for cell in text.split("|")]) for line, text in read_lines(path)]
    wide = [cells for _, cells in rows if len(cells) > 2 and cells[2]]
    usual = len(wide) > len(rows) / 2
    normalised = usual and _median([alike(*cells[1:]) for cells in wide if len(cells) == 3]) >= ALIKE
    speakers = usual and not normalised and _are_speakers(wide)
    found = []
    for line, cells in rows:
        name, rest = cells[0], cells[1:]
        if not rest:
            found.append(Sentence(line, name, "", fault="row has no bar between name and text"))
        elif speakers:
            if len(rest) == 1:
                found.append(Sentence(line, name, "", fault="row has no speaker, unlike the others"))
            else:
                found.append(Sentence(line, name, " | ".join(rest[1:]), rest[0]))
        elif len(rest) == 2 and (not rest[1] or normalised or alike(*rest) >= ALIKE):
            found.append(Sentence(line, name, rest[1] or rest[0]))
        elif normalised and len(rest) > 2:
            half = len(rest) // 2
            whole = [" | ".join(cell for cell in part if cell) for part in (rest[:half], rest[half:])]
            fault = "" if len(rest) % 2 == 0 and alike(*whole) >= ALIKE else "row has more columns than the others"
            found.append(Sentence(line, name, "" if fault else whole[1], fault=fault))
        else:
            found.append(Sentence(line, name, " | ".join(part for part in rest if part)))
    return found


def alike(one: str, other: str) -> float:
    """How much two texts share, 0..1, letters and digits counted (twice the longest common subsequence over both)."""
    from rapidfuzz import fuzz

    a, b = ("".join(c for c in text.casefold() if not c.isspace() and c not in ".,;:!?|'\"") for text in (one, other))
    return fuzz.ratio(a, b) / 100 if a and b else 0.0


def _are_speakers(rows: Sequence[list[str]]) -> bool:
    """Whether the second column names speakers: few names that come again, or plain labels beside another script."""
    names = [cells[1] for cells in rows]
    if any(len(name) > 64 or not name for name in names):
        return False
    if len(set(names)) * 2 <= len(names):
        return True
    texts = "".join(cells[2] for cells in rows)
    foreign = sum(not c.isascii() for c in texts) > len(texts) / 2
    return foreign and all(_LABEL.fullmatch(name) for name in names)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
