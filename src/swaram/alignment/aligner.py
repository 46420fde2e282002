"""Words found in a recording, with their times, and how sure that is.

Log-likelihoods are taken against the best state of each frame: 0 where the text's own sound fits best, and the further
below the less it fits. How far a text of the recording lies from other texts on the same recording (its margin) says
whether it belongs to it, in any language: ``Calibration`` holds what is usual in a corpus.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from swaram.alignment.features import FRAME_SECONDS, cepstra, log_bands
from swaram.alignment.models import SoundModels, Spoken, adapt, seed_models
from swaram.alignment.search import Prices, best_path, chain_of
from swaram.alignment.words import Word

OTHERS = 3  # texts that a text is compared with
WINDOW = 120  # frames over which a margin is averaged to find where in a piece it stops fitting
LEAST_SILENCE = 0.12  # seconds without speech that are a silence
SNAP = 0.25  # seconds that the edge of a silence may lie from the edge of a word
LEAST_SECONDS = 20.0  # of recordings in each half for models of their own; with less the seed itself is used


@dataclass(frozen=True)
class Calibration:
    """What is usual: ``own`` and ``other``, nats a frame of right and of other texts; ``spread``, the standard
    deviation of the margin of wrong texts over one second; ``right`` and ``right_spread``, median and robust deviation
    of the margin of right ones; ``least`` and ``least_spread``, the same of their least margin over ``WINDOW``."""

    own: float = -1.8
    other: float = -5.0
    spread: float = 1.1
    right: float = 3.2
    right_spread: float = 0.7
    least: float = 2.2
    least_spread: float = 0.7

    @property
    def prices(self) -> Prices:
        """What leaving the text costs: half way between right and other texts, and nothing for chance."""
        middle = -(self.own + self.other) / 2
        return Prices(filler=middle, missing=0.6 * middle, absence=30.0 * middle)

    @property
    def least_threshold(self) -> float:
        """The least margin below which a part of a piece is doubtful."""
        return min(0.5 * self.threshold(WINDOW * FRAME_SECONDS), self.least - 3.0 * self.least_spread)

    def threshold(self, seconds: float) -> float:
        """The margin, in nats a frame, below which a text of so many seconds is doubtful.

        Where right and wrong are far from each other it lies between them; else as high as wrong ones reach.
        """
        wrong = 2.0 * self.spread / np.sqrt(max(seconds, 0.5))
        right = self.right - 2.6 * self.right_spread * max(1.0, np.sqrt(3.0 / max(seconds, 0.5)))
        return float(wrong + 0.35 * (right - wrong)) if right > wrong else float(min(0.9 * wrong, 0.5 * self.right))


@dataclass(frozen=True)
class TimedWord:
    """A word and when it is spoken, in seconds from the beginning; ``found`` is False where it is not spoken at all,
    and both times are then where it would be. ``score``: nats a frame."""

    word: Word
    start: float
    end: float
    found: bool = True
    score: float = 0.0


@dataclass(frozen=True)
class Alignment:
    """``words`` in order; ``extra``: stretches of speech, (start, end) in seconds, that no word stands for."""

    words: list[TimedWord]
    extra: list[tuple[float, float]]


@dataclass(frozen=True)
class Listening:
    """A recording as the aligner hears it: cepstra float32 [frames, 39] and level float32 [frames], nats, 0 is loud."""

    features: np.ndarray
    level: np.ndarray

    @classmethod
    def to(cls, audio: np.ndarray) -> "Listening":
        """``audio``: float32 [samples], -1..1, mono, at 16,000 Hz."""
        return cls(*cepstra(log_bands(audio)))


class Aligner:
    """Aligns texts with models and a calibration; ``pool`` is words of other texts to compare with."""

    def __init__(self, models: SoundModels, calibration: Calibration | None = None, pool: Sequence[Word] = ()) -> None:
        self.models, self.pool = models, list(pool)
        self.calibration = calibration or Calibration()

    def align(self, heard: Listening, words: Sequence[Word], whole: bool = True) -> Alignment | None:
        """Where each word is, what is not spoken and what is not written; ``None`` where there is no way through."""
        if not len(words) or not len(heard.features):
            return None
        scores = self._scores(heard)
        chain = chain_of(words, self.models.units)
        prices = self.calibration.prices
        path = best_path(scores, chain, prices, whole)
        if path is None:
            return None
        own = scores[np.arange(len(path)), chain.columns[path]]
        said = chain.word[path]
        filled = (said < 0) & (scores[:, 0] < -prices.filler) & (heard.level > speech_level(heard.level))
        timed = []
        edges = _edges(said, len(words))
        now = 0
        for number, word in enumerate(words):
            first, last = edges[number]
            if last <= first:
                timed.append(TimedWord(word, now * FRAME_SECONDS, now * FRAME_SECONDS, found=False))
                continue
            now = last
            score = float(own[first:last].mean())
            timed.append(TimedWord(word, first * FRAME_SECONDS, last * FRAME_SECONDS, score=score))
        return Alignment(_at_silences(timed, heard.level), _stretches(filled))

    def margin(self, heard: Listening, words: Sequence[Word]) -> tuple[float, float, float]:
        """(margin, least margin, seconds): how much better the words fit than others of as many sounds.

        In nats a frame of speech, over the whole and over the ``WINDOW`` frames where it is least. The margin is -inf
        where the words are too many for the recording.
        """
        scores = self._scores(heard)
        speech = heard.level > speech_level(heard.level)
        own = self._forced(scores, words)
        seconds = float(speech.sum() * FRAME_SECONDS)
        others = [score for text in self._others(words) if (score := self._forced(scores, text)) is not None]
        if own is None or not speech.any():
            return -np.inf, -np.inf, seconds
        base = np.mean(others, axis=0) if others else np.full(len(own), self.calibration.other)
        difference = (own - base)[speech]
        return float(difference.mean()), _least(difference), seconds

    def doubtful(self, heard: Listening, words: Sequence[Word]) -> str:
        """Why a piece should not be trusted, or an empty string."""
        margin, least, seconds = self.margin(heard, words)
        if margin < self.calibration.threshold(seconds):
            return "the text is not what is heard"
        if least < self.calibration.least_threshold:
            return "a part of the text is not what is heard"
        return ""

    def _scores(self, heard: Listening) -> np.ndarray:
        scores = self.models.scores(heard.features)
        return scores - scores.max(1, keepdims=True)

    def _forced(self, scores: np.ndarray, words: Sequence[Word]) -> np.ndarray | None:
        """Score of each frame where every word must be spoken, float32 [frames]."""
        if not words:
            return None
        chain = chain_of(words, self.models.units)
        path = best_path(scores, chain)
        return None if path is None else np.asarray(scores[np.arange(len(path)), chain.columns[path]])

    def _others(self, words: Sequence[Word]) -> list[list[Word]]:
        """Stretches of the pool with as many sounds, at places that follow from the words."""
        own = {word.sounds for word in words}
        wanted = sum(len(word.sounds) for word in words)
        seed = sum(ord(sound) * (number + 1) for number, word in enumerate(words) for sound in word.sounds[:3])
        chosen = []
        for turn in range(OTHERS):
            if not self.pool:
                break
            place = (seed * 2_654_435_761 + turn * len(self.pool) // OTHERS) % len(self.pool)
            text: list[Word] = []
            left = wanted
            for step in range(len(self.pool)):
                word = self.pool[(place + step) % len(self.pool)]
                if word.sounds in own and len(word.sounds) > 3:
                    continue
                text.append(word if len(word.sounds) <= left else replace(word, sounds=word.sounds[:left]))
                left -= len(text[-1].sounds)
                if left <= 0:
                    break
            chosen.append(text)
        return chosen


def make_aligners(recordings: Sequence[Spoken]) -> tuple[Aligner, Aligner]:
    """Two aligners from the recordings of a corpus: each is adapted to one half and judges the other.

    Recordings at even places are judged by the first. Neither has learned from what it judges, so a wrong text cannot
    have taught it. With too little speech both use the seed. The result depends on the recordings alone.
    """
    halves = [recordings[1::2], recordings[0::2]]
    pool = [word for recording in recordings for word in recording.words]
    made = []
    for half in halves:
        seconds = sum(len(recording.level) for recording in half) * FRAME_SECONDS
        models = adapt(half, seed_models()) if seconds >= LEAST_SECONDS else seed_models()
        made.append(Aligner(models, None, pool))
    calibration = _calibrated(made, recordings)
    return tuple(Aligner(aligner.models, calibration, pool) for aligner in made)  # type: ignore[return-value]


def _calibrated(aligners: Sequence[Aligner], recordings: Sequence[Spoken], most: int = 120) -> Calibration:
    own, other, margins, wrong, least = [], [], [], [], []
    step = max(1, len(recordings) // most)
    step += step % 2 == 0 and step > 1  # an odd step takes from both halves
    for number in range(0, len(recordings), step):
        recording = recordings[number]
        aligner = aligners[number % 2]
        heard = Listening(recording.features, recording.level)
        scores = aligner._scores(heard)
        speech = heard.level > speech_level(heard.level)
        if not recording.words or speech.sum() < 50:
            continue
        mine = aligner._forced(scores, recording.words)
        cohort = [s for text in aligner._others(recording.words) if (s := aligner._forced(scores, text)) is not None]
        if mine is None or len(cohort) < 2:
            continue
        means = [float(score[speech].mean()) for score in cohort]
        own.append(float(mine[speech].mean()))
        other.append(float(np.mean(means)))
        margins.append(own[-1] - other[-1])
        least.append(_least((mine - np.mean(cohort, axis=0))[speech]))
        wrong += [
            (mean - (sum(means) - mean) / (len(means) - 1)) * np.sqrt(speech.sum() * FRAME_SECONDS) for mean in means
        ]
    if len(margins) < 8:
        return Calibration()
    (right, spread), (lowest, lowest_spread) = _middle(margins), _middle(least)
    return Calibration(
        float(np.median(own)),
        float(np.median(other)),
        float(np.std(wrong)) + 1e-3,
        right,
        spread,
        lowest,
        lowest_spread,
    )


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """Median and robust standard deviation."""
    middle = float(np.median(values))
    return middle, max(0.1, 1.4826 * float(np.median(np.abs(np.array(values) - middle))))


def _least(difference: np.ndarray) -> float:
    """The least mean over ``WINDOW`` frames in a row."""
    window = min(WINDOW, len(difference))
    sums = np.concatenate([[0.0], np.cumsum(difference)])
    return float((sums[window:] - sums[:-window]).min() / window)


def speech_level(level: np.ndarray) -> float:
    """The level below which a frame is no speech, in nats: a quarter of the way up from the recording's floor, and no
    lower than 32 dB below its loud frames."""
    if not len(level):
        return 0.0
    floor = float(np.percentile(level, 5))
    return max(-7.4, 0.75 * floor)


def _edges(said: np.ndarray, count: int) -> np.ndarray:
    """First and past-last frame of each word, int64 [count, 2]; equal where it has none."""
    edges = np.zeros((count, 2), dtype=np.int64)
    changes = np.flatnonzero(np.diff(said)) + 1
    for start, end in zip([0, *changes], [*changes, len(said)], strict=True):
        if said[start] >= 0:
            edges[said[start]] = start, end
    return edges


def silences(level: np.ndarray, least: float = LEAST_SILENCE) -> list[tuple[float, float]]:
    """Stretches, (start, end) in seconds, without speech. ``level``: float32 [frames], nats, 0 is loud."""
    quiet = level <= speech_level(level)
    steps = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]]))) * FRAME_SECONDS
    return [(float(a), float(b)) for a, b in zip(steps[::2], steps[1::2], strict=True) if b - a >= least]


def _at_silences(words: list[TimedWord], level: np.ndarray) -> list[TimedWord]:
    """Words beside a silence begin and end with it: the models take soft endings for silence already."""
    quiet = silences(level)
    starts, ends = np.array([a for a, _ in quiet]), np.array([b for _, b in quiet])
    found = [number for number, word in enumerate(words) if word.found]
    result = list(words)
    for before, number, after in zip([-1, *found], found, [*found[1:], -1], strict=False):
        word = words[number]
        start, end, middle = word.start, word.end, (word.start + word.end) / 2
        low = words[before].end - 0.05 if before >= 0 else 0.0
        high = words[after].start + 0.05 if after >= 0 else len(level) * FRAME_SECONDS
        for place in np.flatnonzero((ends > low) & (ends < middle) & (np.abs(ends - start) < SNAP)):
            start = float(ends[place])
        for place in np.flatnonzero((starts < high) & (starts > middle) & (np.abs(starts - end) < SNAP))[:1]:
            end = float(starts[place])
        result[number] = replace(word, start=start, end=max(end, start + FRAME_SECONDS))
    return result


def _stretches(flags: np.ndarray, least: float = 0.3, join: float = 0.3) -> list[tuple[float, float]]:
    """Stretches of true frames in seconds; those close to each other are one, and short ones are none."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    found: list[tuple[float, float, float]] = []  # start, end, seconds of true frames
    for start, end in zip(steps[::2] * FRAME_SECONDS, steps[1::2] * FRAME_SECONDS, strict=True):
        if found and start - found[-1][1] < join:
            found[-1] = (found[-1][0], float(end), found[-1][2] + float(end - start))
        else:
            found.append((float(start), float(end), float(end - start)))
    return [(start, end) for start, end, true in found if true >= least]
