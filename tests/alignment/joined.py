"""Long recordings made of real clips, so that it is known where each sentence begins and ends."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from swaram.alignment.aligner import Aligner, Listening, make_aligners, silences
from swaram.alignment.features import RATE
from swaram.alignment.models import Spoken
from swaram.alignment.words import Word, words_of
from swaram.audio.files import read_audio
from swaram.audio.resample import resample
from swaram.text.frontend import TextFrontend
from tests.recorded_speech import recordings

BREATH = 0.45  # seconds
MALAYALAM = TextFrontend("ml")


@dataclass(frozen=True)
class Joined:
    """``audio``: float32 [samples] at 16,000 Hz. ``sentences``: number of the clip, its text, start and end in seconds;
    ``said``: the clips that the text holds, in the text's order."""

    audio: np.ndarray
    text: str
    sentences: list[tuple[int, str, float, float]]
    said: list[int]


@lru_cache(maxsize=1)
def clips() -> tuple[tuple[np.ndarray, str], ...]:
    """(audio cut to its sound, text) of ten sentences of one reader and of twenty of volunteers."""
    found = []
    for who in ("story", "volunteer"):
        for path, text in recordings(who):
            recording = read_audio(path)
            audio = resample(recording.audio, recording.sample_rate, RATE)
            level = Listening.to(audio).level
            loud = np.flatnonzero(level > max(-7.4, 0.75 * float(np.percentile(level, 5))))
            first, last = loud[0] / 100, (loud[-1] + 1) / 100
            for start, end in silences(level):  # a breath apart from the sentence does not belong to it
                first = end if first < start and end < first + BREATH else first
                last = start if end < last and start > last - BREATH else last
            found.append((audio[round(first * RATE) : round(last * RATE)], text))
    return tuple(found)


def room(seconds: float, seed: int) -> np.ndarray:
    """The faint hiss of a quiet room."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (noise * 10 ** (-65 / 20)).astype(np.float32)


def join(order: list[int], written: list[int] | None = None, seed: int = 0) -> Joined:
    """The clips of ``order`` with pauses of 0.3 to 0.8 s; the text holds those of ``written``, else the same."""
    random = np.random.default_rng(seed)
    parts, sentences, at = [], [], 0.0
    for number in order:
        pause = room(float(random.uniform(0.3, 0.8)), number)
        audio, text = clips()[number]
        at += len(pause) / RATE
        sentences.append((number, text, at, at + len(audio) / RATE))
        at += len(audio) / RATE
        parts += [pause, audio]
    said = order if written is None else written
    text = "\n".join(clips()[number][1] for number in said)
    return Joined(np.concatenate([*parts, room(0.4, 99)]), text, sentences, said)


def words(text: str) -> list[Word]:
    return words_of(text, MALAYALAM)


@lru_cache(maxsize=1)
def aligner() -> Aligner:
    """Adapted to the ten sentences of the reader, as preparation does with a corpus."""
    spoken = []
    for audio, text in clips()[:10]:
        heard = Listening.to(np.concatenate([room(0.3, 1), audio, room(0.3, 2)]))
        spoken.append(Spoken(heard.features, heard.level, words(text)))
    first, _second = make_aligners(spoken * 2)
    pool = [word for _, text in clips() for word in words(text)]
    return Aligner(first.models, first.calibration, pool)


__all__ = ["Joined", "aligner", "clips", "join", "room", "silences", "words"]
