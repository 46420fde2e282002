"""``import swaram``: what it offers, and what a person gets from it."""

import concurrent.futures

import numpy as np
import pytest

import swaram
from swaram.audio.files import encode_audio, read_audio
from tests.conftest import SHIPPED

TEXT = "അമ്മ വീട്ടിൽ വന്നു."


@pytest.fixture(scope="module")
def voice(toy_folder) -> swaram.Voice:
    return swaram.load_voice(toy_folder / "toy")


def test_the_edge_is_what_all_says():
    assert set(swaram.__all__) <= set(dir(swaram))
    for name in swaram.__all__:
        assert getattr(swaram, name) is not None
    with pytest.raises(AttributeError, match="nothing_here"):
        _ = swaram.nothing_here


def test_a_voice_says_what_it_is(voice):
    assert voice.languages == ("ml",) and voice.sample_rate == 16_000 and len(voice.speakers) == 2
    assert voice.name in repr(voice) and "16000 Hz" in repr(voice)


def test_streamed_speech_is_the_whole_speech(voice):
    whole = voice.speak(TEXT, speaker=voice.speakers[1], seed=3, speed=1.2)
    windows = list(voice.stream(TEXT, speaker=voice.speakers[1], seed=3, speed=1.2))
    assert np.array_equal(np.concatenate([window.samples for window in windows]), whole.audio)
    assert whole.audio.dtype == np.float32 and whole.marks[0].start == 0
    assert not np.array_equal(whole.audio, voice.speak(TEXT, speaker=voice.speakers[1], seed=4, speed=1.2).audio)


@pytest.mark.parametrize("ending", ["flac", "wav", "mp3", "opus", "ogg", "FLAC"])
def test_a_speech_is_saved_in_the_format_of_the_ending(voice, tmp_path, ending):
    speech = voice.speak(TEXT)
    path = speech.save(tmp_path / f"a.{ending}")
    back = read_audio(path)
    assert abs(back.duration - speech.duration) < 0.15
    if ending.lower() in ("flac", "wav"):
        assert np.abs(back.audio - speech.audio).max() < 1e-4
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_an_unknown_ending_and_a_missing_folder_are_one_sentence(voice, tmp_path):
    speech = voice.speak(TEXT)
    for path in (tmp_path / "a.doc", tmp_path / "nowhere" / "a.wav"):
        with pytest.raises(swaram.SwaramError) as error:
            speech.save(path)
        assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_a_notebook_gets_a_player(voice):
    shown = voice.speak(TEXT)._repr_html_()
    assert shown.startswith("<audio controls") and "data:audio/flac;base64,ZkxhQ" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [({"speaker": "nobody"}, "no such speaker"), ({"speed": 9}, "speed"), ({"language": "ta"}, "ml")],
)
def test_what_cannot_be_spoken_is_one_sentence(voice, options, words):
    with pytest.raises(swaram.SwaramError, match=words):
        voice.speak(TEXT, **options)
    with pytest.raises(swaram.SwaramError):
        swaram.load_voice("no-such-voice")


def test_one_voice_speaks_in_several_threads(voice):
    alone = [voice.speak(TEXT, seed=seed).audio for seed in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: voice.speak(TEXT, seed=seed).audio, range(4)))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_recogniser_hears_files_bytes_and_samples_alike(tmp_path):
    recognizer = swaram.load_recognizer(SHIPPED.parent / "recognizers" / "ml")
    speech = swaram.load_voice(SHIPPED / "malayalam").speak(TEXT, speaker="katha")
    content = encode_audio(speech.audio, speech.sample_rate)
    (tmp_path / "a.flac").write_bytes(content)
    heard = recognizer.transcribe(tmp_path / "a.flac")
    assert isinstance(heard, swaram.Transcript) and heard.text
    assert recognizer.transcribe(str(tmp_path / "a.flac")) == recognizer.transcribe(content) == heard
    assert recognizer.transcribe(read_audio(content).audio, speech.sample_rate) == heard
    with pytest.raises(swaram.SwaramError, match="sample_rate"):
        recognizer.transcribe(speech.audio)
    with pytest.raises(swaram.SwaramError):
        swaram.load_recognizer("ta")
