"""The engine: text in, windows of audio out; the next front end runs while this passage is decoded."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from swaram.audio.flac import BLOCK_SAMPLES
from swaram.text.frontend import Notice
from swaram.voice.models import Latent, Models
from swaram.voice.reader import Passage, Reader, TextMap
from swaram.voice.request import SpeechRequest
from swaram.voice.timings import Mark, marks_of
from swaram.voice.voice import Voice
from swaram.voice.windows import Window, windows


@dataclass(frozen=True)
class AudioWindow:
    """Samples that are ready.

    ``samples``: float32 [n], -1..1, mono, at the voice's sample rate; ``start_sample``: where they belong;
    ``marks``: the words of a passage, given with its first window.
    """

    samples: np.ndarray
    start_sample: int
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Speech:
    """A whole speech.

    ``audio``: float32 [n], -1..1, mono, at ``sample_rate`` Hz; ``marks``: its words; ``notices``: what of the
    text was dropped or assumed.
    """

    audio: np.ndarray
    sample_rate: int
    marks: tuple[Mark, ...]
    notices: tuple[Notice, ...]

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.audio) / self.sample_rate


class Engine:
    """Speaks with one voice. Safe to use from several threads; each ``stream`` is one thread's."""

    def __init__(self, voice: Voice, threads: int = 1) -> None:
        self.voice = voice
        self.models = Models(voice, threads)
        self._readers: dict[str, Reader] = {}

    def stream(self, request: SpeechRequest) -> Iterator[AudioWindow]:
        """Audio as it is made. Raises SpeechError before the first window if the request cannot be spoken."""
        yield from self._stream(self.reader(request).read(request.text).passages, request)

    def _stream(self, passages: list[Passage], request: SpeechRequest) -> Iterator[AudioWindow]:
        text_map = TextMap(request.text)
        start_sample = tail = 0
        with ThreadPoolExecutor(1, thread_name_prefix="frontend") as ahead:
            coming = ahead.submit(self.encode, passages[0], request, 0)
            for index, passage in enumerate(passages):
                latent = coming.result()
                if index + 1 < len(passages):
                    coming = ahead.submit(self.encode, passages[index + 1], request, index + 1)
                lead = self.pause_samples(passages[index - 1], tail, request) if index else 0
                tail = self.tail_samples(latent)
                marks = tuple(marks_of(self.voice, passage, latent, text_map, start_sample + lead))
                for window in self.windows(latent):
                    samples = self.decode(latent, window, lead, tail)
                    yield AudioWindow(samples, start_sample, marks)
                    start_sample += len(samples)
                    marks = ()

    def synthesise(self, request: SpeechRequest) -> Speech:
        """The whole speech at once: exactly the samples that ``stream`` gives."""
        reading = self.reader(request).read(request.text)
        parts = list(self._stream(reading.passages, request))
        audio = np.concatenate([part.samples for part in parts])
        marks = tuple(mark for part in parts for mark in part.marks)
        return Speech(audio, self.voice.sample_rate, marks, tuple(reading.notices))

    def warm_up(self) -> float:
        """Speak letters to nobody, so that tables and buffers are ready; return the real-time factor.

        That is the seconds of computing, on one core, that one second of speech costs now.
        """
        letters = "".join([symbol for symbol in self.voice.symbols.symbols if symbol.isalnum()] * 2)[:80]
        passage = Passage(letters, list(range(len(letters))), 0.0)
        phonemes = self.voice.manifest.text.symbols == "phonemes"
        for language in self.voice.languages:
            self.reader(SpeechRequest(language=language)).read_part(f"[[{letters}]]" if phonemes else letters)
        factor = 0.0
        for _ in range(2):
            begun = time.perf_counter()
            latent = self.encode(passage, SpeechRequest(), 0)
            for window in self.windows(latent):
                self.models.decode(latent, window)
            spoken = latent.length * self.voice.hop_length / self.voice.sample_rate
            factor = (time.perf_counter() - begun) / spoken
        return factor

    def reader(self, request: SpeechRequest) -> Reader:
        """The reader of the request's language. Raises SpeechError for one that the voice does not read."""
        language = self.voice.find_language(request.language)
        if language not in self._readers:
            self._readers[language] = Reader(self.voice, language)
        return self._readers[language]

    def encode(self, passage: Passage, request: SpeechRequest, index: int) -> Latent:
        """The front end's work for passage ``index`` of a request."""
        voice = self.voice
        speaker = voice.find_speaker(request.speaker)
        language = voice.language_number(voice.find_language(request.language))
        ids = voice.symbols.encode(passage.text)
        return self.models.encode(
            ids, request, speaker.id if speaker else 0, index, language, voice.find_style(request.style)
        )

    def windows(self, latent: Latent) -> Iterator[Window]:
        """The decoder windows of a passage, in order."""
        voice, margins = self.voice, self.voice.manifest.decoder
        return windows(latent.length, voice.hop_length, voice.sample_rate, margins.left_margin, margins.right_margin)

    def decode(self, latent: Latent, window: Window, lead: int, tail: int) -> np.ndarray:
        """float32 samples of a window, ``lead`` silent ones before the first and ``tail`` after the last."""
        samples = self.models.decode(latent, window)
        before = lead if window.start == 0 else 0
        after = tail if window.end == latent.length else 0
        return np.pad(samples, (before, after)) if before or after else samples

    def tail_samples(self, latent: Latent) -> int:
        """Silent samples that fill a passage's last FLAC block, so that it need not wait for the next."""
        return -(latent.length * self.voice.hop_length) % BLOCK_SAMPLES

    def pause_samples(self, passage: Passage, tail: int, request: SpeechRequest) -> int:
        """Silent samples, in whole FLAC blocks, between a passage that ended with ``tail`` and the next."""
        pause = passage.pause_after * request.pause_scale * self.voice.sample_rate - tail
        return max(0, round(pause / BLOCK_SAMPLES)) * BLOCK_SAMPLES
