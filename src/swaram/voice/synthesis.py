"""One request's synthesis, step by step: text fed, passages prepared, windows rendered to whole frames."""

from dataclasses import dataclass

from swaram.audio.encoders import open_encoder
from swaram.audio.flac import to_integers
from swaram.languages import get_language
from swaram.text.frontend import Notice
from swaram.voice.engine import Engine
from swaram.voice.models import Latent
from swaram.voice.reader import Passage, TextFeed, TextMap
from swaram.voice.request import SpeechRequest
from swaram.voice.timings import Mark, marks_of
from swaram.voice.windows import Window


@dataclass(frozen=True)
class StreamFormat:
    """What is sent: the format, ``bits`` of each sample, and which ``marks`` ("none", "word", "symbol")."""

    name: str = "flac"
    bits: int = 16
    marks: str = "word"


@dataclass(frozen=True)
class Fed:
    """What a piece of text brought: how many passages there are now, and the new notices."""

    passages: int
    notices: list[Notice]


@dataclass(frozen=True)
class Prepared:
    """A passage that can be rendered: the samples of each of its windows, its marks, and where it lies.

    ``header`` begins the stream; it comes with the first passage, and may be empty.
    """

    window_samples: list[int]
    marks: list[Mark]
    start: int
    end: int
    start_sample: int
    end_sample: int
    header: bytes = b""


@dataclass(frozen=True)
class Finished:
    """The end of a stream: the last frames, the final header, the MD5 and the number of the samples."""

    frames: list[bytes]
    header: bytes
    md5: str
    samples: int


@dataclass
class _Ready:
    latent: Latent
    windows: list[Window]
    lead: int
    tail: int


class SpeechStream:
    """Steps of one request. ``prepare`` goes passage by passage in order, and may run beside ``render``.

    Nothing here knows of sockets or of time; the samples depend on the request and the order of its text alone.
    """

    def __init__(self, engine: Engine, request: SpeechRequest, form: StreamFormat) -> None:
        self._engine, self._request, self._form = engine, request, form
        self._speaker = engine.voice.find_speaker(request.speaker)
        language = engine.voice.find_language(request.language)
        self._feed = TextFeed(engine.reader(request), get_language(language).sentence_ends)
        self._encoder = open_encoder(form.name, engine.voice.sample_rate, form.bits)
        self._text = ""
        self._passages: list[Passage] = []
        self._ready: dict[int, _Ready] = {}
        self._samples = self._tail = 0

    def feed(self, text: str, flush: bool) -> Fed:
        """Take a piece of text."""
        self._text += text
        reading = self._feed.push(text, flush)
        self._passages += reading.passages
        return Fed(len(self._passages), reading.notices)

    def prepare(self, index: int) -> Prepared:
        """Run the front end for a passage."""
        engine, passage = self._engine, self._passages[index]
        latent = engine.encode(passage, self._request, index)
        lead = engine.pause_samples(self._passages[index - 1], self._tail, self._request) if index else 0
        tail = engine.tail_samples(latent)
        windows = list(engine.windows(latent))
        hop = engine.voice.hop_length
        lengths = [(window.end - window.start) * hop for window in windows]
        lengths[0] += lead
        lengths[-1] += tail
        begins = self._samples + lead
        text_map = TextMap(self._text)
        marks: list[Mark] = []
        if self._form.marks != "none":
            marks = list(
                marks_of(engine.voice, passage, latent, text_map, begins, symbols=self._form.marks == "symbol")
            )
        start, end = text_map.span(passage.origins)
        self._ready[index] = _Ready(latent, windows, lead, tail)
        self._samples += sum(lengths)
        self._tail = tail
        header = b"" if index else self._encoder.header
        return Prepared(lengths, marks, start, end, begins, self._samples - tail, header)

    def render(self, index: int, window: int) -> list[bytes]:
        """Decode one window, in order; return the frames that became complete."""
        ready = self._ready[index]
        samples = self._engine.decode(ready.latent, ready.windows[window], ready.lead, ready.tail)
        if window + 1 == len(ready.windows):
            del self._ready[index]
        return self._encoder.encode(to_integers(samples, self._form.bits))

    def finish(self) -> Finished:
        """Close the stream."""
        encoder = self._encoder
        return Finished(encoder.finish(), encoder.final_header, encoder.md5, encoder.samples)
