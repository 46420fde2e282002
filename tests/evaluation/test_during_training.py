"""Figures of a fixed set while a voice is trained: written at their interval, and without a trace on the training."""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from swaram.cli import main as cli
from swaram.evaluation import instruments
from swaram.evaluation.during_training import fixed_set, make_listener, scalars
from swaram.evaluation.errors import NotMeasured
from swaram.evaluation.instruments import Instruments
from swaram.evaluation.judges import Hearing
from swaram.evaluation.test_set import read_test_set
from tests.training.conftest import corpus, raw_config  # noqa: F401


class StubbornJudge:
    """Hears one sentence whatever is said, and finds every text equally likely."""

    description: ClassVar = {"kind": "stub", "name": "stubborn"}

    def listen(self, audio, sample_rate, texts=()):
        return Hearing("അമ്മ വന്നു", tuple(2.0 for _ in texts))


@pytest.fixture
def listening(corpus, monkeypatch):  # noqa: F811
    """The training tests' data with what evaluation reads of the manifest; no DNSMOS, and a stubborn judge."""
    path = corpus / "manifest.parquet"
    rows = pyarrow.parquet.read_table(path).to_pylist()
    training, validating = ((corpus / f"{name}_metadata.csv").read_text(encoding="utf-8") for name in ("train", "val"))
    texts = dict(line.split("|") for line in (training + validating).splitlines())
    manifest = [
        row
        | {
            "transcript": texts[row["path"]],
            "language": "ml",
            "duration": 1.0,
            "split": "val" if row["path"] in validating else "train",
            "text_key": texts[row["path"]],
            "attribution": "",
            "licence": "",
        }
        for row in rows
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(manifest), path)
    monkeypatch.setattr(instruments, "open_judge", lambda *_: StubbornJudge())
    monkeypatch.setattr(instruments, "Dnsmos", lambda: (_ for _ in ()).throw(NotMeasured("left out")))
    return corpus


def lines(directory: Path, kind: str) -> list[dict]:
    rows = [json.loads(line) for line in (directory / "losses.jsonl").read_text().splitlines()]
    return [row for row in rows if row["kind"] == kind]


def test_figures_reach_the_log_at_their_interval_and_change_nothing(listening, raw_config, tmp_path):  # noqa: F811
    pytest.importorskip("torch", reason="training needs PyTorch")
    runs = {}
    for name, options in {"listened": ["--evaluate-every", "4"], "alone": []}.items():
        raw = json.loads(json.dumps(raw_config))
        raw["train"] |= {"output_directory": str(tmp_path / name), "validation_steps": 2, "max_steps": 6}
        (tmp_path / f"{name}.json").write_text(json.dumps(raw))
        done = CliRunner().invoke(cli.app, ["train", "-c", str(tmp_path / f"{name}.json"), *options])
        assert done.exit_code == 0, done.output
        assert ("evaluation  " in done.output) == bool(options), done.output
        runs[name] = tmp_path / name
    evaluated = lines(runs["listened"], "evaluation")
    assert [row["step"] for row in evaluated] == [2, 4]
    assert {"cer", "cer_natural", "ctc_cost", "mel_cepstral_distortion", "duration_ratio"} <= set(evaluated[0])
    assert not lines(runs["alone"], "evaluation")
    for alone, listened in zip(lines(runs["alone"], "train"), lines(runs["listened"], "train"), strict=True):
        for key in ("mel", "kl", "generator", "discriminator"):
            assert alone[key] == listened[key], key


def test_the_fixed_set_is_fixed_and_spread_over_speakers_the_voice_knows(listening):
    test_set = read_test_set(listening, "ml", "val")
    one = fixed_set(test_set, ["low", "high"], 2)
    assert one == fixed_set(read_test_set(listening, "ml", "val"), ["high", "low"], 2)
    assert len({clip.key for clip in one}) == len(one) == 2
    assert {clip.speaker for clip in fixed_set(test_set, ["low"], 8)} == {"low"}


def test_a_perfect_voice_is_as_good_as_the_recordings(listening):
    test_set = read_test_set(listening, "ml", "val")
    clips = fixed_set(test_set, ["low", "high"], 2)
    recordings = {(clip.text, clip.speaker): clip.read() for clip in clips}
    found = scalars(lambda text, speaker: recordings[text, speaker], clips, Instruments("ml"))
    assert found["cer"] == found["cer_natural"] > 0 and found["ctc_cost"] == 2
    assert found["mel_cepstral_distortion"] == pytest.approx(0, abs=1e-3)
    assert found["duration_ratio"] == 1


def test_a_failing_evaluation_never_ends_a_training(listening, raw_config):  # noqa: F811
    from swaram.config.config import parse_config

    listener = make_listener(parse_config(raw_config), 1)
    said = []

    class Broken:
        progress = type("P", (), {"step": 10})
        speakers = ("low", "high")
        symbols = property(lambda self: (_ for _ in ()).throw(ValueError("x")))

    logger = type("L", (), {"info": lambda self, text: said.append(text), "scalars": None})()
    listener(Broken(), logger)
    assert said == ["evaluation left out: ValueError"]
    assert np.isfinite(listener.due)
