"""What is asked of a voice."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from swaram.voice.errors import SpeechError

MIN_SPEED, MAX_SPEED = 0.25, 4.0
MAX_PITCH = 12.0  # semitones
MAX_PAUSE_SCALE = 5.0
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class SpeechRequest:
    """A text and how to speak it.

    ``speaker``: id or name, ``language``: code, ``style``: name; the voice's own where ``None``. ``speed``: 0.25..4.
    ``pitch``: semitones higher or lower than the speaker, -12..12, of voices whose decoder is driven by a pitch.
    ``seed``: the same seed gives the same samples. ``pause_scale``: 0..5, factor for the pauses between sentences.
    ``noise_scale`` and ``duration_noise_scale``: 0..2, the voice's own where ``None``. ``ssml``: whether the text is
    SSML; where ``None``, it is if its root is ``<speak>``. ``lexicon``: words and their spellings, which come before
    those of the server and of the voice. Raises SpeechError for values out of range.
    """

    text: str = ""
    speaker: str | int | None = None
    language: str | None = None
    style: str | None = None
    speed: float = 1.0
    pitch: float = 0.0
    seed: int = 0
    pause_scale: float = 1.0
    noise_scale: float | None = None
    duration_noise_scale: float | None = None
    ssml: bool | None = None
    lexicon: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        _within("speed", self.speed, MIN_SPEED, MAX_SPEED)
        _within("pitch", self.pitch, -MAX_PITCH, MAX_PITCH)
        _within("seed", self.seed, 0, MAX_SEED)
        _within("pause_scale", self.pause_scale, 0.0, MAX_PAUSE_SCALE)
        for name in ("noise_scale", "duration_noise_scale"):
            if getattr(self, name) is not None:
                _within(name, getattr(self, name), 0.0, 2.0)


class SpeechOptions(TypedDict, total=False):
    """The fields of ``SpeechRequest`` beside its text, for functions that take them as keywords."""

    speaker: str | int | None
    language: str | None
    style: str | None
    speed: float
    pitch: float
    seed: int
    pause_scale: float
    noise_scale: float | None
    duration_noise_scale: float | None
    ssml: bool | None
    lexicon: Mapping[str, str] | None


def _within(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise SpeechError(f"{name} must be between {low:g} and {high:g}, not {value:g}.")
