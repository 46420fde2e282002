"""Resampling, the high-pass filter, loudness and true peak against their definitions."""

import numpy as np
import pytest

from swaram.audio.loudness import level_to, loudness, true_peak
from swaram.audio.resample import high_pass, resample
from tests.recorded_speech import spoken_clips


def tone(frequency, rate, seconds=2.0, amplitude=1.0, phase=0.0):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate + phase)).astype(
        np.float32
    )


def test_resampling_keeps_what_fits_and_removes_what_does_not():
    kept = resample(tone(3_000, 48_000), 48_000, 16_000)
    np.testing.assert_allclose(kept[2_000:-2_000], tone(3_000, 16_000)[2_000:-2_000], atol=1e-3)
    gone = resample(tone(9_000, 48_000), 48_000, 16_000)
    assert np.abs(gone[2_000:-2_000]).max() < 1e-4
    assert len(kept) == 32_000


def test_the_high_pass_removes_hum_and_offset_and_keeps_the_voice():
    rate = 16_000
    voice = tone(120, rate, amplitude=0.3)
    cleaned = high_pass(voice + tone(20, rate, amplitude=0.3) + np.float32(0.2), rate, 50)
    middle = slice(rate // 2, -rate // 2)
    assert abs(cleaned[middle].mean()) < 1e-3
    np.testing.assert_allclose(cleaned[middle], voice[middle], atol=0.03)


def test_loudness_follows_bs_1770():
    # ITU-R BS.1770-4: a 997 Hz sine at full scale in one channel reads -3.01 LKFS.
    assert loudness(tone(997, 48_000, 5.0), 48_000) == pytest.approx(-3.01, abs=0.05)
    assert loudness(tone(997, 48_000, 5.0, 0.1), 48_000) == pytest.approx(-23.01, abs=0.05)


def test_loudness_of_a_very_short_clip_and_of_silence():
    assert loudness(tone(997, 16_000, 0.2, 0.1), 16_000) == pytest.approx(-23.0, abs=1.0)
    assert loudness(np.zeros(16_000, np.float32), 16_000) == -np.inf


def test_the_true_peak_lies_between_the_samples():
    between = tone(4_000, 16_000, 1.0, phase=np.pi / 4)
    assert np.abs(between).max() == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert true_peak(between, 16_000) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("gain", [0.05, 0.5, 1.0])
def test_speech_is_levelled_whatever_its_gain(gain):
    clip = spoken_clips()[0]
    levelled = level_to(clip.audio * np.float32(gain), clip.rate, -23.0, -1.0)
    # The gate of BS.1770 at -70 LUFS sees a little more of the pauses once a faint clip is lifted.
    assert loudness(levelled, clip.rate) == pytest.approx(-23.0, abs=0.3)
    assert true_peak(levelled, clip.rate) <= 10 ** (-1 / 20) * 1.001


def test_a_peak_bounds_the_gain_instead_of_being_clipped():
    clip = spoken_clips()[0]
    audio = clip.audio.copy() * np.float32(0.1)
    audio[len(audio) // 2] = 0.95
    levelled = level_to(audio, clip.rate, -16.0, -1.0)
    assert true_peak(levelled, clip.rate) <= 10 ** (-1 / 20) * 1.001
    assert loudness(levelled, clip.rate) < -17.0
    scale = levelled[np.abs(audio) > 1e-3] / audio[np.abs(audio) > 1e-3]
    assert scale.std() < 1e-3 * abs(scale.mean())


def test_silence_stays_silence():
    assert not level_to(np.zeros(8_000, np.float32), 16_000).any()
