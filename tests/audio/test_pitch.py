"""The pitch of recordings is tracked right, in every frame of the shortest clips too."""

import numpy as np
import pytest

from swaram.audio.pitch import UNKNOWN, pitch_track
from tests.recorded_speech import spoken_clips

RATE, HOP = 16000, 256


def test_a_tone_with_harmonics_has_its_pitch_and_silence_has_none():
    time = np.arange(2 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 12)).astype(np.float32) * 0.2
    tone[: RATE // 2] = 0
    pitch, voiced = pitch_track(tone, RATE, HOP)
    assert pitch.shape == voiced.shape == (len(tone) // HOP,)
    sounding = slice(RATE // 2 // HOP + 3, -3)
    assert np.abs(pitch[sounding] - 220).max() < 2 and voiced[sounding].mean() > 0.97
    assert voiced[: RATE // 2 // HOP - 3].max() == 0
    assert np.allclose(pitch[: RATE // 2 // HOP - 3], pitch[voiced > 0][0])  # held before the first voiced frame
    silent = pitch_track(np.zeros(RATE, np.float32), RATE, HOP)
    assert np.all(silent[0] == UNKNOWN) and not silent[1].any()


@pytest.mark.parametrize("samples", [HOP, 3 * HOP + 17, 1000])
def test_the_shortest_clips_have_a_pitch_for_each_frame(samples):
    track = pitch_track(np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32), RATE, HOP)
    assert track.shape == (2, samples // HOP) and np.isfinite(track).all() and (track[0] > 0).all()


def test_recorded_speech_is_voiced_in_part_and_its_pitch_moves_within_an_octave():
    for clip in spoken_clips()[:3]:
        pitch, voiced = pitch_track(clip.audio, RATE, HOP)
        assert 0.2 < voiced.mean() < 0.95
        low, middle, high = np.percentile(pitch[voiced > 0], [25, 50, 75])
        assert 60 <= low < middle < high < 350 and high / low < 1.6
