"""Readings that this project did not write: the table that docs/readings.md shows is what comes out today."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = importlib.util.spec_from_file_location("readings", ROOT / "docs" / "readings.py")
readings = importlib.util.module_from_spec(SCRIPT)
SCRIPT.loader.exec_module(readings)


@pytest.fixture(scope="module")
def judged():
    return readings.judge()


def test_the_page_shows_what_is_read_today(judged):
    assert readings.PAGE.read_text(encoding="utf-8") == readings.page(judged), "run python docs/readings.py"


def test_rows_are_many_and_every_source_is_there(judged):
    assert sum(bool(row.readings) for row in judged) >= 1500
    assert {row.source for row in judged} == {"google", "nemo", "nemo-inverse", "indic-numtowords", "cldr", "kenpath"}


def test_every_input_is_read_whole(judged):
    assert [row.input for row in judged if not row.readings and not row.right] == []


def test_what_only_looks_different_is_the_same_and_what_differs_is_not():
    assert readings.heard("one hundred and two metres, O K", "en-IN") == readings.heard(
        "One hundred-two meters o k", "en-IN"
    )
    assert readings.heard("one", "en-IN") != readings.heard("two", "en-IN")
    assert readings.heard("নয় শো", "bn") == readings.heard("নয়শো", "bn")
