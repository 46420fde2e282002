"""The engine: one voice, ready to speak; text in, windows of audio out."""

import base64
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swaram.audio.flac import FlacEncoder, to_integers
from swaram.text.frontend import Notice
from swaram.text.lexicon import Lexicon
from swaram.text.ssml import is_ssml
from swaram.voice.models import Latent, Models
from swaram.voice.reader import Passage, Reader
from swaram.voice.request import SpeechRequest
from swaram.voice.synthesis import Synthesis
from swaram.voice.timings import Mark
from swaram.voice.voice import Voice
from swaram.voice.windows import Window

_PIECE = 1000  # characters of a long text that are read at once


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

    def save(self, path: str | Path) -> Path:
        """Write a file of the format that the ending names: flac, wav, mp3, opus or ogg. Raises SpeechError."""
        from swaram.voice.write import write_speech

        write_speech(path, [self.audio], self.sample_rate)
        return Path(path)

    def _repr_html_(self) -> str:
        """A player, where a notebook shows this speech."""
        encoder = FlacEncoder(self.sample_rate)
        frames = encoder.encode(to_integers(self.audio)) + encoder.finish()
        content = base64.b64encode(encoder.final_header + b"".join(frames)).decode()
        return f'<audio controls src="data:audio/flac;base64,{content}"></audio>'


class Engine:
    """Speaks with one voice. Safe to use from several threads; each ``stream`` is one thread's.

    ``lexicons``: spellings that come before the voice's own; of several the earlier before the later.

    ``real_time_factor``: seconds of computing, on one core, for one second of speech; known after ``warm_up``.
    """

    def __init__(self, voice: Voice, threads: int = 1, lexicons: Iterable[Lexicon] = ()) -> None:
        self.voice = voice
        own = voice.package.lexicon
        self._lexicons = (*lexicons, *([own] if own else []))
        self.models = Models(voice, threads)
        self._readers: dict[str, Reader] = {}
        self.real_time_factor = 0.0

    def stream(self, request: SpeechRequest) -> Iterator[AudioWindow]:
        """Audio as it is made. Raises SpeechError before the first window if the request cannot be spoken.

        A long text is read as it is spoken: a book's first sound comes as soon as a sentence's.
        """
        synthesis = self.begin(request)
        text = request.text
        if len(text) <= 2 * _PIECE or (request.ssml if request.ssml is not None else is_ssml(text)):
            synthesis.read(text)
            yield from _run(synthesis, iter(()))
            return
        pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
        spoken = False
        for window in _run(synthesis, pieces):
            spoken = True
            yield window
        if not spoken:
            synthesis.read(text)  # says what is wrong with it

    def synthesise(self, request: SpeechRequest) -> Speech:
        """The whole speech at once: exactly the samples that ``stream`` gives."""
        synthesis = self.begin(request)
        notices = synthesis.read(request.text)
        parts = list(_run(synthesis, iter(())))
        audio = np.concatenate([part.samples for part in parts])
        marks = tuple(mark for part in parts for mark in part.marks)
        return Speech(audio, self.voice.sample_rate, marks, tuple(notices))

    def begin(self, request: SpeechRequest, marks: str = "word") -> Synthesis:
        """The steps of a request, for whoever decides when each is run; ``marks`` as in ``Synthesis``."""
        return Synthesis(self.models, self.reader(request), request, marks)

    def warm_up(self) -> None:
        """Speak letters to nobody, so that tables and buffers are ready, and measure ``real_time_factor``."""
        letters = "".join([symbol for symbol in self.voice.symbols.symbols if symbol.isalnum()] * 2)[:80]
        passage = Passage(letters, list(range(len(letters))), 0.0)
        phonemes = self.voice.manifest.text.symbols == "phonemes"
        for language in self.voice.languages:
            self.reader(SpeechRequest(language=language)).read_part(f"[[{letters}]]" if phonemes else letters)
        for _ in range(2):
            begun = time.perf_counter()
            latent = self.encode(passage, SpeechRequest(), 0)
            for window in self.windows(latent):
                self.models.decode(latent, window)
            spoken = latent.length * self.voice.hop_length / self.voice.sample_rate
            self.real_time_factor = (time.perf_counter() - begun) / spoken

    def reader(self, request: SpeechRequest) -> Reader:
        """The reader of the request's language. Raises SpeechError for one that the voice does not read."""
        language = self.voice.find_language(request.language)
        if language not in self._readers:
            self._readers[language] = Reader(self.voice, language, self._lexicons)
        reader = self._readers[language]
        return reader.with_lexicon(Lexicon(request.lexicon)) if request.lexicon else reader

    def encode(self, passage: Passage, request: SpeechRequest, index: int) -> Latent:
        """The front end's work for passage ``index`` of a request."""
        return self.models.encode_passage(passage, request, index)

    def windows(self, latent: Latent) -> Iterator[Window]:
        """The decoder windows of a passage, in order."""
        return self.models.windows(latent.length)


def _run(synthesis: Synthesis, pieces: Iterator[str]) -> Iterator[AudioWindow]:
    """Every step of a speech in order; the next passage's front end runs while this one is decoded.

    ``pieces``: text that is still to be read, as far as the next passage needs it.
    """
    start_sample = index = 0
    with ThreadPoolExecutor(1, thread_name_prefix="frontend") as ahead:
        coming = ahead.submit(synthesis.prepare, 0) if _known(synthesis, 0, pieces) else None
        while coming is not None:
            prepared, coming = coming.result(), None
            marks = tuple(prepared.marks)
            for window in range(len(prepared.window_samples)):
                samples = synthesis.render(index, window)
                # Not before: the first sound would share the core with what is heard after it.
                if window == 0 and _known(synthesis, index + 1, pieces):
                    coming = ahead.submit(synthesis.prepare, index + 1)
                yield AudioWindow(samples, start_sample, marks)
                start_sample += len(samples)
                marks = ()
            if not prepared.window_samples and _known(synthesis, index + 1, pieces):  # nothing was said
                coming = ahead.submit(synthesis.prepare, index + 1)
            index += 1


def _known(synthesis: Synthesis, index: int, pieces: Iterator[str]) -> bool:
    """Read on until passage ``index`` is known; whether there is one."""
    while synthesis.passages <= index:
        piece = next(pieces, None)
        if piece is None:
            break
        synthesis.feed(piece)
    else:
        return True
    synthesis.feed("", flush=True)
    return synthesis.passages > index
