"""``swaram evaluate``: what it measures, writes and refuses. The toy voice hums; the recordings are real."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from swaram.cli.evaluate import evaluate_command
from swaram.errors import SwaramError
from swaram.evaluation import instruments
from swaram.evaluation import speaker_similarity as identity
from swaram.evaluation.errors import NotMeasured
from swaram.evaluation.metrics import METRICS
from swaram.evaluation.test_set import join_speakers, read_test_set


def run(voice, data, out, judge=None, **options):
    wanted = {
        "compare": None, "split": "test", "facts": None, "speaker": None, "noise_scale": None, "length_scale": None,
        "duration_noise_scale": None, "limit": 2, "seed": 0, "language": None,
    }  # fmt: skip
    evaluate_command(voice and [str(voice)], data=data, out=out, judge=judge, **(wanted | options))
    return json.loads((out / "metrics.json").read_text()) if (out / "metrics.json").exists() else None


@pytest.fixture(scope="module")
def evaluated(toy_voice, prepared, deaf_judge, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    return run(toy_voice, prepared, out, deaf_judge), out


def test_every_metric_has_an_interval_and_both_sides(evaluated):
    metrics, _ = evaluated
    assert set(metrics["scopes"]) == {"all", "speaker-0", "speaker-1"}
    absent = {"ctc_cost", "ctc_cost_paired", "sound_error_rate", "sound_error_rate_paired"} | (
        {
            name
            for name, part in (("speaker_similarity", "speaker"), ("distillmos",) * 2)
            if part in metrics["not_measured"]
        }
    )
    pooled = metrics["scopes"]["all"]
    assert {metric.name for metric in METRICS} - absent == set(pooled)
    for name, row in pooled.items():
        said = row["synthetic"]
        assert said["sentences"] == 1 or said["low"] <= said["value"] <= said["high"], name
        assert row["synthetic"]["count"] >= 1
    for name in ("cer", "dnsmos_overall", "loudness", "pitch_spread"):
        assert "natural" in pooled[name]
    assert pooled["loudness"]["natural"]["value"] == pytest.approx(-23, abs=0.6)
    assert metrics["not_measured"]["ctc_cost"] == "the judge gives no probabilities"


def test_what_was_used_is_written_down(evaluated, toy_voice):
    metrics, _ = evaluated
    assert metrics["subject"]["name"] == "toy" and metrics["subject"]["seed"] == 0
    assert set(metrics["subject"]["sha256"]) == {"frontend.onnx", "decoder.onnx"}
    assert metrics["judge"]["kind"] == "command"
    assert metrics["settings"] == {"bootstrap_draws": 2000, "seed": 0, "limit": 2}
    assert metrics["versions"]["onnxruntime"] and "speechmos" in metrics["versions"]
    assert metrics["data"]["clips"] == metrics["data"]["sentences"] == 2
    assert metrics["speed"]["real_time_factor"]["value"] > 0 < metrics["speed"]["first_audio_seconds"]["value"]


def test_a_judge_that_hears_nothing_of_it_finds_words_missing(evaluated):
    metrics, _ = evaluated
    rates = metrics["robustness"]["rates"]
    assert rates["long"]["missing"]["value"] == 1 and rates["natural"]["missing"]["value"] >= 0.5
    assert "missing" not in rates["letters"]
    assert rates["natural"]["clipping"]["value"] == rates["natural"]["repeated"]["value"] == 0
    assert len(metrics["robustness"]["texts"]) == 14
    words = metrics["robustness"]["words"]
    assert words["judged"] > words["missing"] > 0
    for fault in ("missing", "repeated"):
        assert words[fault] == sum(len(text[fault]) for text in metrics["robustness"]["texts"])


def test_the_page_holds_everything_itself(evaluated):
    _, out = evaluated
    page = (out / "report.html").read_text()
    assert not re.search(r"(src|href)=['\"](?!data:)", page) and "<script" not in page and "http" not in page
    assert page.count("<audio") == page.count("data:audio/ogg") >= 6
    assert page.count("data:image/png") == 4 and page.count("<svg") >= 8
    assert "CC-BY-SA-4.0" in page and "corpus &amp; its" in page.lower()


def test_equal_seeds_give_equal_figures(evaluated, toy_voice, prepared, deaf_judge, tmp_path, monkeypatch):
    for name in ("Dnsmos", "DistillMos", "World", "SpeakerEncoder"):
        monkeypatch.setattr(instruments, name, lambda: (_ for _ in ()).throw(NotMeasured("left out")))
    one = run(toy_voice, prepared, tmp_path / "1", deaf_judge, limit=1)
    two = run(toy_voice, prepared, tmp_path / "2", deaf_judge, limit=1)
    for changing in ("speed", "seconds"):
        del one[changing], two[changing]
    assert one == two


def test_what_is_missing_is_reported_as_not_measured(toy_voice, prepared, tmp_path, monkeypatch):
    """No recogniser, no speechmos, no pyworld, no Resemblyzer: the rest is still measured, and the page says why."""
    find_spec = identity.importlib.util.find_spec
    hidden = ("speechmos", "distillmos", "resemblyzer")
    monkeypatch.setattr(identity.importlib.util, "find_spec", lambda n, *a: None if n in hidden else find_spec(n, *a))
    monkeypatch.setitem(sys.modules, "pyworld", None)
    monkeypatch.setattr("swaram.recognition.package.places", lambda kind, folder=None: [])
    metrics = run(toy_voice, prepared, tmp_path / "out", limit=1)
    reasons = metrics["not_measured"]
    assert set(reasons) == {"intelligibility", "naturalness", "distillmos", "closeness", "speaker"}
    assert "speechmos" in reasons["naturalness"] and "pyworld" in reasons["closeness"]
    assert "Resemblyzer" in reasons["speaker"] and "recogni" in reasons["intelligibility"]
    assert set(metrics["scopes"]["all"]) == {"loudness"}
    assert "missing" not in metrics["robustness"]["rates"]["long"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Not measured" in page and "speechmos is missing" in page


def test_a_voice_of_strangers_is_judged_without_their_recordings(toy_voice, prepared, deaf_judge, tmp_path):
    facts = tmp_path / "facts.json"
    facts.write_text('{"speakers": [{"name": "speaker-0", "corpus_id": "x"}, {"name": "speaker-1", "corpus_id": "y"}]}')
    metrics = run(toy_voice, prepared, tmp_path / "out", deaf_judge, limit=1, facts=facts)
    assert "--facts" in metrics["not_measured"]["closeness"]
    assert metrics["scopes"]["all"]["cer"]["synthetic"]["value"] > 0.5


def test_scales_reach_the_voice(toy_voice, prepared, deaf_judge, tmp_path, monkeypatch):
    for name in ("Dnsmos", "DistillMos", "SpeakerEncoder"):
        monkeypatch.setattr(instruments, name, lambda: (_ for _ in ()).throw(NotMeasured("left out")))
    usual = run(toy_voice, prepared, tmp_path / "1", deaf_judge, limit=1, speaker=["speaker-0"])
    slow = run(toy_voice, prepared, tmp_path / "2", deaf_judge, limit=1, speaker=["speaker-0"], length_scale=2.0)
    ratio = [m["scopes"]["all"]["duration_ratio"]["synthetic"]["value"] for m in (usual, slow)]
    assert 1.5 < ratio[1] / ratio[0] < 2.2
    assert slow["subject"]["scales"]["length_scale"] == 2.0 and list(slow["scopes"]) == ["all", "speaker-0"]


def test_two_voices_are_compared_sentence_by_sentence(toy_voice, prepared, deaf_judge, tmp_path, monkeypatch):
    for name in ("Dnsmos", "DistillMos", "SpeakerEncoder"):
        monkeypatch.setattr(instruments, name, lambda: (_ for _ in ()).throw(NotMeasured("left out")))
    other = shutil.copytree(toy_voice, tmp_path / "slow")
    manifest = json.loads((other / "voice.json").read_text())
    manifest["inference"]["length_scale"] = 1.5
    (other / "voice.json").write_text(json.dumps(manifest))
    run(None, prepared, tmp_path / "out", deaf_judge, compare=(str(toy_voice), str(other)))
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    row = found["metrics"]["duration_ratio"]
    assert row["difference"]["value"] == pytest.approx(row["b"]["value"] - row["a"]["value"])
    assert row["difference"]["low"] > 0
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "slow" in page and page.count("data:audio/ogg") == 8
    assert not re.search(r"(src|href)=['\"](?!data:)", page)
    assert (tmp_path / "out" / "a" / "report.html").exists() and (tmp_path / "out" / "b" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "val"}, "no clip of the split val"),
        ({"language": "kn"}, "reads ml, not the language asked for"),
        ({"speaker": ["nobody"]}, "has no speaker nobody"),
        ({"length_scale": 9.0}, "--length-scale must be between"),
        ({"noise_scale": 9.0}, "noise_scale must be between"),
        ({"compare": ("a", "b")}, "one voice or checkpoint, or two"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(toy_voice, prepared, deaf_judge, tmp_path, options, said):
    with pytest.raises(SwaramError, match=said):
        run(toy_voice, prepared, tmp_path, deaf_judge, **options)


def test_a_folder_without_prepared_data_is_one_sentence(toy_voice, deaf_judge, tmp_path):
    command = ["-m", "swaram", "evaluate", str(toy_voice), "--data", str(tmp_path), "--judge", deaf_judge]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no prepared data there" in done.stderr


def test_without_the_extra_one_sentence_says_what_to_install(toy_voice, prepared, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    with pytest.raises(SwaramError, match=r"needs rapidfuzz; pip install .*\[evaluate\]"):
        run(toy_voice, prepared, tmp_path)


def test_a_damaged_manifest_is_one_sentence(tmp_path):
    (tmp_path / "manifest.parquet").write_bytes(b"PAR1 not at all")
    with pytest.raises(SwaramError, match="not a readable manifest"):
        read_test_set(tmp_path, "ml")


def test_speakers_are_joined_by_facts_then_by_name(prepared):
    test_set = read_test_set(prepared, "ml")
    facts = {"speakers": [{"name": "katha", "corpus_id": "speaker-1"}]}
    assert join_speakers(["katha", "speaker-0", "other"], facts, test_set) == {
        "katha": "speaker-1",
        "speaker-0": "speaker-0",
    }
    assert join_speakers([], {}, test_set) == {}
