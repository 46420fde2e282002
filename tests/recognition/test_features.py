"""What the network hears: the same of one voice behind two microphones, and silence stays silence."""

from dataclasses import replace

import numpy as np
import pytest

from swaram.audio.resample import resample
from swaram.recognition.augmentation import stretch
from swaram.recognition.features import FeatureSettings, even, log_mel, loud_frames, spectra
from tests.recorded_speech import spoken_clips


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Some seconds of recorded speech at 16 kHz."""
    clip = spoken_clips()[0]
    return resample(clip.audio, clip.rate, 16_000)


@pytest.fixture(scope="module")
def settings(speech) -> FeatureSettings:
    mel = spectra(speech, FeatureSettings())
    return replace(FeatureSettings(), typical=tuple(mel[loud_frames(mel)].mean(0)))


def colour_between(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square over bands of the difference of two mean spectra, level apart."""
    difference = a[loud_frames(a)].mean(0) - b[loud_frames(b)].mean(0)
    return float((difference - difference.mean()).std())


def test_a_dull_microphone_is_mostly_evened_out(speech, settings):
    dull = np.convolve(speech, [0.5, 0.5], mode="same").astype(np.float32)
    raw = replace(settings, typical=())
    before = colour_between(spectra(speech, raw), spectra(dull, raw))
    after = colour_between(spectra(speech, settings), spectra(dull, settings))
    assert before > 0.2  # there is something to even out
    assert after < 0.4 * before


def test_a_long_recording_with_two_microphones_is_evened_around_each_moment(speech, settings):
    many = np.tile(speech, int(np.ceil(20 * 16_000 / len(speech))))
    dull = np.convolve(many, [0.5, 0.5], mode="same").astype(np.float32)
    mel = spectra(np.concatenate([many, dull]), settings)
    first, last = mel[: len(many) // 160 - 400], mel[len(many) // 160 + 400 :]
    raw = spectra(np.concatenate([many, dull]), replace(settings, typical=()))
    before = colour_between(raw[: len(first)], raw[-len(last) :])
    assert colour_between(first, last) < 0.4 * before


@pytest.mark.parametrize("seconds", [0.05, 1.0, 20.0])
def test_silence_is_left_as_it_is(settings, seconds):
    mel = log_mel(np.zeros(int(16_000 * seconds), dtype=np.float32), settings)
    assert np.array_equal(even(mel, settings), mel)


@pytest.mark.parametrize("seconds", [0.5, 20.0])
def test_steady_hiss_is_not_made_to_sound_like_speech(settings, seconds):
    hiss = 1e-3 * np.random.default_rng(1).standard_normal(int(16_000 * seconds)).astype(np.float32)
    mel = log_mel(hiss, settings)
    assert np.array_equal(even(mel, settings), mel)


def test_a_typical_spectrum_of_another_width_is_refused():
    with pytest.raises(TypeError, match="one value for each band"):
        FeatureSettings(typical=(1.0, 2.0))


def test_settings_come_back_from_json(settings):
    import json

    assert FeatureSettings(**json.loads(json.dumps(settings.to_dict()))) == settings


def test_slower_speech_has_the_same_sounds_in_the_same_order(speech, settings):
    mel = spectra(speech, settings)
    slow = stretch(mel, round(1.2 * len(mel)))
    assert slow.shape == (round(1.2 * len(mel)), settings.n_mels)
    assert np.abs(stretch(slow, len(mel)) - mel).mean() < 0.5 * np.abs(mel - mel.mean(0)).mean()
    assert np.allclose(slow[[0, -1]], mel[[0, -1]])
