"""Voices that read phonemes: text through the language's front end and espeak-ng, phonemes in double brackets."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from swaram.voice.engine import Engine
from swaram.voice.errors import SpeechError, VoiceError
from swaram.voice.reader import Reader, TextFeed
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.voice.toy_voice import write_toy_voice

TEXT = "നമസ്കാരം, ഇന്ന് 25 രൂപ. സുഖമാണോ?"


@pytest.fixture(scope="module")
def phoneme_toy(tmp_path_factory) -> Engine:
    """The toy voice with a table of phonemes, as a Malayalam Piper voice has one."""
    folder = write_toy_voice(tmp_path_factory.mktemp("phonemes") / "toy", speakers=1)
    manifest = json.loads((folder / "voice.json").read_text())
    count = len(manifest["symbols"]["symbols"])
    phonemes = "_^$ ,.?!abdefhijklmnoprstuvwzŋɐɑəɛɡɣɪɭɲɳɾʂʈʊʋʌːˈˌθð̪̃ɖɻʃ"
    symbols = [*dict.fromkeys(phonemes)][:count]
    manifest["symbols"] = {"symbols": symbols + [""] * (count - len(symbols)), "edges": False}
    manifest |= {"format_version": 2, "text": {"symbols": "phonemes", "espeak_voice": "ml"}}
    (folder / "voice.json").write_text(json.dumps(manifest))
    return Engine(Voice.open(folder))


@pytest.fixture
def espeak() -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed; apt-get install espeak-ng")


def test_malayalam_is_read_as_phonemes_with_its_numbers_in_words(phoneme_toy, espeak):
    first, second = Reader(phoneme_toy.voice).read(TEXT).passages
    assert first.text.startswith("nˈɐməsɡ") and first.text.endswith(".") and ", " in first.text
    assert second.text.endswith("?") and not set("0123456789") & set(first.text)
    assert "iɾu" in first.text  # twenty-five, in Malayalam
    for passage in (first, second):
        assert len(passage.origins) == len(passage.text) and passage.origins == sorted(passage.origins)
    words = {TEXT[mark.start : mark.end] for mark in phoneme_toy.synthesise(SpeechRequest(TEXT)).marks}
    assert {"നമസ്കാരം", "25", "സുഖമാണോ"} <= words


def test_dictated_text_and_whole_text_are_the_same_phonemes(phoneme_toy, espeak):
    reader = Reader(phoneme_toy.voice)
    whole = reader.read(TEXT).passages
    feed = TextFeed(reader)
    parts = [passage for piece in (TEXT[:9], TEXT[9:30], TEXT[30:]) for passage in feed.push(piece).passages]
    parts += feed.push("", flush=True).passages
    assert [passage.text for passage in parts] == [passage.text for passage in whole]
    assert [passage.origins for passage in parts] == [passage.origins for passage in whole]


def test_many_threads_get_the_phonemes_of_their_own_text(phoneme_toy, espeak):
    reader = Reader(phoneme_toy.voice)
    texts = ["നമസ്കാരം", "ലോകം", "സുഖമാണോ", "വരാം"]
    alone = {text: reader.read(text).passages[0].text for text in texts}
    assert len(set(alone.values())) == 4
    fresh, found = Reader(phoneme_toy.voice), {}
    threads = [
        threading.Thread(target=lambda text=text: found.setdefault(text, fresh.read(text).passages[0].text))
        for text in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


def test_it_can_be_served_without_espeak_and_then_speaks_phonemes_only(phoneme_toy, monkeypatch):
    monkeypatch.setenv("PATH", "")
    engine = Engine(phoneme_toy.voice)
    engine.warm_up()
    assert engine.real_time_factor > 0
    spoken = phoneme_toy.synthesise(SpeechRequest("[[ nˈɐməsɡaːɾəm ]] [[loːɡəm]]"))
    assert spoken.duration > 0.3 and len(spoken.marks) == 2
    with pytest.raises(SpeechError, match="not installed"):
        phoneme_toy.synthesise(SpeechRequest("ഇത് പുതിയതാണ്"))


@pytest.mark.parametrize("voice", ["-v", "--path=/tmp", "ml;id", "../x", "a" * 50])
def test_what_is_no_name_of_an_espeak_voice_is_refused(phoneme_toy, tmp_path, voice):
    copy = Path(shutil.copytree(phoneme_toy.voice.package.source, tmp_path / "copy"))
    manifest = json.loads((copy / "voice.json").read_text())
    manifest["text"]["espeak_voice"] = voice
    (copy / "voice.json").write_text(json.dumps(manifest))
    with pytest.raises(VoiceError, match=r"key text\.espeak_voice"):
        Voice.open(copy)
