"""The time of every character of a text, from those of its words and symbols."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swaram.voice.timings import Mark, characters_of


def marks(kind: str, *spans: tuple[int, int, int, int]) -> list[Mark]:
    return [Mark(kind, *span) for span in spans]


def test_characters_begin_with_their_symbols_and_spaces_lie_between_words():
    words = marks("word", (0, 2, 100, 300), (3, 5, 400, 600))
    symbols = marks("symbol", (0, 1, 100, 200), (1, 2, 200, 300), (3, 4, 400, 500), (4, 5, 500, 600))
    found = characters_of(words, symbols, 0, 5, 700)
    assert [(c.start, c.start_sample, c.end_sample) for c in found] == [
        (0, 100, 200), (1, 200, 300), (2, 300, 400), (3, 400, 500), (4, 500, 700),
    ]  # fmt: skip


def test_what_has_no_sound_shares_the_time_between_its_neighbours():
    found = characters_of(marks("word", (10, 14, 0, 400)), marks("symbol", (10, 11, 0, 400)), 10, 14, 400)
    assert [(c.start_sample, c.end_sample) for c in found] == [(0, 100), (100, 200), (200, 300), (300, 400)]


def test_what_is_said_in_another_order_is_never_heard_earlier_than_what_stands_before_it():
    words = marks("word", (0, 3, 500, 900), (4, 6, 0, 500))
    found = characters_of(words, [], 0, 6, 900)
    assert all(a.end_sample == b.start_sample for a, b in itertools.pairwise(found))


def test_a_passage_without_any_mark_has_no_characters():
    assert characters_of([], [], 0, 5, 100) == []


spans = st.tuples(st.integers(0, 30), st.integers(1, 9), st.integers(0, 5000), st.integers(0, 900))


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=20), st.integers(1, 40))
def test_whatever_the_marks_characters_are_contiguous_in_text_and_time(words, symbols, end):
    as_marks = [
        marks(kind, *[(a, a + n, s, s + d) for a, n, s, d in given])
        for kind, given in (("word", words), ("symbol", symbols))
    ]
    found = characters_of(*as_marks, 0, end, 6000)
    if found:
        assert [c.start for c in found] == list(range(end)) and found[-1].end_sample == 6000
        assert all(a.end_sample == b.start_sample for a, b in itertools.pairwise(found))
        assert all(c.start_sample <= c.end_sample for c in found)


@pytest.mark.parametrize("start", [0, 7])
def test_positions_count_from_the_beginning_of_the_text(start):
    found = characters_of(marks("word", (start, start + 2, 0, 10)), [], start, start + 2, 10)
    assert [c.start for c in found] == [start, start + 1]
