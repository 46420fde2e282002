"""A row is read whole, or it has a fault: whatever a table looks like, no part of a sentence goes missing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaram.corpora.sentences import read_sentences
from swaram.corpora.tables import CorpusError

TEXTS = [
    "ഇന്ന് രാവിലെ മഴ പെയ്തു, അതിനുശേഷം വെയിൽ വന്നു.",
    "കുട്ടികൾ പള്ളിക്കൂടത്തിലേക്ക് വേഗം നടന്നു പോയി.",
    "അമ്മ അടുക്കളയിൽ ചോറും കറിയും ഉണ്ടാക്കുന്നു.",
    "നാളെ വൈകുന്നേരം ഞങ്ങൾ കടൽത്തീരത്ത് പോകും.",
]


def table(tmp_path, *lines):
    path = tmp_path / "metadata.csv"
    path.write_bytes("\n".join(lines).encode())
    return read_sentences(path)


def test_two_columns(tmp_path):
    rows = table(tmp_path, *(f"{i}|{text}" for i, text in enumerate(TEXTS)))
    assert [(row.name, row.text, row.speaker, row.fault) for row in rows] == [
        (str(i), text, "", "") for i, text in enumerate(TEXTS)
    ]


def test_a_normalised_third_column_counts(tmp_path):
    rows = table(tmp_path, "1|It was 1455.|It was fourteen fifty five.", "2|Mr. Rao came.|mister rao came.", "3|Yes|")
    assert [row.text for row in rows] == ["It was fourteen fifty five.", "mister rao came.", "Yes"]
    assert not any(row.fault for row in rows)


@pytest.mark.parametrize("where", [1, 2])
@pytest.mark.parametrize("all_rows", [True, False])
def test_a_bar_inside_of_a_sentence_loses_no_half(tmp_path, where, all_rows):
    halves = [" | ".join((" ".join(t.split()[:where]), " ".join(t.split()[where:]))) for t in TEXTS]
    lines = [halves[i] if all_rows or i == 0 else TEXTS[i] for i in range(4)]
    rows = table(tmp_path, *(f"{i}|{line}" for i, line in enumerate(lines)))
    assert [row.text.replace("| ", "") for row in rows] == TEXTS and not any(row.speaker for row in rows)


def test_pipers_speakers_are_speakers(tmp_path):
    rows = table(tmp_path, *(f"{i}|anu {i % 2}|{text} | {text}" for i, text in enumerate(TEXTS)))
    assert [row.speaker for row in rows] == ["anu 0", "anu 1"] * 2
    assert [row.text for row in rows] == [f"{text} | {text}" for text in TEXTS]
    alone = table(tmp_path, *(f"{i}|speaker{i}|{text}" for i, text in enumerate(TEXTS)))
    assert [row.speaker for row in alone] == [f"speaker{i}" for i in range(4)]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\v", "\f", "\x1c", "\x1d", "\x1e"])
def test_only_line_feeds_and_carriage_returns_end_a_row(tmp_path, separator):
    (tmp_path / "t.csv").write_bytes(f"1|a{separator}b\r\n2|c\r3|d\n".encode())
    rows = read_sentences(tmp_path / "t.csv")
    assert [(row.name, row.text) for row in rows] == [("1", f"a{separator}b"), ("2", "c"), ("3", "d")]


def test_a_byte_order_mark_means_nothing(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf1|a\n")
    assert read_sentences(tmp_path / "t.csv")[0].name == "1"


def test_a_row_without_a_bar_has_a_fault_and_a_file_of_another_encoding_is_one_sentence(tmp_path):
    assert [bool(row.fault) for row in table(tmp_path, "1|a", "2,b")] == [False, True]
    (tmp_path / "t.csv").write_bytes("1|അമ്മ".encode("utf-16"))
    with pytest.raises(CorpusError, match="not UTF-8"):
        read_sentences(tmp_path / "t.csv")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text("ab അമ്|", min_size=0, max_size=12), min_size=1, max_size=4), min_size=1, max_size=8))
def test_every_row_is_read_whole_or_has_a_fault(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    lines = ["|".join(("id", *row)) for row in cells]
    path.write_text("\n".join(lines), encoding="utf-8")
    rows = read_sentences(path)
    assert len(rows) == len(lines)
    for line, row in zip(lines, rows, strict=True):
        cells = [cell.strip() for cell in line.split("|")[1:]]
        rest, second = [cell for cell in cells if cell], [cell for cell in cells[len(cells) // 2 :] if cell]
        said = [cell.strip() for cell in row.text.split("|") if cell.strip()]
        if not row.fault and rest:
            # All of it, all but the speaker, or the second of two forms of one sentence.
            assert said in (rest, rest[1:], rest[-1:], second)
