"""``swaram adapt``: what it begins with and what it refuses; a run of it is in ``tests/test_whole_way.py``'s manner."""

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from swaram.cli import adapt
from swaram.cli.main import app
from swaram.errors import SwaramError
from swaram.prepare.manifest import COLUMNS


def prepared(folder, count=12, speaker="lj-reader"):
    """A prepared folder of so many clips of six seconds, without audio."""
    folder.mkdir()
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in COLUMNS.items()])
    rows = [
        {"id": f"c{n}", "path": f"audio_files/c{n}.flac", "transcript": "ಕ", "speaker": speaker, "language": "kn",
         "duration": 6.0, "split": "train" if n % 6 else "val", "audio_sha256": f"{n:02}"}
        for n in range(count)
    ]  # fmt: skip
    pq.write_table(
        pa.Table.from_pylist([{name: row.get(name) for name in COLUMNS} for row in rows], schema),
        folder / "manifest.parquet",
    )
    return folder


PLAN = SimpleNamespace(mix=0.5)


def test_one_speaker_keeps_the_conditioning_of_the_source(tmp_path):
    facts = adapt._chosen(prepared(tmp_path / "data"), tmp_path / "clips", None, None, lambda minutes: PLAN)
    assert facts["speakers"] == ["base", "lj-reader"] and facts["own"] == {"lj-reader"}
    assert facts["minutes"] == pytest.approx(1.0)
    lines = (tmp_path / "clips" / "train_metadata.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 11 and len(set(lines)) == 11


def test_so_many_minutes_of_speech_and_clips_of_the_source_against_forgetting(tmp_path):
    old = prepared(tmp_path / "old", 30, "ml-reader")
    facts = adapt._chosen(prepared(tmp_path / "data"), tmp_path / "clips", 0.5, old, lambda minutes: PLAN)
    assert facts["minutes"] == pytest.approx(0.5)
    lines = (tmp_path / "clips" / "train_metadata.csv").read_text(encoding="utf-8").splitlines()
    assert sum("/old/" in line for line in lines) == round(0.5 * 7)


def test_what_cannot_be_adapted_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SwaramError, match="no weights of that name"):
        adapt.find_weights("nobody")
    assert adapt.find_weights("malayalam").name == "malayalam"
    with pytest.raises(SwaramError, match="no such folder"):
        adapt._kind_of(tmp_path / "nowhere")
    (tmp_path / "logs" / "adapt-kn" / "training" / "step-00000001").mkdir(parents=True)
    with pytest.raises(SwaramError, match="--resume goes on"):
        CliRunner().invoke(app, ["adapt", str(tmp_path), "--language", "kn"], catch_exceptions=False)
