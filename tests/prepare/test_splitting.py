"""Long recordings in a corpus: nothing is dropped that can be cut, and what is doubtful says so."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from swaram.corpora import ReadOptions, get_corpus
from swaram.prepare import PrepareSettings
from swaram.prepare.pipeline import prepare_corpus
from tests.alignment.joined import clips, join, room
from tests.recorded_speech import file_bytes

SETTINGS = PrepareSettings(split={"validation": 0.2, "test": 0.2})


def long_corpus():
    """Two recordings of half a minute, and one of a single short sentence."""
    for name, order in (("a", [*range(10)]), ("b", [14, 15, 16, 17, 18, 19])):
        joined = join(order)
        yield name, joined.text.replace("\n", " "), file_bytes(joined.audio, 16_000)
    yield "c", clips()[24][1], file_bytes(np.concatenate([room(0.4, 1), clips()[24][0], room(0.4, 2)]), 16_000)


def manifest(out):
    return pq.read_table(out / "manifest.parquet").to_pylist()


def test_long_recordings_are_cut_where_they_were_left_out(corpus, utterances, tree, tmp_path):
    folder, out = corpus(list(long_corpus())), tmp_path / "data"
    whole = PrepareSettings(alignment={"split": False}, split=SETTINGS.split.model_dump())
    before = prepare_corpus(utterances(folder), tmp_path / "before", whole, workers=1)
    report = prepare_corpus(utterances(folder), out, SETTINGS, workers=1)
    lengths = {path.stem: soundfile.info(path).duration for path in (folder / "wavs").iterdir()}
    assert before["kept"][0]["clips"] == 1
    assert report["splitting"]["recordings"] == 2
    assert report["splitting"]["kept_with"] > 0.9 * sum(lengths.values())
    assert report["splitting"]["kept_without"] == pytest.approx(before["kept"][0]["source_seconds"])
    assert report["read"][0]["source_seconds"] == pytest.approx(sum(lengths.values()), abs=0.1)

    rows = manifest(out)
    pieces = [row for row in rows if row["part_of"]]
    texts = {f"lj-{name}": text for name, text, _ in long_corpus()}
    assert {row["part_of"] for row in pieces} == {"lj-a", "lj-b"}
    for row in pieces:
        assert row["raw_transcript"] in texts[row["part_of"]]
        assert 0 <= row["start"] < row["end"] <= lengths[row["part_of"].removeprefix("lj-")] + 0.01
        assert row["end"] - row["start"] == pytest.approx(row["source_duration"], abs=0.01)
        assert row["source"] == "lj" and row["duration"] <= SETTINGS.sound.max_duration
        assert (out / row["path"]).is_file()
    said = " ".join(row["raw_transcript"] for row in pieces if row["part_of"] == "lj-a")
    assert said == texts["lj-a"]

    was, seconds = tree(out), []
    prepare_corpus(utterances(folder), out, SETTINGS, 1, progress=lambda _clips, done: seconds.append(done))
    assert tree(out) == was and sum(seconds) == 0
    assert not (out / ".prepare" / "long").exists()


def test_sentences_on_request(corpus, utterances, tmp_path):
    joined = join([1, 4])
    folder = corpus([("two", joined.text.replace("\n", " "), file_bytes(joined.audio, 16_000))])
    settings = PrepareSettings(alignment={"sentences": True}, split=SETTINGS.split.model_dump())
    prepare_corpus(utterances(folder), tmp_path / "data", settings, workers=1)
    assert [row["raw_transcript"] for row in manifest(tmp_path / "data")] == joined.text.split("\n")


def test_a_text_of_another_recording_is_left_out_with_its_reason_and_every_second_counted(corpus, utterances, tmp_path):
    good, bad = join([*range(10)]), join([*range(9, -1, -1)], [*range(12, 22)])
    rows = [(n, j.text.replace("\n", " "), file_bytes(j.audio, 16_000)) for n, j in (("good", good), ("bad", bad))]
    report = prepare_corpus(utterances(corpus(rows)), tmp_path / "data", SETTINGS, workers=1)
    assert {row["part_of"] for row in manifest(tmp_path / "data")} == {"lj-good"}
    assert any(row["name"].startswith("alignment: ") for row in report["dropped"])
    counted = report["kept"][0]["source_seconds"] + sum(row["source_seconds"] for row in report["dropped"])
    assert counted == pytest.approx((len(good.audio) + len(bad.audio)) / 16_000, abs=0.1)


def test_an_audiobook_with_wrong_times_in_a_compressed_format(tmp_path):
    joined = join([*range(10), 3, 1, 4])
    book = tmp_path / "book"
    book.mkdir()
    (book / "one.mp3").write_bytes(file_bytes(joined.audio, 16_000, "mp3"))
    cues = [f"{n}\n00:{n:02d}:00,000 --> 00:{n:02d}:01,000\n{line}\n" for n, line in enumerate(joined.text.split("\n"))]
    (book / "one.srt").write_text("\n".join(cues), encoding="utf-8")
    read = get_corpus("audiobook").read(book, ReadOptions(language="ml", licence="CC0-1.0"))
    report = prepare_corpus(read, tmp_path / "data", SETTINGS, workers=1)
    rows = manifest(tmp_path / "data")
    assert report["splitting"]["kept_with"] > 0.85 * len(joined.audio) / 16_000
    assert all(row["part_of"] == "book-one" and row["place"].startswith("one.mp3 (") for row in rows)


def test_the_page_says_minutes_before_and_after(corpus, utterances, tmp_path):
    prepare_corpus(utterances(corpus(list(long_corpus()))), tmp_path / "data", SETTINGS, workers=1)
    page = (tmp_path / "data" / "report.html").read_text(encoding="utf-8")
    cut = json.loads((tmp_path / "data" / "report.json").read_text(encoding="utf-8"))["splitting"]
    assert "Minutes, before and after cutting" in page
    assert f"{cut['kept_with'] / 60:,.1f}" in page and f"{cut['kept_without'] / 60:,.1f}" in page
