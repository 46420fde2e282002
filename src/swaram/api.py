"""The Python interface: a voice that speaks, a recogniser that writes down. docs/python.md shows both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

from swaram.recognition import Recognizer, Transcript
from swaram.recognition.package import find_recognizer, is_recognizer
from swaram.voice.engine import AudioWindow, Engine, Speech
from swaram.voice.library import find_voice
from swaram.voice.request import SpeechOptions, SpeechRequest

__all__ = ["Speech", "Transcript", "Voice", "load_recognizer", "load_voice"]


class Voice:
    """A voice that is ready to speak; ``load_voice`` makes one. Safe to use from several threads at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def name(self) -> str:
        """Its name."""
        return self._engine.voice.name

    @property
    def sample_rate(self) -> int:
        """In Hz, of all it says."""
        return self._engine.voice.sample_rate

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that it reads, the main one first."""
        return self._engine.voice.languages

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of its speakers; empty where it has a single one without a name."""
        return tuple(speaker.name for speaker in self._engine.voice.manifest.speakers)

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of its styles; empty where it has none."""
        return tuple(self._engine.voice.manifest.styles)

    @property
    def licence(self) -> str:
        """SPDX name of the licence that it and its speech are under; empty where nobody said."""
        return self._engine.voice.manifest.licence

    def speak(self, text: str, **options: Unpack[SpeechOptions]) -> Speech:
        """Speak a text whole.

        ``options``: those of ``SpeechRequest``: speaker, language, style, speed, pitch, seed, pause_scale, noise_scale,
        duration_noise_scale. Raises SwaramError: nothing to say, no such speaker, a value out of range.
        """
        return self._engine.synthesise(SpeechRequest(text, **options))

    def stream(self, text: str, **options: Unpack[SpeechOptions]) -> Iterator[AudioWindow]:
        """Speak a text window by window, each as soon as it is made: exactly the samples of ``speak``.

        A window has ``samples`` (float32 [n], -1..1, mono), ``start_sample``, and ``marks`` with the first window of a
        passage. Raises SwaramError before the first one, as ``speak`` does.
        """
        return self._engine.stream(SpeechRequest(text, **options))

    def __repr__(self) -> str:
        return f"<swaram.Voice {self.name!r}: {', '.join(self.languages)}, {self.sample_rate} Hz>"


def load_voice(voice: str | Path | None = None, *, threads: int = 1) -> Voice:
    """Open a voice: its path (folder or zip), its name among the voices of this machine, or the only one there.

    ``threads``: threads to compute with. Raises SwaramError where there is no such voice, or it is damaged.
    """
    return Voice(Engine(find_voice(voice), threads))


def load_recognizer(recognizer: str | Path | None = None, *, threads: int = 1) -> Recognizer:
    """Open a recogniser: its path, the code of its language, or the only one there.

    ``load_recognizer("ml").transcribe("talk.mp3").text``. ``threads``: threads to compute with. Raises SwaramError
    where there is none, or it is damaged.
    """
    if recognizer is not None and is_recognizer(Path(recognizer)):
        return Recognizer.load(recognizer, threads)
    return Recognizer.load(find_recognizer(None if recognizer is None else str(recognizer)), threads)
