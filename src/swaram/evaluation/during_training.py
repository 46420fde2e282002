"""The voice that is being learnt, evaluated on a small fixed set: the same metrics, as scalars for TensorBoard.

Training stands before evaluation and does not import it: ``cli.train`` hands what ``make_listener`` returns to it,
and the training loop calls that after its validations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swaram.errors import SwaramError
from swaram.extras import install_command

if TYPE_CHECKING:
    import numpy as np

    from swaram.config.config import Config
    from swaram.evaluation.instruments import Instruments
    from swaram.evaluation.test_set import TestSet
    from swaram.prepare.manifest import Clip
    from swaram.training.logger import Logger
    from swaram.training.trainer import Trainer

    # Text and the corpus's speaker -> audio float32 [samples], -1..1, mono, and its rate in Hz.
    Synthesise = Callable[[str, str], tuple[np.ndarray, int]]

SENTENCES = 8


def fixed_set(test_set: "TestSet", speakers: list[str], number: int = SENTENCES) -> list["Clip"]:
    """So many clips of different sentences by speakers that the voice knows, spread over the split."""
    first: dict[str, Clip] = {}
    for clip in sorted(test_set.clips, key=lambda clip: clip.path.name):
        if clip.speaker in speakers:
            first.setdefault(clip.key, clip)
    clips = list(first.values())
    return clips[:: max(1, len(clips) // number)][:number]


def scalars(synthesise: "Synthesise", clips: list["Clip"], instruments: "Instruments") -> dict[str, float]:
    """Metrics by name, means over the clips; ``<name>_natural`` is that of the recordings.

    Character error rate, CTC cost, closeness to the recordings and similarity to their speaker, each where its
    instrument is there.
    """
    from swaram.evaluation.instruments import Sound
    from swaram.evaluation.intelligibility import align
    from swaram.evaluation.mel_cepstral import closeness
    from swaram.evaluation.speaker_similarity import similarity

    values: dict[str, list[float]] = {}
    edits = {"cer": 0, "cer_natural": 0}
    characters = 0
    for clip in clips:
        natural = instruments.natural(clip)
        synthetic = Sound(*synthesise(clip.text, clip.speaker), clip.text)
        intended = instruments.written(clip.text)
        characters += len(intended)
        for suffix, sound in (("", synthetic), ("_natural", natural)):
            hearing = instruments.hearing(sound)
            if hearing is not None:
                edits[f"cer{suffix}"] += align(intended, hearing.transcript).edits
                if hearing.costs:
                    values.setdefault(f"ctc_cost{suffix}", []).append(hearing.costs[0])
        own, spoken = instruments.acoustics(natural), instruments.acoustics(synthetic)
        if own is not None and spoken is not None:
            for name, value in closeness(own, spoken).items():
                values.setdefault(name, []).append(value)
        who, seeming = instruments.embedding(natural), instruments.embedding(synthetic)
        if who is not None and seeming is not None:
            values.setdefault("speaker_similarity", []).append(similarity(who, seeming))
    means = {name: sum(finite) / len(finite) for name, row in values.items() if (finite := [v for v in row if v == v])}
    if instruments.judge is not None and characters:
        means |= {name: count / characters for name, count in edits.items()}
    return means


@dataclass
class Listener:
    """Called by the training loop after each validation; evaluates when ``every`` steps have passed."""

    every: int
    clips: list["Clip"]
    instruments: "Instruments"
    due: int = 0

    def __call__(self, trainer: "Trainer", logger: "Logger") -> None:
        """Write ``evaluation/<metric>`` to the logger. What fails here is said, and never ends a training."""
        step = trainer.progress.step
        if step < self.due:
            return
        self.due = (step // self.every + 1) * self.every
        clips = [clip for clip in self.clips if clip.speaker in trainer.speakers]
        try:
            values = scalars(_speaking(trainer), clips, self.instruments)
        except Exception as error:  # days of training are worth more than a figure
            logger.info(f"evaluation left out: {error if isinstance(error, SwaramError) else type(error).__name__}")
            return
        logger.scalars(step, values, "evaluation")
        logger.info("evaluation  " + "  ".join(f"{name} {value:.3f}" for name, value in values.items()))


def _speaking(trainer: "Trainer") -> "Synthesise":
    from swaram.training.validation import speak

    def synthesise(text: str, speaker: str) -> "tuple[np.ndarray, int]":
        ids = trainer.symbols.encode(text)
        said = speak(trainer.average.module, trainer.spectra, ids, text, trainer.speakers.index(speaker))
        return said.audio, trainer.config.data.sample_rate

    return synthesise


def make_listener(config: "Config", every: int) -> Listener:
    """A listener for a training of this configuration, on its validation split.

    Raises SwaramError where that split cannot be read, or a package that every evaluation needs is missing.
    """
    from swaram.evaluation.errors import EvaluationError

    try:
        from swaram.evaluation.instruments import Instruments
        from swaram.evaluation.test_set import read_test_set

        instruments = Instruments(config.data.languages[0])
    except ImportError as error:
        raise EvaluationError(f"Evaluation needs {error.name}; {install_command('evaluate')}.") from None
    folder = Path(config.data.validation_files).parent
    test_set = read_test_set(folder, config.data.languages[0], "val")
    known = sorted({clip.speaker for clip in test_set.clips} & set(test_set.others))
    return Listener(every, fixed_set(test_set, known), instruments)
