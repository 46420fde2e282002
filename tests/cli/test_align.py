"""``swaram align`` as a person meets it."""

import json
import re

import pytest
import soundfile
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.corpora.timed_text import read_timed_text
from swaram.errors import SwaramError
from tests.alignment.joined import join


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    """Seven sentences as one recording with its text; the last line is not read."""
    folder = tmp_path_factory.mktemp("chapter")
    joined = join([0, 2, 3, 4, 6, 7, 8], [0, 2, 3, 4, 6, 7, 8, 20])
    soundfile.write(folder / "one.flac", joined.audio, 16_000)
    (folder / "one.txt").write_text(joined.text, encoding="utf-8")
    return folder, joined


def run(chapter, *options):
    folder, _ = chapter
    done = CliRunner().invoke(
        app, ["align", str(folder / "one.flac"), str(folder / "one.txt"), "--language", "ml", *options]
    )
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_words_with_times_as_json(chapter):
    _, joined = chapter
    data = json.loads(run(chapter))
    lines = joined.text.split("\n")
    assert data["language"] == "ml" and data["duration"] == pytest.approx(len(joined.audio) / 16_000, abs=0.02)
    spoken = [word["word"] for word in data["words"]]
    assert spoken == " ".join(lines[:7]).split()
    assert all(a["end"] <= b["start"] + 1e-6 for a, b in zip(data["words"], data["words"][1:], strict=False))
    assert data["not_spoken"] == lines[7].split()
    for (_, _, start, end), sentence in zip(joined.sentences, data["sentences"], strict=True):
        assert sentence["start"] == pytest.approx(start, abs=0.35)
        assert sentence["end"] == pytest.approx(end, abs=0.35)


def test_a_text_grid_that_is_read_again_and_subtitles(chapter, tmp_path):
    _, joined = chapter
    run(chapter, "--out", str(tmp_path / "one.TextGrid"))
    read = read_timed_text(tmp_path / "one.TextGrid")
    assert read.text.split("\n")[:7] == joined.text.split("\n")[:7]
    grid = (tmp_path / "one.TextGrid").read_text(encoding="utf-8")
    edges = [(float(a), float(b)) for a, b in re.findall(r"xmin = ([\d.]+)\n            xmax = ([\d.]+)", grid)]
    assert all(a < b for a, b in edges)
    run(chapter, "--out", str(tmp_path / "one.srt"))
    times = read_timed_text(tmp_path / "one.srt")
    assert times.text == read.text
    assert [seconds for _, seconds in times.hints] == pytest.approx([seconds for _, seconds in read.hints], abs=0.002)


def test_faults_are_one_sentence(chapter, tmp_path):
    (tmp_path / "empty.txt").write_text("…", encoding="utf-8")
    folder, _ = chapter
    with pytest.raises(SwaramError, match="nothing that can be spoken"):
        CliRunner().invoke(
            app,
            ["align", str(folder / "one.flac"), str(tmp_path / "empty.txt"), "--language", "ml"],
            catch_exceptions=False,
        )
    with pytest.raises(SwaramError, match="choose one of json"):
        run(chapter, "--format", "docx")
