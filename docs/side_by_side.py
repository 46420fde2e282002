"""The table and the plot of docs/benchmarks.md, written from what ``make bench`` measured.

``python docs/side_by_side.py`` writes them from side_by_side.json; ``--check`` says whether they are those of the file.
"""

import json
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
SOURCE, PAGE, PLOT = (ROOT / "docs" / name for name in ("side_by_side.json", "benchmarks.md", "side_by_side.svg"))
BEGIN, END = "<!-- side by side: written by docs/side_by_side.py -->", "<!-- end of side by side -->"
_BAR, _GAP, _LEFT, _WIDTH = 16, 10, 430, 420
_MOST = 12.0  # times; longer bars are cut


def table(measured: dict[str, Any]) -> str:
    """Markdown of all rows: what, peer, both figures, how many times, bar and aim."""
    machine = measured["machine"]
    how = "a quick run, fewer rounds" if measured["quick"] else "a whole run"
    lines = [
        f"Measured on {measured['measured']} ({how}) on {machine['cores']} cores of {machine['processor']} "
        f"({', '.join(machine['features']) or 'no vector units listed'}), with "
        + ", ".join(f"{name} {version}" for name, version in measured["versions"].items())
        + ".",
        "",
        "| what | beside | swaram | the other | times better | bar | aim |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in measured["rows"]:
        if "why" in row:
            lines.append(f"| {row['what']} | {row['peer']} | not measured: {row['why']} | | | | |")
            continue
        theirs = f"{row['theirs']:g} {row['unit']}" if "theirs" in row else row.get("note", "")
        times = _judged(row)
        bar, aim = (f"{row[key]:g}" if key in row else "" for key in ("bar", "aim"))
        lines.append(
            f"| {row['what']} | {row['peer']} | {row['ours']:g} {row['unit']} | {theirs} | {times} | {bar} | {aim} |"
        )
    lines += [
        "",
        "Growth, one voice, one thread:",
        "",
        "| what | " + " | ".join(["size: figure"] * 3) + " |",
        "|---|---|---|---|",
    ]
    for curve in measured["growth"]:
        points = [f"{size:g}: {figure:g} {curve['unit']}" for size, figure in curve["points"]]
        lines.append(f"| {curve['what']} | {' | '.join(points)} |")
    return "\n".join(lines)


def _judged(row: dict[str, Any]) -> str:
    """How many times better, in bold where it is better, and whether bar and aim are reached."""
    if "times" not in row:
        if "aim" not in row:
            return ""
        return "aim reached" if row["ours"] <= row["aim"] else "aim not reached"
    times = f"{row['times']:.2f}"
    if "bar" not in row:
        return times
    if row["times"] >= row.get("aim", float("inf")):
        return f"**{times}**, aim reached"
    return f"**{times}**, bar reached" if row["times"] >= row["bar"] else f"{times}, below the bar"


def plot(measured: dict[str, Any]) -> str:
    """An SVG of bars: how many times better each row is, with a line at 1 and marks at bar and aim."""
    rows = [row for row in measured["rows"] if "times" in row]
    height = len(rows) * (_BAR + _GAP) + 50
    scale = _WIDTH / _MOST
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 60}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="14">times better than the other; | is the bar, ▸ the aim</text>',
    ]
    for number, row in enumerate(rows):
        top = 24 + number * (_BAR + _GAP)
        length = min(row["times"], _MOST) * scale
        colour = "#2a7" if row["times"] >= row.get("bar", 1) else "#c63"
        name = escape(f"{row['what']} | {row['peer']}")
        parts.append(f'<text x="{_LEFT - 6}" y="{top + 12}" text-anchor="end">{name}</text>')
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{length:.0f}" height="{_BAR}" fill="{colour}"/>')
        parts.append(f'<text x="{_LEFT + length + 4:.0f}" y="{top + 12}">{row["times"]:.2f}</text>')
        for key, sign in (("bar", "|"), ("aim", "▸")):
            if row.get(key, _MOST + 1) <= _MOST:
                parts.append(f'<text x="{_LEFT + row[key] * scale:.0f}" y="{top + 13}" font-size="14">{sign}</text>')
    bottom = 24 + len(rows) * (_BAR + _GAP)
    parts.append(f'<line x1="{_LEFT + scale:.0f}" y1="20" x2="{_LEFT + scale:.0f}" y2="{bottom}" stroke="#555"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def written() -> tuple[str, str]:
    """The page and the plot as they should be. Raises ValueError where the page has no place for the table."""
    measured = json.loads(SOURCE.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    before, found, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise ValueError(f"{PAGE} has no place between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(measured)}\n{END}{after}", plot(measured)


def main() -> None:
    page, picture = written()
    if "--check" in sys.argv[1:]:
        same = page == PAGE.read_text(encoding="utf-8") and picture == PLOT.read_text(encoding="utf-8")
        print("the table is that of the file" if same else "run python docs/side_by_side.py")
        sys.exit(not same)
    PAGE.write_text(page, encoding="utf-8")
    PLOT.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
