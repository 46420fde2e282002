"""Judges: what listens to speech and writes down what it heard.

The project's recogniser is the usual one; it listens greedily and without a language model, so that it hears sounds
and not sentences it knows. Any ``transformers`` pipeline or any command can stand in for it.
"""

import os
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from swaram.audio.files import encode_audio
from swaram.evaluation.errors import EvaluationError, NotMeasured
from swaram.languages import get_language

COMMAND_SECONDS = 300
# Nats a symbol at which a clip's cost is cut: with fewer frames than symbols it would be infinite.
MOST_COST = 20.0


@dataclass(frozen=True)
class Hearing:
    """What a judge made of one clip.

    ``costs``: for each of the texts that were asked about, nats a symbol that it would take to hear
    them there (the CTC cost), at most ``MOST_COST``; ``None`` for judges that give no probabilities.
    """

    transcript: str
    costs: tuple[float, ...] | None = None


class Judge(Protocol):
    """Listens to one clip. ``description``: what the report says of it: kind, name, version."""

    description: dict[str, Any]

    def listen(self, audio: np.ndarray, sample_rate: int, texts: tuple[str, ...] = ()) -> Hearing:
        """``audio``: float32 [samples], -1..1, mono; ``texts``: those whose cost is wanted."""
        ...


class RecognizerJudge:
    """The project's recogniser."""

    def __init__(self, folder: str | Path) -> None:
        from swaram.recognition import Recognizer
        from swaram.recognition.decoding import greedy_path

        self._recognizer, self._path = Recognizer.load(folder), greedy_path
        self.description = {"kind": "recognizer", "name": Path(folder).name, **_checksum(Path(folder))}

    def listen(self, audio: np.ndarray, sample_rate: int, texts: tuple[str, ...] = ()) -> Hearing:
        """Greedy transcript, and the costs of the texts, from one pass."""
        scores = self._recognizer.log_probabilities(audio, sample_rate)
        heard = self._recognizer.decode([place.unit for place in self._path(scores)])
        costs = (min(MOST_COST, self._recognizer.cost(scores, text)) for text in texts)
        return Hearing(" ".join(heard.split()), tuple(costs))


class SoundJudge:
    """A recogniser of another language, heard as coarse sounds (``sounds.in_sounds``): for ratios only.

    Its transcripts are in sounds already, to be compared with texts in sounds.
    """

    def __init__(self, folder: str | Path) -> None:
        from swaram.alignment.sounds import in_sounds

        self._judge, self._in_sounds = RecognizerJudge(folder), in_sounds
        self.description = self._judge.description | {"kind": "sounds"}

    def listen(self, audio: np.ndarray, sample_rate: int, texts: tuple[str, ...] = ()) -> Hearing:
        """Greedy transcript in sounds; no costs, for the texts are not of its language."""
        return Hearing(self._in_sounds(self._judge.listen(audio, sample_rate).transcript))


class TransformersJudge:
    """An automatic-speech-recognition pipeline of ``transformers``, by the name or folder of its model."""

    def __init__(self, model: str) -> None:
        try:
            import transformers
        except ImportError:
            raise EvaluationError("A transformers judge needs the package; pip install transformers.") from None
        try:
            self._pipeline: Any = transformers.pipeline("automatic-speech-recognition", model=model)
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise EvaluationError(f"{model}: transformers cannot load it as speech recognition ({reason}).") from None
        self.description = {"kind": "transformers", "name": model, "version": transformers.__version__}

    def listen(self, audio: np.ndarray, sample_rate: int, texts: tuple[str, ...] = ()) -> Hearing:
        """The pipeline's text."""
        return Hearing(str(self._pipeline({"raw": audio, "sampling_rate": sample_rate})["text"]))


class CommandJudge:
    """A command that gets a WAV file's path, in place of ``{}`` or as its last argument, and prints the text."""

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise EvaluationError(f"The judge's command {command!r} cannot be read: {error}.") from None
        if not self._words:
            raise EvaluationError("The judge's command is empty; name one after command:.")
        self.description = {"kind": "command", "name": self._words[0]}

    def listen(self, audio: np.ndarray, sample_rate: int, texts: tuple[str, ...] = ()) -> Hearing:
        """What the command prints. Raises EvaluationError when it cannot be run, fails, or takes five minutes."""
        name = self._words[0]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "clip.wav")
            Path(path).write_bytes(encode_audio(audio, sample_rate, "wav"))
            words = [word.replace("{}", path) for word in self._words]
            words += [] if words != self._words else [path]
            try:
                done = subprocess.run(words, capture_output=True, timeout=COMMAND_SECONDS, stdin=subprocess.DEVNULL)
            except FileNotFoundError:
                raise EvaluationError(f"The judge's command {name} was not found; give its path.") from None
            except OSError as error:
                raise EvaluationError(f"The judge's command {name} cannot be run ({error.strerror}).") from None
            except subprocess.TimeoutExpired:
                raise EvaluationError(f"The judge's command {name} took more than {COMMAND_SECONDS} s.") from None
        if done.returncode:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            said = f": {lines[-1][:200].rstrip('.')}" if lines else ""
            raise EvaluationError(f"The judge's command {name} ended with status {done.returncode}{said}.")
        return Hearing(done.stdout.decode("utf-8", "replace").strip())


def open_judge(wanted: str | None, language: str) -> Judge:
    """``transformers:MODEL``, ``command:COMMAND``, a recogniser's folder, or the language's own recogniser.

    Where there is none for a language, and its script is of the Brahmi family: the first one of such a language, heard
    as sounds. Raises SwaramError where the one that is named cannot be used, NotMeasured where the language has none.
    """
    if wanted and wanted.startswith("transformers:"):
        return TransformersJudge(wanted.partition(":")[2])
    if wanted and wanted.startswith("command:"):
        return CommandJudge(wanted.partition(":")[2])
    if wanted:
        return RecognizerJudge(wanted)
    from swaram.recognition.errors import RecognizerError
    from swaram.recognition.package import find_recognizer, list_recognizers

    try:
        others = [folder for code, folder in sorted(list_recognizers().items()) if _in_family(code)]
        if others and _in_family(language) and language not in list_recognizers():
            return SoundJudge(others[0])
        return RecognizerJudge(find_recognizer(language))
    except RecognizerError as error:
        raise NotMeasured(f"{str(error).rstrip('.')}, or name another judge with --judge") from None


def _in_family(language: str) -> bool:
    from swaram.alignment.sounds import has_sounds

    return has_sounds(chr(get_language(language).script.ranges[0][0]))


def _checksum(folder: Path) -> dict[str, str]:
    import hashlib

    models = sorted(folder.glob("*.onnx"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in models}
