"""Is the judge itself right? Recordings are spoilt in known ways, and every metric must move the right way.

Three sentences, each read by two people of the Malayalam Speech Corpus: with noise at 10 dB, played backwards, with the
words swapped, by the other person, and with the pitch flattened by WORLD.
"""

import csv
from dataclasses import dataclass

import numpy as np
import pytest

from swaram.audio.files import read_audio
from swaram.audio.loudness import level_to
from swaram.audio.resample import resample
from swaram.audio.trim import SpeechDetector, cut
from swaram.evaluation.dnsmos import Dnsmos
from swaram.evaluation.errors import NotMeasured
from swaram.evaluation.instruments import written
from swaram.evaluation.intelligibility import align
from swaram.evaluation.judges import open_judge
from swaram.evaluation.mel_cepstral import World, closeness, pitch_spread
from swaram.evaluation.speaker_similarity import SpeakerEncoder, average, similarity
from swaram.text.frontend import TextFrontend
from tests.recorded_speech import CORPUS

RATE = 16_000
READER, OTHER = "2dEDqqeI3PZx0m2D9EBHUn7noTM2", "rjh2u8PthLd9AuPARWuuiRcZKfp1"
SENTENCES = 3


@dataclass(frozen=True)
class Reading:
    """``own`` and ``other``: float32 [samples] at RATE, the same text by two people."""

    text: str
    own: np.ndarray
    other: np.ndarray


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    if not CORPUS.is_dir():
        pytest.skip("the judge is tested on recordings of several people: ../shared/corpora/malayalam-msc is not here")
    with (CORPUS / "metadata.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    paths = {
        who: {row["transcript"]: row["speechpath"] for row in rows if row["speaker_id"] == who}
        for who in (READER, OTHER)
    }
    hear, found = SpeechDetector(), []
    for text in sorted(set(paths[READER]) & set(paths[OTHER])):
        if 4 <= len(text.split()) <= 6:
            found.append(Reading(text, *(clip(CORPUS / paths[who][text], hear) for who in (READER, OTHER))))
        if len(found) == SENTENCES:
            break
    return found


def clip(path, hear: SpeechDetector) -> np.ndarray:
    """As preparation leaves a recording: resampled, trimmed, levelled."""
    recording = read_audio(path)
    audio = resample(recording.audio, recording.sample_rate, RATE)
    start, end = hear(audio).bounds()
    return level_to(cut(audio, RATE, max(0, start - 0.05), min(len(audio) / RATE, end + 0.05)), RATE)


