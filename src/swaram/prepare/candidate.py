"""One utterance on its way through the gates, with what each stage has found out about it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from swaram.audio.trim import Activity
from swaram.corpora.utterance import Utterance


@dataclass
class Candidate:
    """What is known so far.

    ``audio``: float32 [samples], -1..1, mono, at ``sample_rate`` Hz: first as decoded, in the end as written, empty
    where nothing could be decoded. ``activity`` describes it before trimming. ``text`` is the corpus's text without
    its tags, ``transcript`` what the voice will read. ``measures`` holds numbers for the manifest and the report.
    """

    utterance: Utterance
    audio: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    sample_rate: int = 0
    activity: Activity = field(default_factory=Activity.nothing)
    pauses: list[tuple[float, float]] = field(default_factory=list)
    text: str = ""
    transcript: str = ""
    measures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What one gate says of one candidate: ``reason`` is empty where it passes, else ``gate: rule`` to be counted;
    ``saw`` tells a person what the gate looked at."""

    gate: str
    reason: str = ""
    saw: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason
