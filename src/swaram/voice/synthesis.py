"""One request's speech, step by step: text in, passages prepared, windows of samples out.

The order of passages, the silence between them, their marks and their windows are decided here and nowhere else.
Whoever calls the steps (``Engine.stream`` for one speech, the server for many at once) decides only when each is run;
the samples depend on the request and its text alone.
"""

from dataclasses import dataclass

import numpy as np

from swaram.audio.flac import BLOCK_SAMPLES
from swaram.text.frontend import Notice
from swaram.voice.models import Latent, Models
from swaram.voice.reader import Passage, Reader, Reading, TextFeed, TextMap
from swaram.voice.request import SpeechRequest
from swaram.voice.timings import Mark, characters_of, marks_of
from swaram.voice.windows import Window


@dataclass(frozen=True)
class Prepared:
    """A passage that can be rendered.

    ``window_samples``: samples of each of its windows, silence included; ``marks``: what was asked for of its words,
    symbols or characters; ``words``: its words, whatever was asked for; ``start`` and
    ``end``: its characters in the user's text; ``start_sample`` and ``end_sample``: where it is heard, without silence.
    """

    window_samples: list[int]
    marks: list[Mark]
    words: list[Mark]
    start: int
    end: int
    start_sample: int
    end_sample: int


@dataclass(frozen=True)
class Ending:
    """Where a request's speech ended, so that another can go on from there.

    ``passages``: how many there were so far; ``pause_after``: seconds of the pause that follows the last one;
    ``tail``: how many silent samples it ended with already.
    """

    passages: int
    pause_after: float
    tail: int


@dataclass(frozen=True)
class _Ready:
    latent: Latent
    windows: list[Window]
    lead: int
    tail: int


def tail_samples(samples: int) -> int:
    """Silent samples that fill the last FLAC block of a passage of so many, so that it need not wait for the next."""
    return -samples % BLOCK_SAMPLES


def pause_samples(pause_seconds: float, tail: int, sample_rate: int) -> int:
    """Silent samples, in whole FLAC blocks, before the passage after one that ended with ``tail`` silent ones."""
    return max(0, round((pause_seconds * sample_rate - tail) / BLOCK_SAMPLES)) * BLOCK_SAMPLES


class Synthesis:
    """The steps of one request.

    ``feed`` (or ``read``) and ``prepare`` come one after another, passage by passage; ``render`` goes window by window
    and may run beside the ``prepare`` of a later passage. ``marks``: "none", "word", "symbol" or "character".
    """

    def __init__(self, models: Models, reader: Reader, request: SpeechRequest, marks: str = "word") -> None:
        self._models, self._reader, self._request, self._marks = models, reader, request, marks
        self._after: Ending | None = None
        self._feed = TextFeed(reader, request.ssml)
        self._text_map = TextMap()
        self._passages: list[Passage | None] = []
        self._ready: dict[int, _Ready] = {}
        self._samples = self._tail = self._prepared = 0
        self._pause_after = 0.0

    @property
    def passages(self) -> int:
        """How many passages are known so far."""
        return len(self._passages)

    @property
    def ending(self) -> Ending | None:
        """Where this speech ends, as far as its passages were prepared; None where nothing was spoken so far."""
        if not self._prepared:
            return self._after
        number = self._prepared + (self._after.passages if self._after else 0)
        return Ending(number, self._pause_after, self._tail)

    def follow(self, ending: Ending | None) -> None:
        """Go on from where another request ended, before the first ``prepare``.

        Where that one ended with a sentence, the samples of both are those of one request with both texts.
        """
        self._after = ending

    def read(self, text: str) -> list[Notice]:
        """Take the whole text at once. Raises SpeechError when nothing in it can be spoken."""
        return self._take(text, self._reader.read(text, self._request.ssml))

    def feed(self, text: str, flush: bool = False) -> list[Notice]:
        """Take the next piece of a text; what is complete, or everything where ``flush``, becomes passages."""
        return self._take(text, self._feed.push(text, flush))

    def _take(self, text: str, reading: Reading) -> list[Notice]:
        self._text_map.extend(text)
        self._passages += reading.passages
        return reading.notices

    def prepare(self, index: int) -> Prepared:
        """Run the front end for a passage; in order."""
        models, passage = self._models, self._passages[index]
        assert passage is not None  # in order, each once
        hop, rate = models.voice.hop_length, models.voice.sample_rate
        ending = self.ending
        latent = models.encode_passage(passage, self._request, ending.passages if ending else 0)
        lead = pause_samples(passage.silence_before, 0, rate)
        if ending:
            lead += pause_samples(ending.pause_after * self._request.pause_scale, ending.tail, rate)
        tail = tail_samples(latent.length * hop)
        tail += pause_samples(passage.silence_after, tail, rate)
        windows = list(models.windows(latent.length))
        lengths = [(window.end - window.start) * hop for window in windows]
        if lengths:
            lengths[0] += lead
            lengths[-1] += tail
        begins = self._samples + lead
        words = list(marks_of(models.voice, passage, latent, self._text_map, begins))
        start, end = self._text_map.span(passage.origins)
        spoken = begins + latent.length * hop
        marks = [] if self._marks == "none" else words
        if self._marks in ("symbol", "character"):
            marks = list(marks_of(models.voice, passage, latent, self._text_map, begins, symbols=True))
        if self._marks == "character":
            marks = characters_of(words, marks, start, end, spoken)
        self._ready[index] = _Ready(latent, windows, lead, tail)
        self._samples += sum(lengths)
        self._tail, self._pause_after = tail, passage.pause_after
        self._prepared = index + 1
        self._passages[index] = None  # of a book most is over
        return Prepared(lengths, marks, words, start, end, begins, spoken)

    def render(self, index: int, window: int) -> np.ndarray:
        """float32 samples [n], -1..1, of one window of a prepared passage, its silence included; in order."""
        ready = self._ready[index]
        last = window + 1 == len(ready.windows)
        if last:
            del self._ready[index]
        samples = self._models.decode(ready.latent, ready.windows[window])
        before, after = ready.lead if window == 0 else 0, ready.tail if last else 0
        return np.pad(samples, (before, after)) if before or after else samples
