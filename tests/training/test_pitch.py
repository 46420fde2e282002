"""Pitch of recordings in training: tracked right, held per clip, padded, learnt."""

import numpy as np
import pytest
import torch

from swaram.audio.pitch import UNKNOWN, pitch_track
from swaram.config.config import parse_config
from swaram.training import losses
from tests.recorded_speech import spoken_clips
from tests.training.runs import trainer_of

HARMONIC = {"type": "harmonic", "channels": 16, "blocks": 2}
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


def test_a_batch_has_the_pitch_of_each_clip_and_the_usual_one_where_it_is_padded(raw_config):
    raw_config["model"]["decoder"] = HARMONIC
    _, batch = trainer_of(parse_config(raw_config))
    assert batch.pitch.shape == (4, 2, batch.audio.shape[1] // HOP)
    for row, expected in enumerate((110, 110, 210, 210)):
        length = int(batch.frame_lengths[row])
        hertz, voiced = batch.pitch[row, :, :length]
        assert float(hertz[voiced > 0].median()) == pytest.approx(expected, rel=0.08)
        assert (batch.pitch[row, 0, length:] == UNKNOWN).all() and not batch.pitch[row, 1, length:].any()


def test_the_pitch_is_learnt_from_the_latent_and_drives_what_is_spoken(raw_config):
    raw_config["model"]["decoder"] = HARMONIC
    raw_config["train"]["learning_rate"] = 2e-3
    trainer, batch = trainer_of(parse_config(raw_config))
    history = [trainer.step(batch) for _ in range(80)]
    first, last = (sum(row["pitch"] for row in rows) / 5 for rows in (history[:5], history[-5:]))
    assert last < 0.4 * first
    spectrogram = trainer.spectra.linear(batch.audio)
    model = trainer.generator.eval()
    with torch.no_grad():
        conditioning = model.condition_on(batch.speaker)
        latent = model.enc_q(spectrogram, batch.frame_lengths, conditioning)[1]
        hertz = model.source(latent, conditioning).pitch
    low, high = (float(hertz[rows, :40].median()) for rows in (slice(0, 2), slice(2, 4)))
    assert 90 < low < 135 and 170 < high < 250


def test_the_loss_is_in_semitones_and_counts_voiced_frames():
    class Heard:
        pitch = torch.tensor([[200.0, 200.0, 200.0, 999.0]])
        mask = torch.tensor([[[1.0, 1.0, 1.0, 0.0]]])

    track = torch.tensor([[[100.0, 200.0, 100.0, 100.0], [1.0, 1.0, 0.0, 1.0]]])
    assert float(losses.pitch(Heard, track)) == pytest.approx((12 * 1 + 0 + 12 * 0.05) / 2.05, rel=1e-5)
