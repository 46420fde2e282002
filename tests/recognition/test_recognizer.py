"""The package: the same numbers as PyTorch, windows that join, words with times, damage told in a sentence."""

import json
import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from swaram.audio.resample import resample
from swaram.cli.main import app
from swaram.recognition import Recognizer, RecognizerError
from swaram.recognition import recognizer as module
from swaram.recognition.captions import lines_of, subrip, web_vtt
from swaram.recognition.decoding import align, ctc_cost, greedy
from swaram.recognition.error_rates import error_rate
from swaram.recognition.features import FeatureSettings, at_level, log_mel, spectra
from swaram.recognition.network import listen
from swaram.recognition.recognizer import Transcript, Word
from swaram.recognition.units import plain
from tests.recorded_speech import file_bytes, spoken_clips


@pytest.fixture(scope="module")
def recognizer(package) -> Recognizer:
    return Recognizer.load(package)


@pytest.fixture(scope="module")
def learnt_audio(selection) -> np.ndarray:
    """All the sentences that the toy knows, one after the other, at 16 kHz."""
    return np.concatenate([clip.audio(16_000) for clip in selection.train])


def test_onnx_gives_what_pytorch_gives(recognizer, learnt, selection):
    audio = selection.train[1].audio(16_000)
    expected = listen(learnt.average.module, spectra(audio, learnt.features), learnt.settings.stride).numpy()
    found = recognizer.log_probabilities(selection.train[1].audio(16_000), 16_000)
    assert found.shape == expected.shape and found.dtype == np.float32
    # Matrices are stored in eight bits, which shows in the second digit of a probability at most.
    assert np.abs(np.exp(found) - np.exp(expected)).max() < 0.02
    assert greedy(found) == greedy(expected)


def test_windows_of_a_long_recording_equal_one_pass(recognizer, learnt_audio, monkeypatch):
    one_pass = recognizer.log_probabilities(learnt_audio, 16_000)
    monkeypatch.setattr(module, "WINDOW_SECONDS", 1.7)
    assert np.abs(recognizer.log_probabilities(learnt_audio, 16_000) - one_pass).max() < 1e-4


def test_the_words_that_were_learnt_are_heard_at_their_times(recognizer, selection, learnt_audio):
    heard = recognizer.transcribe(learnt_audio, 16_000)
    assert heard.text == " ".join(word.text for word in heard.words)
    assert all(word.start < word.end for word in heard.words)
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(heard.words))
    assert heard.words[0].start >= 0 and heard.words[-1].end <= len(learnt_audio) / 16_000
    # Words that are heard as they were learnt lie within their sentences.
    ends = np.cumsum([0] + [len(clip.audio(16_000)) for clip in selection.train]) / 16_000
    found = {word.text: word for word in heard.words}
    known = [
        (found[word], *within)
        for clip, within in zip(selection.train, pairwise(ends), strict=True)
        for word in clip.text.split()
        if word in found
    ]
    assert len(known) > 1
    assert all(start - 0.1 <= word.start and word.end <= end + 0.1 for word, start, end in known)


def test_another_rate_and_level_are_heard_the_same(recognizer, selection):
    clip = selection.train[1]
    quiet = 0.05 * resample(clip.audio(16_000), 16_000, 48_000)
    assert error_rate([clip.text], [recognizer.transcribe(clip.audio(16_000), 16_000).text]) < 0.15
    assert error_rate([clip.text], [recognizer.transcribe(quiet, 48_000).text]) < 0.25


@pytest.mark.parametrize("samples", [0, 1, 159, 161, 700])
def test_next_to_nothing_is_no_words_and_no_error(recognizer, samples):
    assert recognizer.transcribe(np.zeros(samples, dtype=np.float32), 16_000) == Transcript("", [])


def test_the_right_text_costs_less_than_another(recognizer, selection):
    rows = recognizer.log_probabilities(selection.train[1].audio(16_000), 16_000)
    right, wrong = (recognizer.cost(rows, selection.train[i].text) for i in (1, 0))
    assert right < 0.5 < wrong


def test_ctc_cost_is_that_of_pytorch():
    random = np.random.default_rng(3)
    scores = torch.log_softmax(torch.from_numpy(random.standard_normal((40, 6))), dim=1)
    ids = [1, 2, 2, 5, 3, 3, 1]
    expected = torch.nn.functional.ctc_loss(
        scores[:, None], torch.tensor([ids]), torch.tensor([40]), torch.tensor([len(ids)]), reduction="sum"
    )
    assert ctc_cost(scores.numpy(), ids) == pytest.approx(float(expected), rel=1e-6)
    placed = align(scores.numpy(), ids)
    assert [heard.unit for heard in placed] == ids
    assert all(a.end <= b.start for a, b in pairwise(placed))
    assert ctc_cost(scores.numpy()[:5], ids) == float("inf") and align(scores.numpy()[:5], ids) == []


