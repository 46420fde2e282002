"""Our forward pass of DistillMOS against figures of the package's own, and what it says of spoilt speech."""

import importlib.util

import numpy as np
import pytest

from swaram.audio.resample import resample
from swaram.evaluation.distillmos import RATE, DistillMos
from swaram.evaluation.errors import NotMeasured
from tests.recorded_speech import spoken_clips

# What ConvTransformerSQAModel of distillmos 0.9.1 gave for these signals (torch 2.13, float32, 2026-11-27).
PACKAGE_SAID = {"buzz": 1.3890, "buzz in noise": 1.8041, "syllables of noise": 1.2460, "nearly silent": 2.3040}


@pytest.fixture(scope="module")
def distillmos() -> DistillMos:
    try:
        return DistillMos()
    except NotMeasured as reason:
        pytest.skip(str(reason))


def signals() -> dict[str, np.ndarray]:
    """float32 [samples] at 16 kHz: a buzz that glides, the same in noise, 9.5 s of noise in syllables, near silence."""
    time = np.arange(3 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * time)) / RATE
    tone = sum(np.sin(n * phase) / n for n in range(1, 30))
    buzz = (0.1 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)
    noise = np.random.default_rng(5).standard_normal(10 * RATE).astype(np.float32)
    syllables = (np.sin(2 * np.pi * 2 * np.arange(152_000) / RATE) > 0).astype(np.float32)
    return {
        "buzz": buzz,
        "buzz in noise": buzz + 0.05 * noise[: len(buzz)],
        "syllables of noise": 0.1 * noise[: len(syllables)] * syllables,
        "nearly silent": 1e-4 * noise[:RATE],
    }


@pytest.mark.parametrize("name", list(PACKAGE_SAID))
def test_scores_are_those_of_the_package(distillmos, name):
    assert distillmos(signals()[name], RATE) == pytest.approx(PACKAGE_SAID[name], abs=0.01)


def test_noise_lowers_the_score_of_speech(distillmos):
    clips = spoken_clips()[:3]
    random = np.random.default_rng(0)
    clean, noisy = [], []
    for clip in clips:
        audio = resample(clip.audio, clip.rate, RATE)
        noise = random.standard_normal(len(audio)).astype(np.float32)
        clean.append(distillmos(audio, RATE))
        noisy.append(distillmos(audio + noise * np.sqrt(np.mean(audio**2) / 10), RATE))
    assert np.mean(noisy) < np.mean(clean) - 0.2


def test_loudness_does_not_change_the_score(distillmos):
    buzz = signals()["buzz"]
    assert distillmos(0.1 * buzz, RATE) == pytest.approx(distillmos(buzz, RATE), abs=0.01)


def test_without_the_package_the_reason_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(NotMeasured, match="distillmos is missing; pip install --no-deps distillmos"):
        DistillMos()
