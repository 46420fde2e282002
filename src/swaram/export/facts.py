"""What a voice says of itself beside what its model knows: name, speakers, licence, card."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from swaram.errors import SwaramError


@dataclass(frozen=True)
class OfferedSpeaker:
    """A speaker of the training data that the voice offers, under a name of its own.

    ``pitch``: the mean of the speaker's voiced frames (of the logarithm), in Hz, where a range of the pitch needs it.
    ``pitch_range``: that of this speaker, in place of the voice's. ``pace``: how many times as fast as the model says.
    """

    corpus_id: str
    name: str
    gender: str = ""
    description: str = ""
    pitch: float = 0.0
    pitch_range: float | None = None
    pace: float = 1.0


@dataclass
class VoiceFacts:
    """What ``voice.json`` and the model card say beside what the checkpoint knows.

    ``inference``: scales other than the published ones. ``card`` is Markdown in which ``$steps`` and ``$hours`` stand
    for the checkpoint's own numbers. ``pitch_range``: how many times as far from the speaker's mean the pitch moves as
    the model says, built into the voice. ``text``: what the symbols stand for, where they are not letters. ``half`` and
    ``eight_bits``: how large weights are stored: in single precision where neither is set, in bytes where both are.
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
    eight_bits: bool = False
    text: dict[str, str] = field(default_factory=dict)
    pitch_range: float = 1.0


def read_facts(path: Path | None, name: str) -> VoiceFacts:
    """The facts of a JSON file beside the name that holds where it says none. Raises SwaramError."""
    if path is None:
        return VoiceFacts(name)
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
        card = raw.pop("card_file", None)
        licence = raw.pop("licence_file", None)
        speakers = [OfferedSpeaker(**speaker) for speaker in raw.pop("speakers", [])]
        known = VoiceFacts(speakers=speakers, **{"name": name, **raw})
        known.licence_file = path.parent / licence if licence else None
        known.card = (path.parent / card).read_text(encoding="utf-8-sig") if card else ""
    except (OSError, json.JSONDecodeError, TypeError, AttributeError) as error:
        raise SwaramError(f"{path} is not a readable description of a voice: {error}") from None
    return known