def noisy(audio: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(len(audio)).astype(np.float32)
    return audio + noise * np.float32(np.sqrt(np.mean(audio**2) / 10 / np.mean(noise**2)))


def swapped(audio: np.ndarray) -> np.ndarray:
    """The second half first, cut where it is quietest near the middle: between two words."""
    third, width = len(audio) // 3, RATE // 50
    power = np.convolve(audio**2, np.ones(width), "same")
    place = third + int(np.argmin(power[third : 2 * third]))
    return np.concatenate([audio[place:], audio[:place]])


def flat(audio: np.ndarray) -> np.ndarray:
    """The same words on one note, resynthesised by WORLD."""
    import pyworld

    samples = audio.astype(np.float64)
    f0, times = pyworld.dio(samples, RATE)
    f0 = pyworld.stonemask(samples, f0, times, RATE)
    envelope, noise = pyworld.cheaptrick(samples, f0, times, RATE), pyworld.d4c(samples, f0, times, RATE)
    note = np.where(f0 > 0, np.median(f0[f0 > 0]), 0.0)
    return pyworld.synthesize(note, envelope, noise, RATE)[: len(audio)].astype(np.float32)


def opened(kind):
    try:
        return kind()
    except NotMeasured as reason:
        pytest.skip(str(reason))


def backwards(audio: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(audio[::-1])


def test_distortion_rises_with_noise_and_is_greatest_where_nothing_fits(readings):
    world = opened(World)
    means = {
        name: np.mean(
            [closeness(world(r.own, RATE), world(spoilt(r), RATE))["mel_cepstral_distortion"] for r in readings]
        )
        for name, spoilt in {
            "faint": lambda r: 0.97 * r.own + 0.03 * noisy(r.own),
            "noise": lambda r: noisy(r.own),
            "swapped": lambda r: swapped(r.own),
            "backwards": lambda r: backwards(r.own),
            "other": lambda r: r.other,
        }.items()
    }
    assert means["faint"] < means["noise"]
    assert means["swapped"] > 3 and means["backwards"] > 3
    assert means["other"] > means["swapped"] * 0.8


def test_pitch_metrics_find_flattened_pitch_and_other_people(readings):
    world = opened(World)
    own = [world(r.own, RATE) for r in readings]
    level = [world(flat(r.own), RATE) for r in readings]
    other = [world(r.other, RATE) for r in readings]
    again = [world(noisy(r.own), RATE) for r in readings]

    def mean(metric, acoustics):
        return np.nanmean([closeness(a, b)[metric] for a, b in zip(own, acoustics, strict=True)])

    # On one note, pitch follows nothing and hardly moves; in noise it is still the same melody.
    assert mean("f0_correlation", again) > 0.7 > 0.35 > mean("f0_correlation", level)
    assert np.mean([pitch_spread(a.f0) for a in level]) < 0.5 * np.mean([pitch_spread(a.f0) for a in own])
    assert mean("f0_error", level) > mean("f0_error", again)
    # The man and the woman are most of an octave apart; WORLD's note is near the reader's own pitch.
    assert mean("f0_error", other) > 2 * mean("f0_error", level)
    assert mean("voicing_error", other) > mean("voicing_error", level)


def test_durations_are_those_of_the_reading(readings):
    world = opened(World)
    stretched = np.repeat(readings[0].own.reshape(-1, 1), 2, axis=1).ravel()
    own = world(readings[0].own, RATE)
    assert closeness(own, world(stretched, RATE))["duration_ratio"] == pytest.approx(2, abs=0.01)
    assert closeness(own, world(swapped(readings[0].own), RATE))["duration_ratio"] == pytest.approx(1)


def test_the_speaker_encoder_tells_the_two_people_apart(readings):
    encoder = opened(SpeakerEncoder)
    own = [encoder(r.own, RATE) for r in readings]
    other = [encoder(r.other, RATE) for r in readings]
    profile = average(own[:2])
    same = [similarity(e, profile) for e in own[2:]]
    assert min(same) > max(similarity(e, profile) for e in other)
    spoilt = [similarity(encoder(noisy(r.own), RATE), profile) for r in readings[2:]]
    assert np.mean(spoilt) < np.mean(same)


def test_dnsmos_falls_with_noise(readings):
    dnsmos = opened(Dnsmos)
    clean = [dnsmos(r.own, RATE) for r in readings[:2]]
    spoilt = [dnsmos(noisy(r.own), RATE) for r in readings[:2]]
    for name in clean[0]:
        assert np.mean([s[name] for s in spoilt]) < np.mean([c[name] for c in clean]) - 0.2


@pytest.fixture(scope="module")
def heard(readings):
    """For each way of spoiling: character error rate and mean CTC cost over the sentences."""
    try:
        judge = open_judge(None, "ml")
    except NotMeasured as reason:
        pytest.skip(str(reason))
    frontend = TextFrontend("ml")
    ways = {
        "clean": lambda r: r.own,
        "other": lambda r: r.other,
        "flat": lambda r: flat(r.own),
        "noise": lambda r: noisy(r.own),
        "swapped": lambda r: swapped(r.own),
        "backwards": lambda r: backwards(r.own),
    }
    found = {}
    for name, spoilt in ways.items():
        edits = characters = cost = 0.0
        for r in readings:
            text = written(r.text, frontend)
            hearing = judge.listen(spoilt(r), RATE, (text,))
            edits += align(text, written(hearing.transcript, frontend)).edits
            characters += len(text)
            cost += hearing.costs[0] / len(readings)
        found[name] = (edits / characters, cost)
    return found


@pytest.mark.parametrize("spoilt", ["noise", "swapped", "backwards"])
def test_the_recogniser_understands_spoilt_speech_less(heard, spoilt):
    for clean, worse in zip(heard["clean"], heard[spoilt], strict=True):
        assert worse > clean * 1.1


def test_backwards_is_worst(heard):
    assert heard["backwards"][0] > max(heard["noise"][0], heard["other"][0])
    assert heard["backwards"][1] > max(heard[way][1] for way in ("clean", "other", "flat"))


@pytest.mark.parametrize("harmless", ["flat", "other"])
def test_the_recogniser_still_understands_what_people_would(heard, harmless):
    """Another person or a flat voice costs far less than nonsense does."""
    for clean, spoilt, worst in zip(heard["clean"], heard[harmless], heard["backwards"], strict=True):
        assert spoilt - clean < 0.6 * (worst - clean)
