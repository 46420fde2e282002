"""One recording with its text: the models that ship, brought to its voice, find every word."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from swaram.alignment.aligner import Aligner, Listening, TimedWord
from swaram.alignment.features import RATE
from swaram.alignment.longform import align_long
from swaram.alignment.models import Spoken, adapt, seed_models
from swaram.alignment.pieces import NOT_WRITTEN, Limits
from swaram.alignment.words import Word

LEARNING_SECONDS = 600.0  # of a recording, from which the models learn its voice
LEAST_SECONDS = 15.0
_WHOLE = Limits(least=0.5, most=12.0)


@dataclass(frozen=True)
class AlignedRecording:
    """``words`` in order, those that are not spoken with ``found`` False; ``extra``: speech that the text does not
    hold, (start, end); ``doubtful``: stretches whose text is not what is heard, (start, end, reason). All in seconds,
    as ``seconds``, the length of the recording."""

    words: list[TimedWord]
    extra: list[tuple[float, float]]
    doubtful: list[tuple[float, float, str]]
    seconds: float


def align_recording(audio: Callable[[], Iterable[np.ndarray]], words: list[Word]) -> AlignedRecording:
    """Align a recording of any length with its text, in two passes and in memory that does not grow with it.

    ``audio`` is called once for each pass and gives float32 [n] arrays, mono, -1..1, at 16,000 Hz.
    """
    seed = Aligner(seed_models())
    learned = _learned(audio(), words, seed)
    aligner = Aligner(adapt(learned, seed_models())) if learned else seed
    timed: list[TimedWord] = []
    extra, doubtful = [], []
    seconds = 0.0
    for part in align_long(audio(), words, aligner, _WHOLE):
        timed += part.words
        for piece in part.pieces:
            seconds = max(seconds, piece.end)
            if piece.reason == NOT_WRITTEN and piece.last == piece.first:
                extra.append((round(piece.start, 3), round(piece.end, 3)))
            elif piece.reason and piece.end > piece.start:
                doubtful.append((round(piece.start, 3), round(piece.end, 3), piece.reason))
    timed += [TimedWord(word, seconds, seconds, found=False) for word in words[len(timed) :]]
    return AlignedRecording(timed, extra, doubtful, seconds)


def _learned(audio: Iterable[np.ndarray], words: list[Word], aligner: Aligner) -> list[Spoken]:
    held: list[np.ndarray] = []
    begun = 0

    def kept() -> Iterable[np.ndarray]:
        for part in audio:
            held.append(part)
            yield part

    spoken: list[Spoken] = []
    seconds = 0.0
    for part in align_long(kept(), words, aligner, _WHOLE):
        sound = np.concatenate(held)
        for piece in part.pieces:
            first, last = round(piece.start * RATE) - begun, round(piece.end * RATE) - begun
            if not piece.reason and piece.last > piece.first:
                heard = Listening.to(sound[first:last])
                spoken.append(Spoken(heard.features, heard.level, words[piece.first : piece.last]))
                seconds += piece.end - piece.start
        done = round(part.pieces[-1].end * RATE) - begun
        held[:] = [sound[done:].copy()]
        begun += done
        if seconds > LEARNING_SECONDS:
            break
    return spoken if seconds >= LEAST_SECONDS else []
