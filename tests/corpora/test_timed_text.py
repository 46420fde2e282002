"""Texts of long recordings in every form that people have them."""

import json

import pytest

from swaram.corpora import ReadOptions, get_corpus
from swaram.corpora.timed_text import read_timed_text
from swaram.corpora.utterance import CorpusError

SRT = "1\n00:00:01,500 --> 00:00:03,000\n<i>ഒന്ന്</i> രണ്ട്\nമൂന്ന്.\n\n2\n01:00:04,000 --> 01:00:05,000\nനാല്.\n"
VTT = "WEBVTT\n\nNOTE none\n\n00:01.500 --> 00:03.000 align:start\nഒന്ന് രണ്ട് മൂന്ന്.\n\n01:00:04.000 --> 01:00:05.000\nനാല്.\n"
GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 4000
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        intervals: size = 4
        intervals [1]:
            xmin = 1.5
            xmax = 2
            text = "ഒന്ന്"
        intervals [2]:
            xmin = 2
            xmax = 3
            text = "രണ്ട്"
    item [2]:
        class = "IntervalTier"
        name = "sentences"
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.5
            text = ""
        intervals [2]:
            xmin = 1.5
            xmax = 3
            text = "ഒന്ന് രണ്ട് മൂന്ന്."
        intervals [3]:
            xmin = 3604
            xmax = 3605
            text = "നാല്."
"""
JSON = json.dumps({"segments": [{"start": 1.5, "text": "ഒന്ന് രണ്ട് മൂന്ന്."}, {"start": "1:00:04", "text": "നാല്."}]})


@pytest.mark.parametrize("ending,content", [("srt", SRT), ("vtt", VTT), ("TextGrid", GRID), ("json", JSON)])
def test_cues_become_lines_and_their_times_hints(tmp_path, ending, content):
    (tmp_path / f"a.{ending}").write_text(content, encoding="utf-8")
    read = read_timed_text(tmp_path / f"a.{ending}")
    assert read.text == "ഒന്ന് രണ്ട് മൂന്ന്.\nനാല്.\n"
    assert read.hints == ((0, 1.5), (read.text.index("നാല്"), 3604.0))


def test_plain_text_stays_as_it_is_and_praat_writes_utf_16(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffഒന്ന്\r\nരണ്ട്".encode())
    assert read_timed_text(tmp_path / "a.txt").text == "ഒന്ന്\nരണ്ട്"
    (tmp_path / "b.TextGrid").write_bytes(GRID.encode("utf-16"))
    assert read_timed_text(tmp_path / "b.TextGrid").text.endswith("നാല്.\n")


@pytest.mark.parametrize("name,content", [("a.json", b"{"), ("a.srt", b"no times"), ("a.txt", b"\xff\xfa\xc3")])
def test_what_cannot_be_read_is_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=name):
        read_timed_text(tmp_path / name)


def test_an_audiobook_is_every_recording_with_the_text_beside_it(tmp_path):
    (tmp_path / "book").mkdir()
    for name in ("book/01.mp3", "book/02.flac", "03.WAV"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "book" / "01.srt").write_text(SRT, encoding="utf-8")
    (tmp_path / "book" / "01.txt").write_text("മുഴുവൻ.", encoding="utf-8")
    (tmp_path / "03.json").write_text("{", encoding="utf-8")
    options = ReadOptions(language="ml", licence="CC0-1.0")
    read = {u.place: u for u in get_corpus("audiobook").read(tmp_path, options)}
    assert read["book/01.mp3"].text == "മുഴുവൻ." and read["book/01.mp3"].speaker == "book-book"
    assert read["book/02.flac"].fault == "recording without a text of its name"
    assert read["03.WAV"].fault == "text that cannot be read"
    with pytest.raises(CorpusError, match="holds no recording"):
        (tmp_path / "empty").mkdir()
        list(get_corpus("audiobook").read(tmp_path / "empty", options))
