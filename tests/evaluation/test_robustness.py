"""Texts to stumble over in every language, and the faults found in speech that was spoilt on purpose."""

from pathlib import Path

import numpy as np
import pytest

from swaram.evaluation.robustness import CATEGORIES, LengthRange, faults, longest_silence, stumbling_texts
from swaram.evaluation.test_set import TestSet
from swaram.prepare.manifest import Clip
from swaram.text.symbols import SymbolTable
from tests.recorded_speech import spoken_clips

RATE = 16_000
TAMIL = ["வானம் மிகவும் தெளிவாக இருந்தது.", "நாளை காலையில் கடலுக்குப் போகலாம்.", "அவன் புத்தகத்தை மேசை மேல் வைத்தான்."]


def recorded(texts: list[str]) -> TestSet:
    clips = tuple(Clip(Path(f"{i}.flac"), text, "a", f"key-{i}", len(text) * 0.08) for i, text in enumerate(texts))
    return TestSet(Path("data"), "test", clips, {"a": clips}, ())


@pytest.fixture(scope="module")
def speech() -> tuple[np.ndarray, str]:
    clip = max(spoken_clips(), key=lambda clip: len(clip.text))
    return clip.audio[int(0.4 * clip.rate) : -int(0.4 * clip.rate)], clip.rate, clip.text


@pytest.mark.parametrize(("language", "texts"), [("ml", ["മഴ പെയ്യുന്നു."]), ("ta", TAMIL)])
def test_every_language_has_texts_of_every_kind_in_its_own_letters(language, texts):
    found = stumbling_texts(language, recorded(texts))
    without = {"ta": {"names"}}.get(language, set())  # nobody has written down names in Tamil yet
    assert list(dict.fromkeys(category for category, _ in found)) == [c for c in CATEGORIES if c not in without]
    letters = set(SymbolTable.for_languages(language).symbols)
    for category, text in found:
        assert text and (category == "numbers" or set(text) <= letters), (category, text)
    assert len([text for category, text in found if category == "letters"]) == 10
    assert len(found) == 200 and found == stumbling_texts(language, recorded(texts))
    assert max(len(text) for category, text in found if category == "long") > 70
    repeated = [text.rstrip(".").split() for category, text in found if category == "repeated"]
    assert all(len(set(words)) < len(words) for words in repeated)


def test_sound_speech_has_no_fault(speech):
    audio, rate, text = speech
    found = faults(audio, rate, text, text, LengthRange(0.05, 0.2))
    assert not any(found.values())


def test_each_fault_is_found_alone(speech):
    audio, rate, text = speech
    lengths = LengthRange(0.05, 0.2)
    half = len(audio) // 2
    paused = np.concatenate([audio[:half], np.zeros(int(1.2 * rate), np.float32), audio[half:]])
    assert [name for name, there in faults(paused, rate, text, text, LengthRange(0.05, 0.4)).items() if there] == [
        "silence"
    ]
    loud = np.clip(audio * 30 / np.abs(audio).max(), -1, 1)
    assert [name for name, there in faults(loud, rate, text, text, lengths).items() if there] == ["clipping"]
    for spoilt in (audio[: len(audio) // 8], np.tile(audio, 12)):
        assert faults(spoilt, rate, text, text, lengths)["length"]
    word = max(text.split(), key=len)
    heard = text.replace(word, "").replace(".", "")
    assert faults(audio, rate, text.replace(".", ""), heard, lengths)["missing"]


def test_words_are_not_judged_without_a_judge(speech):
    audio, rate, text = speech
    assert set(faults(audio, rate, text, None, LengthRange(0.05, 0.2))) == {"silence", "clipping", "length"}


def test_silence_is_measured_in_seconds(speech):
    audio, rate, _ = speech
    audio = audio[: np.flatnonzero(np.abs(audio) > 0.1 * np.abs(audio).max())[-1]]  # it may end with silence
    hush = np.random.default_rng(0).standard_normal(2 * rate).astype(np.float32) * np.float32(1e-4)
    assert longest_silence(np.concatenate([audio, hush]), rate) == pytest.approx(2, abs=0.3)
    assert longest_silence(hush, rate) == pytest.approx(2, abs=0.05)


def test_the_range_of_lengths_is_that_of_the_recordings():
    clips = tuple(Clip(Path("x"), "അ" * 10, "a", str(i), 0.5 + 0.01 * i) for i in range(101))
    lengths = LengthRange.of(TestSet(Path("data"), "test", (), {"a": clips}, ()))
    assert lengths.low == pytest.approx(0.051) and lengths.high == pytest.approx(0.149)
    assert lengths.holds(1.0, 10) and not lengths.holds(0.2, 10) and not lengths.holds(4.0, 10)
    assert lengths.holds(0.6, 1)
