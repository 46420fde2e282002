"""Columns stand under each other, whatever the script."""

import re

import pytest

from swaram.cli.tables import print_table, width


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("", 0), ("കി", 2), ("ക്ഷ", 2), ("தமிழ்", 4), ("हि", 2), ("가나", 4), ("e\u0301", 1), ("a\u200db", 2)],
)
def test_marks_take_no_column_and_wide_letters_two(text, columns):
    assert width(text) == columns


def test_the_second_column_begins_where_it_does_in_every_row(capsys):
    rows = [("പാലക്കാട്", "one"), ("abc", "two"), ("தமிழ்நாடு", "three"), ("가", "four")]
    print_table(("name", "number"), rows)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    starts = {width(line[: re.search(r"(number|one|two|three|four)$", line).start()]) for line in lines}
    assert len(starts) == 1


def test_no_control_character_reaches_the_terminal(capsys):
    print_table(("a",), [("x\x1b[31my\n\u202ez",)])
    told = capsys.readouterr().out
    assert "\x1b" not in told and told.count("\n") == 2
