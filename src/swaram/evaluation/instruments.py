"""The instruments of an evaluation: opened once, and what they found in a natural clip is kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from swaram.alignment.sounds import in_sounds
from swaram.audio.loudness import level_to, loudness
from swaram.evaluation.distillmos import DistillMos
from swaram.evaluation.dnsmos import Dnsmos
from swaram.evaluation.errors import NotMeasured
from swaram.evaluation.intelligibility import letters
from swaram.evaluation.judges import Hearing, Judge, SoundJudge, open_judge
from swaram.evaluation.mel_cepstral import Acoustics, World
from swaram.evaluation.speaker_similarity import SpeakerEncoder
from swaram.prepare.manifest import Clip
from swaram.text.frontend import TextFrontend

LEVEL = -23.0  # LUFS, where preparation puts the recordings


def written(text: str, frontend: TextFrontend) -> str:
    """A text as it is compared: read by the front end (so numbers are words), then without punctuation."""
    return letters(" ".join(sentence.text for sentence in frontend.analyse(text).sentences))


@dataclass
class Sound:
    """One clip, natural or synthetic, and what was found in it so far.

    ``audio``: float32 [samples], -1..1, mono, brought to -23 LUFS for every instrument but the level meter;
    ``raw``: as it came.
    """

    raw: np.ndarray
    sample_rate: int
    text: str
    audio: np.ndarray = field(init=False)
    found: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.audio = level_to(self.raw, self.sample_rate, LEVEL)

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.raw) / self.sample_rate


class Instruments:
    """Judge, DNSMOS, DistillMOS, WORLD and the speaker encoder; ``not_measured`` says why one is missing."""

    def __init__(self, language: str, judge: str | None = None) -> None:
        self._frontend = TextFrontend(language)
        self._naturals: dict[str, Sound] = {}
        self.not_measured: dict[str, str] = {}
        self.judge: Judge | None = self._opened("intelligibility", lambda: open_judge(judge, language))
        self._dnsmos = self._opened("naturalness", Dnsmos)
        self._distillmos = self._opened("distillmos", DistillMos)
        self._world = self._opened("closeness", World)
        self._encoder = self._opened("speaker", SpeakerEncoder)

    def _opened(self, group: str, kind: Callable[[], Any]) -> Any:
        try:
            return kind()
        except NotMeasured as reason:
            self.not_measured[group] = str(reason)
            return None

    @property
    def in_sounds(self) -> bool:
        """Whether the judge knows another language, so that coarse sounds are compared in place of letters."""
        return isinstance(self.judge, SoundJudge)

    def written(self, text: str) -> str:
        """A text as it is compared with what the judge heard: see ``written``, or in sounds."""
        return in_sounds(written(text, self._frontend)) if self.in_sounds else written(text, self._frontend)

    def natural(self, clip: Clip) -> Sound:
        """A natural clip, read once."""
        key = str(clip.path)
        if key not in self._naturals:
            self._naturals[key] = Sound(*clip.read(), clip.text)
        return self._naturals[key]

    def hearing(self, sound: Sound, other_text: str = "") -> Hearing | None:
        """What the judge hears, with the cost of the sound's own text and, where given, of another one.

        ``None`` where there is no judge.
        """
        if self.judge is None:
            return None
        known: Hearing | None = sound.found.get("hearing")
        if known is None or (other_text and sound.found["other text"] != other_text):
            wanted = (self.written(sound.text), *([self.written(other_text)] if other_text else []))
            heard = self.judge.listen(sound.audio, sound.sample_rate, wanted)
            transcript = heard.transcript if self.in_sounds else self.written(heard.transcript)
            known = Hearing(transcript, heard.costs)
            sound.found |= {"hearing": known, "other text": other_text}
        return known

    def dnsmos(self, sound: Sound) -> dict[str, float]:
        """DNSMOS figures by metric; empty where it is not there."""
        if self._dnsmos is None:
            return {}
        return self._kept(sound, "dnsmos", lambda: self._dnsmos(sound.audio, sound.sample_rate))

    def distillmos(self, sound: Sound) -> float | None:
        """DistillMOS, 1 to 5; ``None`` where it is not there."""
        if self._distillmos is None:
            return None
        return self._kept(sound, "distillmos", lambda: self._distillmos(sound.audio, sound.sample_rate))

    def acoustics(self, sound: Sound) -> Acoustics | None:
        """Pitch and mel-cepstra; ``None`` where WORLD is not there."""
        if self._world is None:
            return None
        return self._kept(sound, "acoustics", lambda: self._world(sound.audio, sound.sample_rate))

    def embedding(self, sound: Sound) -> np.ndarray | None:
        """Speaker embedding float32 [256]; ``None`` where the encoder is not there."""
        if self._encoder is None:
            return None
        return self._kept(sound, "embedding", lambda: self._encoder(sound.audio, sound.sample_rate))

    def loudness(self, sound: Sound) -> float:
        """Integrated loudness as it came, LUFS."""
        return self._kept(sound, "loudness", lambda: loudness(sound.raw, sound.sample_rate))

    @staticmethod
    def _kept(sound: Sound, key: str, measure: Any) -> Any:
        if key not in sound.found:
            sound.found[key] = measure()
        return sound.found[key]
