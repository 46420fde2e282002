"""Tables on a terminal whose columns stand under each other whatever the script.

Rich measures a text by its code points' widths; vowel signs and conjuncts of Indian scripts then count wrongly, and by
Unicode version. Here a cell is as wide as its letters are: marks are nothing, what East Asia writes wide is two.
"""

import unicodedata
from collections.abc import Iterable, Sequence

_GAP = "  "


def width(text: str) -> int:
    """Columns of a terminal that ``text`` takes: marks and what joins letters take none, wide letters two.

    Spacing vowel signs (Mc) take one, as terminals that follow Unicode's tables print them.
    """
    columns = 0
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Mn", "Me", "Cf", "Cc"):
            continue
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return columns


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a head and rows of as many cells, each column as wide as its widest cell, control characters blanked."""
    lines = [tuple(head), *(tuple(_printable(cell) for cell in row) for row in rows)]
    widest = [max(width(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell + " " * (room - width(cell)) for cell, room in zip(line, widest, strict=True))
        print(_GAP.join(cells).rstrip())


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Cf" else " " for c in text)
