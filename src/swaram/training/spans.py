"""Stretches of utterances, cut between words: the same words without their sentences.

A text encoder that has only ever met a word in one sentence learns the sentence. A stretch of a random number of words
from a random one on breaks it up, more of them in each epoch than there are utterances. Where the words stand in the
recording is known from the flat-start alignment. A stretch that begins or ends inside a sentence has no mark of the
beginning or end there, so what these marks mean for the melody stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swaram.training.dataset import Dataset, EncodedClip

TRIES = 8  # to find a stretch that is long enough


@dataclass(frozen=True)
class Span:
    """Which symbols of an utterance, and which frames of its recording."""

    symbols: slice
    frames: slice

    @property
    def symbol_count(self) -> int:
        """How many symbols it holds."""
        return self.symbols.stop - self.symbols.start

    @property
    def frame_count(self) -> int:
        """How many frames it lasts."""
        return self.frames.stop - self.frames.start


def whole_span(clip: EncodedClip, hop: int) -> Span:
    """All of an utterance."""
    return Span(slice(0, len(clip.symbols)), slice(0, clip.samples // hop))


def draw_span(clip: EncodedClip, durations: np.ndarray, shortest: int, random: np.random.Generator) -> Span | None:
    """A stretch of some of the words, but not of all; None where none that is long enough was found.

    ``durations``: int64 [symbols] in frames; ``shortest``: frames; it also has at least as many frames as symbols.
    """
    text = clip.transcript
    if len(clip.symbols) != 2 * len(text) + 5:  # _ ^ _ a _ b _ $ _
        return None
    spaces = [place for place, character in enumerate(text) if character == " "]
    starts, ends = [0, *(place + 1 for place in spaces)], [*spaces, len(text)]
    edges = np.concatenate([[0], np.cumsum(durations)])
    for _ in range(TRIES if len(starts) > 1 else 0):
        count = int(random.integers(1, len(starts)))
        first = int(random.integers(len(starts) - count + 1))
        begin, end = starts[first], ends[first + count - 1]
        # Character n is symbol 2 n + 3; the blanks on both of its sides go with it.
        low = 0 if begin == 0 else 2 * begin + 2
        high = len(clip.symbols) if end == len(text) else 2 * end + 3
        span = Span(slice(low, high), slice(int(edges[low]), int(edges[high])))
        if end > begin and span.frame_count >= max(shortest, span.symbol_count):
            return span
    return None


def draw_spans(
    dataset: Dataset, batch: Sequence[int], hop: int, share: float, shortest: int, seed: tuple[int, ...]
) -> dict[int, Span]:
    """What to take of each clip of a batch: a stretch of about ``share`` of them, all of the others.

    The same for the same ``seed``, in every process. ``dataset`` needs durations where ``share`` is not 0.
    """
    random = np.random.default_rng(seed)
    spans = {}
    for index in batch:
        clip = dataset.clips[index]
        cut = None
        if share and random.random() < share:
            cut = draw_span(clip, dataset.durations[index], shortest, random)
        spans[index] = cut or whole_span(clip, hop)
    return spans
