"""The table beside other systems is that of the file that was measured, and says losses as plainly as wins."""

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = importlib.util.spec_from_file_location("side_by_side_docs", ROOT / "docs" / "side_by_side.py")
page = importlib.util.module_from_spec(SCRIPT)
SCRIPT.loader.exec_module(page)


def test_the_page_and_the_plot_are_those_of_the_measured_file():
    text, plot = page.written()
    assert text == page.PAGE.read_text(encoding="utf-8")
    assert plot == page.PLOT.read_text(encoding="utf-8")


def test_a_loss_is_said_and_a_bar_that_is_reached_too():
    rows = [
        {"what": "a", "peer": "P", "ours": 2.0, "theirs": 1.0, "unit": "s", "times": 0.5, "bar": 1, "aim": 2},
        {"what": "b", "peer": "P", "ours": 1.0, "theirs": 1.5, "unit": "s", "times": 1.5, "bar": 1, "aim": 2},
        {"what": "c", "peer": "P", "ours": 1.0, "theirs": 3.0, "unit": "s", "times": 3.0, "bar": 1, "aim": 2},
        {"what": "d", "peer": "P", "why": "it is not installed"},
        {"what": "e", "peer": "", "ours": 30.0, "unit": "ms", "aim": 25},
    ]
    machine = {"processor": "p", "cores": 2, "features": ["avx2"]}
    measured = {"measured": "2026-01-01", "quick": True, "machine": machine, "versions": {}, "rows": rows, "growth": []}
    lines = [line for line in page.table(measured).splitlines() if line.startswith("| ")][1:6]
    said = ["below the bar", "bar reached", "aim reached", "not measured: it is not installed", "aim not reached"]
    assert all(words in line for words, line in zip(said, lines, strict=True))
    assert page.plot(measured).count("<rect") == 1 + 3


def test_every_row_of_the_measured_file_has_its_figures_or_a_reason():
    measured = json.loads(page.SOURCE.read_text(encoding="utf-8"))
    assert measured["rows"] and measured["growth"]
    for row in measured["rows"]:
        assert ("why" in row) != ("ours" in row)
        if "theirs" in row:
            assert abs(row["theirs"] / row["ours"] - row["times"]) < 0.05 * row["times"]
