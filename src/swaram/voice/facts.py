"""What a voice says of itself beside what its model knows: name, speakers, licence, card."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class OfferedSpeaker:
    """A speaker of the training data that the voice offers, under a name of its own."""

    corpus_id: str
    name: str
    gender: str = ""
    description: str = ""


@dataclass
class VoiceFacts:
    """What ``voice.json`` and the model card say beside what the checkpoint knows.

    ``inference``: scales other than the published ones. ``card`` is Markdown in which ``$steps`` and ``$hours`` stand
    for the checkpoint's own numbers. ``text``: what the symbols stand for, where they are not letters.
    """

    name: str
    speakers: list[OfferedSpeaker] = field(default_factory=list)
    licence: str = ""
    licence_file: Path | None = None
    attribution: list[str] = field(default_factory=list)
    inference: dict[str, float] = field(default_factory=dict)
    training: dict[str, str | int | float] = field(default_factory=dict)
    card: str = ""
    half: bool = True
    text: dict[str, str] = field(default_factory=dict)
