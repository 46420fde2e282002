"""Pitch as a control: so many semitones are heard, the words stay where they are, and windows still join."""

import numpy as np
import pytest

from swaram.audio.pitch import pitch_track
from swaram.voice.errors import SpeechError
from swaram.voice.request import SpeechRequest

SENTENCE = "കേരളത്തിൽ മഴ നന്നായി പെയ്യുന്നു."


def heard(audio: np.ndarray, rate: int) -> float:
    """Median pitch of the voiced frames, Hz."""
    pitch, voiced = pitch_track(audio.astype(np.float32), rate, 256)
    return float(np.median(pitch[voiced > 0.5]))


@pytest.mark.parametrize(("speaker", "semitones"), [("thira", 4.0), ("pulari", -4.0)])
def test_speech_is_so_many_semitones_higher_or_lower_and_no_longer(shipped, speaker, semitones):
    usual, moved = (
        shipped.synthesise(SpeechRequest(SENTENCE, speaker=speaker, seed=1, pitch=pitch)) for pitch in (0.0, semitones)
    )
    assert len(usual.audio) == len(moved.audio)
    ratio = heard(moved.audio, moved.sample_rate) / heard(usual.audio, usual.sample_rate)
    assert 12 * np.log2(ratio) == pytest.approx(semitones, abs=0.7)


def test_windows_of_another_pitch_join_to_one_pass(shipped):
    asked = SpeechRequest(2 * SENTENCE, speaker="katha", seed=7, pitch=-3.0)
    passage = shipped.reader(asked).read(asked.text).passages[0]
    whole = shipped.models.decode_whole(shipped.encode(passage, asked, 0))
    joined = np.concatenate([window.samples for window in shipped.stream(asked)])[: len(whole)]
    assert np.abs(joined - whole).max() < 1e-5


def test_a_voice_that_makes_its_own_pitch_refuses_another(toy):
    with pytest.raises(SpeechError, match="makes its own pitch"):
        toy.synthesise(SpeechRequest(SENTENCE, pitch=1.0))
    assert len(toy.synthesise(SpeechRequest(SENTENCE, pitch=0.0)).audio)


@pytest.mark.parametrize("pitch", [12.5, -13.0, float("nan")])
def test_a_pitch_out_of_range_is_refused(pitch):
    with pytest.raises(SpeechError, match="pitch must be between -12 and 12"):
        SpeechRequest(SENTENCE, pitch=pitch)
