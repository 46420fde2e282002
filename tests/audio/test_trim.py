"""Finding the speech in a recording, cutting to it, and shortening pauses."""

import numpy as np
import pytest

from swaram.audio.resample import resample
from swaram.audio.trim import VAD_RATE, SpeechDetector, cut, runs, shorten_pauses
from tests.recorded_speech import spoken_clips


@pytest.fixture(scope="module")
def detector():
    return SpeechDetector()


@pytest.fixture(scope="module")
def speech(detector):
    """One sentence at 16 kHz, cut tightly to its speech."""
    clip = spoken_clips()[3]
    audio = resample(clip.audio, clip.rate, VAD_RATE)
    first, last = detector(audio).bounds()
    return audio[int(first * VAD_RATE) : int(last * VAD_RATE)]


def hiss(seconds, level):
    return np.random.default_rng(3).standard_normal(int(seconds * VAD_RATE)).astype(np.float32) * np.float32(
        10 ** (level / 20)
    )


@pytest.mark.parametrize("before,after", [(0.5, 0.8), (1.5, 0.3)])
@pytest.mark.parametrize("level", [None, -60.0, -45.0])
@pytest.mark.parametrize("gain", [1.0, 0.05])
def test_speech_is_found_between_digital_silence_or_noise(detector, speech, before, after, level, gain):
    def quiet(seconds):
        return np.zeros(int(seconds * VAD_RATE), np.float32) if level is None else hiss(seconds, level)

    audio = np.concatenate([quiet(before), speech, quiet(after)]) * np.float32(gain)
    first, last = detector(audio).bounds()
    masked = 0.15 if level == -45.0 else 0.1  # a soft beginning drowns in loud noise
    assert first == pytest.approx(before, abs=masked)
    assert last == pytest.approx(before + len(speech) / VAD_RATE, abs=0.17 if level != -45.0 else 0.25)


@pytest.mark.parametrize("audio", [np.zeros(32_000, np.float32), hiss(2.0, -40.0), np.zeros(100, np.float32)])
def test_silence_and_noise_hold_no_speech(detector, audio):
    assert detector(audio).bounds() is None


def test_a_click_after_the_sentence_is_trimmed_away(detector, speech):
    click = np.zeros(int(0.05 * VAD_RATE), np.float32)
    click[:400] = 0.5 * np.sign(np.random.default_rng(0).standard_normal(400))
    audio = np.concatenate([hiss(0.5, -70), speech, hiss(0.6, -70), click, hiss(0.3, -70)])
    _first, last = detector(audio).bounds()
    assert last < 0.5 + len(speech) / VAD_RATE + 0.2


def test_a_recording_that_ends_in_speech_is_told_from_one_that_does_not(detector, speech):
    loudest = len(speech) // 2
    assert detector(np.concatenate([hiss(0.5, -70), speech[:loudest]])).cut_off() == "end"
    assert detector(np.concatenate([speech[loudest:], hiss(0.5, -70)])).cut_off() == "start"
    assert detector(np.concatenate([hiss(0.5, -70), speech, hiss(0.5, -70)])).cut_off() == ""


def test_a_sentence_that_begins_or_ends_20_ms_from_the_edge_is_whole(detector, speech):
    loudest, edge = len(speech) // 2, hiss(0.02, -70)
    assert detector(np.concatenate([edge, speech[loudest:], hiss(0.5, -70)])).cut_off() == ""
    assert detector(np.concatenate([hiss(0.5, -70), speech[:loudest], edge])).cut_off() == ""


def test_a_pause_is_found_and_shortened_without_a_step(detector, speech):
    audio = np.concatenate([hiss(0.3, -70), speech, hiss(1.2, -70), speech, hiss(0.3, -70)])
    activity = detector(audio)
    pauses = [pause for pause in activity.pauses() if pause[1] - pause[0] > 0.6]
    assert len(pauses) == 1
    length = pauses[0][1] - pauses[0][0]
    assert length == pytest.approx(1.2, abs=0.2)
    shorter = shorten_pauses(audio, VAD_RATE, pauses, keep=0.4)
    assert len(audio) - len(shorter) == pytest.approx((length - 0.4) * VAD_RATE, abs=0.02 * VAD_RATE)
    assert np.abs(np.diff(shorter)).max() <= np.abs(np.diff(audio)).max()
    spoken = int((0.3 + len(speech) / VAD_RATE) * VAD_RATE)
    np.testing.assert_array_equal(shorter[:spoken], audio[:spoken])
    np.testing.assert_array_equal(shorter[-spoken:], audio[-spoken:])


def test_a_loud_stretch_without_speech_is_no_pause(detector, speech):
    audio = np.concatenate([hiss(0.3, -70), speech, hiss(1.0, -25), speech, hiss(0.3, -70)])
    assert all(end - start < 0.6 for start, end in detector(audio).pauses())


def test_cutting_fades_both_ends():
    part = cut(np.ones(16_000, np.float32), 16_000, 0.25, 0.75)
    assert len(part) == 8_000 and part[0] == 0.0 and part[-1] == 0.0 and part[4_000] == 1.0


def test_runs_are_the_stretches_of_true_values():
    assert runs(np.array([1, 1, 0, 0, 1, 0, 1], bool)) == [(0, 2), (4, 5), (6, 7)]
    assert runs(np.zeros(3, bool)) == []