def test_a_long_text_finds_its_frames():
    ids = [1 + i % 5 for i in range(200)]
    scores = np.full((400, 6), -8.0)
    scores[np.arange(400), 0] = -0.1
    scores[np.arange(200) * 2, ids] = 0.0
    assert [heard.start for heard in align(scores, ids)] == [2 * i for i in range(200)]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "model.onnx").write_bytes(b"x"), "model.onnx does not match its checksum"),
        (lambda f: (f / "model.onnx").unlink(), "model.onnx cannot be read"),
        (lambda f: (f / "recognizer.json").write_text("{"), "not readable JSON"),
        (lambda f: (f / "recognizer.json").unlink(), "no such recogniser"),
        (lambda f: (f / "recognizer.json").write_text('{"format_version": 9}'), "not of format_version 1"),
        (lambda f: _without(f, "units"), "key units"),
    ],
)
def test_a_damaged_package_is_one_sentence(package, tmp_path, damage, sentence):
    folder = shutil.copytree(package, tmp_path / "ml")
    damage(folder)
    with pytest.raises(RecognizerError) as error:
        Recognizer.load(folder)
    assert sentence in str(error.value) and "\n" not in str(error.value)


def _without(folder, key):
    data = json.loads((folder / "recognizer.json").read_text())
    del data[key]
    (folder / "recognizer.json").write_text(json.dumps(data))


def test_the_command_writes_down_files_of_several_formats_and_names_the_bad_one(package, selection, tmp_path):
    audio = selection.train[1].audio(16_000)
    (tmp_path / "a.flac").write_bytes(file_bytes(audio, 16_000, "flac"))
    (tmp_path / "b.webm").write_bytes(file_bytes(resample(audio, 16_000, 48_000), 48_000, "webm"))
    (tmp_path / "bad.mp3").write_bytes(b"no sound at all")
    paths = [str(tmp_path / name) for name in ("a.flac", "bad.mp3", "b.webm")]
    result = CliRunner().invoke(app, ["transcribe", "--json", "--recognizer", str(package), *paths])
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert error_rate([selection.train[1].text], [first["text"]]) < 0.2 and first["words"][0]["start"] >= 0
    assert second["file"].endswith("b.webm") and second["duration"] == pytest.approx(len(audio) / 16_000, abs=0.05)
    assert result.exit_code == 1 and "bad.mp3: cannot be decoded" in str(result.exception)


def test_no_recogniser_for_a_language_is_one_sentence(package):
    result = CliRunner().invoke(app, ["transcribe", "--language", "ta", "--recognizer", str(package.parent), "x.wav"])
    assert "no recogniser for 'ta'; there is one for ml" in str(result.exception)


def test_captions_break_at_pauses_and_keep_their_times():
    words = [Word("ഒന്ന്", 0.2, 0.6), Word("രണ്ട്", 0.7, 1.1), Word("മൂന്ന്", 3661.5, 3662.25)]
    assert [line.text for line in lines_of(words)] == ["ഒന്ന് രണ്ട്", "മൂന്ന്"]
    transcript = Transcript("", words)
    assert "2\n01:01:01,500 --> 01:01:02,250\nമൂന്ന്\n" in subrip(transcript)
    assert web_vtt(transcript).startswith("WEBVTT\n\n00:00:00.200 --> 00:00:01.100\nഒന്ന് രണ്ട്\n")


def test_frames_are_where_the_sound_is():
    settings = FeatureSettings()
    clip = spoken_clips()[0]
    audio = np.zeros(32_000, dtype=np.float32)
    audio[16_000:16_160] = np.random.default_rng(0).standard_normal(160)
    mel = log_mel(audio, settings)
    assert mel.shape == (200, 80) and mel.mean(1).argmax() == 100
    assert at_level(clip.audio, settings).shape == clip.audio.shape and plain(" A,  b! ") == "a b"


def test_a_recording_in_pieces_is_heard_as_one(recognizer, learnt_audio):
    whole = recognizer.transcribe(learnt_audio, 16_000)
    for size in (1000, 40_000, len(learnt_audio)):
        pieces = [learnt_audio[start : start + size] for start in range(0, len(learnt_audio), size)]
        assert recognizer.hear(pieces) == whole
    assert recognizer.hear([]) == Transcript("", [])


def test_a_long_recording_is_cut_where_it_is_quiet(recognizer, selection, monkeypatch):
    clips = [clip.audio(16_000) for clip in selection.train[:4]]
    pause = np.zeros(8_000, np.float32)
    audio = np.concatenate([part for clip in clips for part in (clip, pause)])
    monkeypatch.setattr(module, "STRETCH_SECONDS", max(map(len, clips)) / 16_000 + 0.6)
    monkeypatch.setattr(module, "CUT_SECONDS", max(map(len, clips)) / 16_000)
    stretches = list(module._stretches([audio], 16_000))
    assert len(stretches) > 2 and np.array_equal(np.concatenate([part for _, part in stretches]), audio)
    places = [round(start * 16_000) for start, _ in stretches]
    assert places == [0, *np.cumsum([len(part) for _, part in stretches])[:-1].tolist()]
    assert all(np.abs(audio[place - 800 : place + 800]).max() < 0.01 for place in places[1:])
    words = recognizer.hear([audio]).words
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(words)) and words[-1].end <= len(audio) / 16_000


def test_a_damaged_file_is_written_down_with_one_warning(package, selection, tmp_path):
    sound = file_bytes(resample(selection.train[1].audio(16_000), 16_000, 48_000), 48_000, "flac")
    (tmp_path / "half.flac").write_bytes(sound[: len(sound) * 2 // 3])
    result = CliRunner().invoke(app, ["transcribe", "--recognizer", str(package), str(tmp_path / "half.flac")])
    assert result.exit_code == 0 and result.stdout.strip()
    assert result.stderr.count("\n") == 1 and "half.flac" in result.stderr and "its header says" in result.stderr
