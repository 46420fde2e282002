"""The search with hypotheses: the language model sums to one, and helps where the sound leaves a choice."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.recognition import Recognizer, RecognizerError
from swaram.recognition.beam import SearchSettings, best_prefix, search
from swaram.recognition.decoding import greedy
from swaram.recognition.language_model import LanguageModel

UNITS = 6
TEXTS = [[2, 3, 4], [2, 3, 4, 1, 2, 3, 5], [5, 4]]


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel.of(TEXTS, 3, UNITS)


@pytest.mark.parametrize("context", [[], [2], [2, 3], [4, 4, 4], [1, 2, 3, 4, 5]])
def test_probabilities_sum_to_one(model, context):
    assert np.exp(model.row(context)).sum() == pytest.approx(1, abs=1e-5)


def test_what_was_seen_is_likelier(model):
    assert model.row([2, 3])[4] > model.row([2, 3])[5] > model.row([2, 3])[2]


def test_a_model_survives_its_file(model):
    again = LanguageModel.from_bytes(model.to_bytes(), UNITS, "here")
    assert np.array_equal(again.row([2, 3]), model.row([2, 3]))


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_damaged_model_is_one_sentence(model, content):
    content = model.to_bytes()[:-40] if content is None else content
    with pytest.raises(RecognizerError, match="here: the language model is damaged"):
        LanguageModel.from_bytes(content, UNITS, "here")


def frames(*units: int, doubt: dict[int, float] | None = None) -> np.ndarray:
    """One frame a unit, sure of it, except where ``doubt`` gives the share of unit 5."""
    scores = np.full((len(units), UNITS), 0.002)
    for place, unit in enumerate(units):
        share = (doubt or {}).get(place, 0.0)
        scores[place, unit] += 0.988 - share
        scores[place, 5] += share
    return np.log(scores)


def test_without_weight_it_agrees_with_the_greedy_path_where_that_is_sure(model):
    scores = frames(0, 2, 2, 0, 3, 0, 4, 4, 0, 4)
    assert best_prefix(scores, 8, model, SearchSettings(0.0, 0.0)) == greedy(scores) == [2, 3, 4, 4]


def test_the_language_model_decides_where_the_sound_does_not(model):
    scores = frames(2, 3, 4, doubt={2: 0.5})
    assert greedy(scores) == [2, 3, 5]
    assert best_prefix(scores, 8, model, SearchSettings(1.0, 0.0)) == [2, 3, 4]


def test_stretches_are_searched_apart_and_keep_their_frames(model):
    scores = frames(2, 3, 4, *[0] * 40, 5, 4)
    found = search(scores, 0.03, 8, model, SearchSettings(0.3, 0.0))
    assert [heard.unit for heard in found] == [2, 3, 4, 1, 5, 4]
    assert [heard.start for heard in found if heard.unit != 1] == [0, 1, 2, 43, 44]


def test_a_recogniser_without_a_language_model_says_so(package):
    with pytest.raises(RecognizerError, match="holds no language model; leave out the beam"):
        Recognizer.load(package).transcribe(np.zeros(16_000, dtype=np.float32), 16_000, beam=4)


def test_export_and_test_commands_make_a_recogniser_that_searches_and_measure_it(learnt, data, selection, tmp_path):
    run = CliRunner().invoke
    out, figures = tmp_path / "ml", tmp_path / "figures.json"
    made = run(app, ["recognizer", "export", str(learnt.folder), "-o", str(out), "--data", str(data), "--order", "3"])
    assert made.exit_code == 0, made.output
    recognizer = Recognizer.load(out)
    heard = recognizer.transcribe(selection.train[1].audio(16_000), 16_000, beam=8)
    assert len(set(heard.text) & set(selection.train[1].text)) > 3 and heard.words[0].end <= heard.words[1].start
    run(app, ["recognizer", "test", str(out), "--data", str(data), "--json", str(figures)])
    found = json.loads(figures.read_text())
    # A sentence it never heard, after three: what matters is that the figure is told with its interval.
    assert found["test"]["clips"] == 1 and found["test"]["cer"]["low"] <= found["test"]["cer"]["rate"]
    assert found["real_time_factor"] > 0


def test_export_refuses_to_overwrite_what_is_no_recogniser(learnt, tmp_path):
    (tmp_path / "precious").mkdir()
    result = CliRunner().invoke(app, ["recognizer", "export", str(learnt.folder), "-o", str(tmp_path / "precious")])
    assert "precious exists and is not a recogniser" in str(result.exception)
