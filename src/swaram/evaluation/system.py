"""What is evaluated: a voice package, or a training checkpoint exported into a passing one."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swaram.evaluation.errors import EvaluationError
from swaram.evaluation.test_set import read_facts
from swaram.extras import install_command
from swaram.voice.engine import Engine
from swaram.voice.library import find_voice
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice


@dataclass(frozen=True)
class Scales:
    """Inference settings; the voice's own where ``None``."""

    noise_scale: float | None = None
    length_scale: float | None = None
    duration_noise_scale: float | None = None


@dataclass(frozen=True)
class Synthesis:
    """``audio``: float32 [samples], -1..1, mono, at ``sample_rate`` Hz, without the silence that fills a last block.

    ``first_audio`` and ``seconds_computed``: seconds until the first window, and until the last.
    """

    audio: np.ndarray
    sample_rate: int
    first_audio: float
    seconds_computed: float

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.audio) / self.sample_rate


@dataclass(frozen=True)
class Subject:
    """A voice that speaks with fixed settings. ``language``: of those that it reads, the one that is evaluated."""

    engine: Engine
    facts: dict[str, Any]
    scales: Scales
    seed: int
    name: str
    language: str

    @property
    def voice(self) -> Voice:
        """The opened voice."""
        return self.engine.voice

    @property
    def speakers(self) -> list[str]:
        """Names of the speakers it offers; empty for a voice with one, unlisted speaker."""
        return [speaker.name for speaker in self.voice.manifest.speakers]

    def speak(self, text: str, speaker: str = "") -> Synthesis:
        """Synthesise a text, window by window, as a listener would get it. Raises SwaramError."""
        inference = self.voice.manifest.inference
        length_scale = self.scales.length_scale or inference.length_scale
        request = SpeechRequest(
            text,
            speaker=speaker or None,
            language=self.language,
            seed=self.seed,
            speed=inference.length_scale / length_scale,
            noise_scale=self.scales.noise_scale,
            duration_noise_scale=self.scales.duration_noise_scale,
        )
        begun = time.perf_counter()
        first = 0.0
        windows = []
        for window in self.engine.stream(request):
            first = first or time.perf_counter() - begun
            windows.append(window.samples)
        took = time.perf_counter() - begun
        audio = np.trim_zeros(np.concatenate(windows), "b")
        return Synthesis(audio, self.voice.sample_rate, first, took)

    def describe(self) -> dict[str, Any]:
        """Name, what the manifest says of the training, scales in use, checksums of the models."""
        manifest = self.voice.manifest
        own = manifest.inference.model_dump()
        asked = {name: value for name, value in vars(self.scales).items() if value is not None}
        return {
            "name": self.name,
            "voice": manifest.name,
            "language": self.language,
            "sample_rate": manifest.sample_rate,
            "training": manifest.training,
            "scales": {**own, **asked},
            "seed": self.seed,
            "sha256": {name: entry.sha256 for name, entry in manifest.files.items() if name.endswith(".onnx")},
        }


def open_subject(
    path: str,
    facts: Path | None = None,
    scales: Scales | None = None,
    seed: int = 0,
    say: Callable[[str], None] = print,
    language: str | None = None,
) -> Subject:
    """Open a voice by path or name, or a checkpoint or training directory; ``language``: by default its first one.

    Raises SwaramError.
    """
    folder = Path(path)
    scales = scales or Scales()
    if scales.length_scale is not None and not 0.25 <= scales.length_scale <= 4:
        raise EvaluationError(f"--length-scale must be between 0.25 and 4, not {scales.length_scale:g}.")
    if (folder / "state.json").is_file() or (folder.is_dir() and any(folder.glob("step-*/state.json"))):
        known = read_facts(facts)
        say(f"exporting {path}")
        voice, name = _exported(folder, known)
    else:
        voice = find_voice(path)
        known = read_facts(facts or _facts_beside(voice.manifest.name))
        name = folder.name if folder.exists() else path
    return Subject(Engine(voice), known, scales, seed, name, voice.find_language(language))


def _facts_beside(name: str) -> Path | None:
    """``configs/voices/<name>.json``, from which the voices of this repository are exported, where it is there."""
    for home in (Path("."), Path(__file__).resolve().parents[3]):
        path = home / "configs" / "voices" / f"{Path(name).name}.json"
        if path.is_file():
            return path
    return None


def _exported(folder: Path, facts: dict[str, Any]) -> tuple[Voice, str]:
    try:
        from swaram.export.voice import OfferedSpeaker, VoiceFacts, export_voice
        from swaram.training.checkpoints import find_checkpoint
    except ImportError as error:
        raise EvaluationError(f"A checkpoint needs {error.name}; {install_command('train')}.") from None
    checkpoint = find_checkpoint(folder)
    speakers = [
        OfferedSpeaker(speaker["corpus_id"], speaker["name"], pitch=speaker.get("pitch", 0.0))
        for speaker in facts.get("speakers", [])
    ]
    known = VoiceFacts(
        checkpoint.name,
        speakers,
        inference=facts.get("inference", {}),
        half=False,
        pitch_range=facts.get("pitch_range", 1.0),
    )
    with tempfile.TemporaryDirectory() as place:
        export_voice(checkpoint, Path(place) / "voice", known)
        return Voice.open(Path(place) / "voice"), checkpoint.name
