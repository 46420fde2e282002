"""One utterance on its way through the gates, with what each stage has found out about it."""

from dataclasses import dataclass, field

import numpy as np

from swaram.audio.trim import Activity
from swaram.corpora.utterance import Utterance


@dataclass
class Candidate:
    """What is known so far.

    ``audio``: float32 [samples], -1..1, mono, at ``sample_rate`` Hz: first as resampled, in the end as written.
    ``activity`` describes it before trimming. ``text`` is the
    corpus's text without its tags, ``transcript`` what the voice will read. ``measures`` holds numbers for the
    manifest and the report.
    """

    utterance: Utterance
    audio: np.ndarray | None = None
    sample_rate: int = 0
    activity: Activity | None = None
    pauses: list[tuple[float, float]] = field(default_factory=list)
    text: str = ""
    transcript: str = ""
    measures: dict[str, float | int | str | None] = field(default_factory=dict)


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
