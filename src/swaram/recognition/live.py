"""Speech written down while it is spoken: words that may still change, and words that are settled.

The recogniser sees all sound since the last settled word again and again. Words are settled once a pause follows them,
or when so much has come that it must be cut; what is settled is never heard again.
"""

from collections import deque
from dataclasses import replace

import numpy as np

from swaram.recognition.recognizer import Recognizer, Word, quietest

PAUSE_SECONDS = 0.7  # without a word, after which what was said is settled
LONGEST_SECONDS = 12.0  # of sound that is heard again and again
CUT_SECONDS = 6.0  # the last part of it, in which it is cut where it is quietest
SILENCE_SECONDS = 1.0  # kept before what comes, where nobody speaks
# The recogniser brings every sound to one level, and hears words in hiss: what is far below the speech so far, or below
# any speech, is not given to it.
QUIET = 10 ** (-26 / 20)  # of the loudest so far
SILENT = 10 ** (-54 / 20)  # of full scale
FORGET = 0.97  # of the loudest, each second: a knock on the table is not the measure for ever
BLOCK_SECONDS = 0.05


class LiveTranscript:
    """One recording that is still being made. ``feed`` it, ``hear`` from time to time, ``finish`` it.

    One thread may feed while another one hears.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._rate = recognizer.features.sample_rate
        self._audio = np.zeros(0, dtype=np.float32)
        self._begun = 0  # samples before ``_audio``
        self._pieces: deque[np.ndarray] = deque()
        self._fed = 0
        self._loudest = SILENT / QUIET

    @property
    def seconds(self) -> float:
        """Seconds of sound that have come."""
        return self._fed / self._rate

    def feed(self, audio: np.ndarray) -> None:
        """``audio``: float32 [samples], mono, -1..1, at the recogniser's rate."""
        self._pieces.append(np.asarray(audio, dtype=np.float32))
        self._fed += len(audio)

    def hear(self) -> tuple[list[Word], list[Word]]:
        """Words that are settled now, and those after them that may still change; times from the very beginning."""
        self._join()
        words = self._words(len(self._audio))
        end = len(self._audio) / self._rate
        for number in range(len(words) - 1, -1, -1):
            after = words[number + 1].start if number + 1 < len(words) else end
            if after - words[number].end >= PAUSE_SECONDS:
                cut = (words[number].end + after) / 2
                return self._settle(words[: number + 1], cut), self._at(words[number + 1 :], -cut)
        if end > LONGEST_SECONDS:
            if not words:
                self._drop(end - SILENCE_SECONDS)
                return [], []
            first = round((LONGEST_SECONDS - CUT_SECONDS) * self._rate)
            place = quietest(self._audio, first, len(self._audio), self._rate)
            return self._settle(self._words(place), place / self._rate), []
        return [], self._at(words)

    def finish(self) -> list[Word]:
        """The last words."""
        self._join()
        return self._settle(self._words(len(self._audio)), len(self._audio) / self._rate)

    def _join(self) -> None:
        pieces = [self._pieces.popleft() for _ in range(len(self._pieces))]
        self._audio = np.concatenate([self._audio, *pieces])

    def _words(self, samples: int) -> list[Word]:
        audio = self._audio[:samples]
        if not self._is_spoken(audio):
            return []
        words = self._recognizer.transcribe(audio, self._rate).words
        return [
            word for word in words if self._is_spoken(audio[self._at_sample(word.start) : self._at_sample(word.end)])
        ]

    def _is_spoken(self, audio: np.ndarray) -> bool:
        return self._loudness(audio) >= QUIET * self._loudest

    def _at_sample(self, seconds: float) -> int:
        return round(seconds * self._rate)

    def _loudness(self, audio: np.ndarray) -> float:
        """The largest root mean square of 50 ms; remembered."""
        block = min(round(BLOCK_SECONDS * self._rate), max(1, len(audio)))
        blocks = audio[: len(audio) - len(audio) % block].reshape(-1, block)
        loudness = float(np.sqrt((blocks**2).mean(1).max())) if len(blocks) else 0.0
        self._loudest = max(self._loudest, loudness)
        return loudness

    def _at(self, words: list[Word], offset: float = 0.0) -> list[Word]:
        """``words`` with times from the beginning of the recording; ``offset`` is what ``_drop`` has moved them by."""
        moved = self._begun / self._rate + offset
        return [replace(word, start=round(moved + word.start, 3), end=round(moved + word.end, 3)) for word in words]

    def _settle(self, words: list[Word], cut: float) -> list[Word]:
        settled = self._at(words)
        self._drop(cut)
        return settled

    def _drop(self, seconds: float) -> None:
        samples = min(len(self._audio), max(0, round(seconds * self._rate)))
        self._audio = self._audio[samples:].copy()
        self._begun += samples
        self._loudest = max(SILENT / QUIET, self._loudest * FORGET ** (samples / self._rate))
