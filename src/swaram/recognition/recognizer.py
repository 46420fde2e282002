"""The recogniser that is used: ONNX and NumPy, recordings of any length and rate, words with their times."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from swaram.audio.decode import Decoder
from swaram.recognition.beam import SearchSettings, search
from swaram.recognition.decoding import Heard, ctc_cost, greedy_path, words_of
from swaram.recognition.errors import RecognizerError
from swaram.recognition.features import FeatureSettings, at_rate, spectra
from swaram.recognition.language_model import LanguageModel
from swaram.recognition.package import LANGUAGE_MODEL, MODEL, Manifest, read_file, read_manifest
from swaram.recognition.units import UnitTable

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WINDOW_SECONDS = 20.0
# A long recording is heard in stretches, so that memory does not grow with it: each ends at the quietest moment of its
# last part.
STRETCH_SECONDS, CUT_SECONDS = 180.0, 40.0
_QUIET_SECONDS = 0.3


@dataclass(frozen=True)
class Word:
    """One word, when it was heard (seconds from the beginning of the recording), and how surely.

    ``confidence``: the geometric mean of the probabilities, 0..1, that the network gave to the sounds of the word
    where they were heard. It ranks words; it is not the share of words that are right.
    """

    text: str
    start: float
    end: float
    confidence: float = 1.0


@dataclass(frozen=True)
class Transcript:
    """What was heard: ``text`` is the words with a space between each two."""

    text: str
    words: list[Word] = field(default_factory=list)


class Recognizer:
    """Speech of one language to text, with a package that ``Recognizer.load`` opened.

    ``symbols``: what the columns of ``log_probabilities`` stand for, the CTC blank first; for scripts with unwritten
    vowels these are sounds rather than letters, so use ``encode`` and ``decode`` between them and text.
    ``frame_seconds``: seconds from row to row. Calls may come from several threads at once.
    """

    def __init__(
        self,
        manifest: Manifest,
        features: FeatureSettings,
        model: bytes,
        source: str,
        threads: int = 1,
        language_model: LanguageModel | None = None,
    ) -> None:
        self.manifest, self.features, self.source = manifest, features, source
        self.language = manifest.language
        self.table = UnitTable(manifest.language, manifest.units)
        self.symbols = list(manifest.units)
        self.frame_seconds = features.frame_seconds * manifest.stride
        self.language_model = language_model
        self._session = _session(model, source, threads)

    @classmethod
    def load(cls, folder: str | Path, threads: int = 1) -> "Recognizer":
        """Open a folder. Raises RecognizerError where something in it is missing, damaged or of another format."""
        folder = Path(folder)
        manifest, features = read_manifest(folder)
        language = None
        if LANGUAGE_MODEL in manifest.files:
            content = read_file(folder, manifest, LANGUAGE_MODEL)
            language = LanguageModel.from_bytes(content, len(manifest.units), str(folder))
        return cls(manifest, features, read_file(folder, manifest, MODEL), str(folder), threads, language)

    def log_probabilities(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """``audio``: float32 [samples], mono, -1..1, at ``sample_rate`` Hz -> float32 [frames, symbols].

        Natural logarithms; row i is about the time i * frame_seconds. Long recordings go through the model in windows
        that overlap by all it can see, so that the rows are those of one pass.
        """
        stride, reach = self.manifest.stride, self.manifest.reach
        mel = spectra(at_rate(audio, sample_rate, self.features), self.features)
        if not len(mel):
            return np.zeros((0, len(self.symbols)), dtype=np.float32)
        mel = np.pad(mel, ((0, -len(mel) % stride), (0, 0)), mode="edge")
        frames, window = len(mel) // stride, round(WINDOW_SECONDS / self.frame_seconds)
        parts = []
        for start in range(0, frames, window):
            end = min(start + window, frames)
            first, last = max(0, start - reach), min(frames, end + reach)
            (out,) = self._session.run(None, {"mel": mel[None, first * stride : last * stride]})
            parts.append(out[0, start - first : end - first])
        return np.concatenate(parts)

    def transcribe(
        self, audio: np.ndarray | str | Path | bytes, sample_rate: int | None = None, beam: int | None = None
    ) -> Transcript:
        """What is said: by the likeliest symbol of each frame, or by a search of ``beam`` hypotheses.

        ``audio``: the path of a recording or its bytes, of any format and length; or samples as in
        ``log_probabilities``, with their ``sample_rate`` in Hz. Word times are those of the symbols, a frame wider at
        both ends, never overlapping, within the recording. Raises AudioError for a file that cannot be decoded.
        """
        if isinstance(audio, str | Path | bytes):
            return self.hear(Decoder(audio, self.features.sample_rate).pieces(), beam)
        if sample_rate is None:
            raise RecognizerError("Samples alone do not say how fast they are; give their sample_rate in Hz.")
        return self.hear([at_rate(audio, sample_rate, self.features)], beam)

    def hear(self, pieces: Iterable[np.ndarray], beam: int | None = None) -> Transcript:
        """As ``transcribe``, of a recording that comes in pieces, in memory that does not grow with its length.

        ``pieces``: float32 [n] each, any n, mono, -1..1, at ``features.sample_rate`` Hz.
        """
        words = [word for heard in self.listen(pieces, beam) for word in heard]
        return Transcript(" ".join(word.text for word in words), words)

    def listen(self, pieces: Iterable[np.ndarray], beam: int | None = None) -> Iterator[list[Word]]:
        """As ``hear``, giving the words of each stretch of the recording as soon as they are known."""
        for start, audio in _stretches(pieces, self.features.sample_rate):
            yield [
                Word(w.text, round(start + w.start, 3), round(start + w.end, 3), w.confidence)
                for w in self._words(audio, beam)
            ]

    def _words(self, audio: np.ndarray, beam: int | None) -> list[Word]:
        sample_rate = self.features.sample_rate
        probabilities = self.log_probabilities(audio, sample_rate)
        path = greedy_path(probabilities) if beam is None else self._search(probabilities, beam)
        words: list[Word] = []
        duration = len(audio) / sample_rate
        groups = words_of(path, self.frame_seconds)
        for number, group in enumerate(groups):
            before = groups[number - 1][-1].end * self.frame_seconds if number else 0.0
            after = groups[number + 1][0].start * self.frame_seconds if number + 1 < len(groups) else duration
            first, last = group[0].start * self.frame_seconds, group[-1].end * self.frame_seconds
            # Two neighbours share the gap between them.
            start = max(first - self.frame_seconds, (first + before) / 2, 0.0)
            end = min(last + self.frame_seconds, (last + after) / 2, duration)
            text = self.decode([heard.unit for heard in group])
            words.append(Word(text, round(min(start, end), 3), round(end, 3), _confidence(probabilities, group)))
        return words

    def encode(self, text: str) -> list[int]:
        """Symbol numbers of a normalised text; punctuation and what is not of the language is left out."""
        return self.table.encode(text)

    def decode(self, numbers: list[int]) -> str:
        """The text of symbol numbers; blanks are left out, repeats are not merged."""
        return self.table.decode(numbers)

    def cost(self, log_probabilities: np.ndarray, text: str) -> float:
        """How surprising it would be to hear ``text`` there: the CTC cost in nats for each symbol of the text."""
        ids = self.encode(text)
        return ctc_cost(log_probabilities, ids) / max(1, len(ids))

    def _search(self, probabilities: np.ndarray, beam: int) -> list[Heard]:
        if self.language_model is None:
            raise RecognizerError(f"{self.source} holds no language model; leave out the beam.")
        settings = SearchSettings(**self.manifest.search)
        return search(probabilities, self.frame_seconds, beam, self.language_model, settings)


def _confidence(log_probabilities: np.ndarray, word: list[Heard]) -> float:
    peaks = [log_probabilities[h.start : max(h.end, h.start + 1), h.unit].max() for h in word]
    return round(float(np.exp(np.mean(peaks))), 3)


def _stretches(pieces: Iterable[np.ndarray], sample_rate: int) -> Iterator[tuple[float, np.ndarray]]:
    """Where each stretch begins, in seconds, and its samples: float32 [n], cut where it is quietest."""
    longest = round(STRETCH_SECONDS * sample_rate)
    held: list[np.ndarray] = []
    size, begun = 0, 0

    for piece in pieces:
        held.append(np.asarray(piece, dtype=np.float32))
        size += len(piece)
        while size > longest:
            audio = np.concatenate(held)
            cut = quietest(audio, longest - round(CUT_SECONDS * sample_rate), longest, sample_rate)
            yield begun / sample_rate, audio[:cut]
            held = [audio[cut:].copy()]
            begun, size = begun + cut, size - cut
    if size:
        yield begun / sample_rate, np.concatenate(held)


def quietest(audio: np.ndarray, first: int, last: int, sample_rate: int) -> int:
    """The middle of the quietest 0.3 s between two samples of float32 [samples] at ``sample_rate`` Hz."""
    block = sample_rate // 100
    count = (last - first) // block
    power = (audio[first : first + count * block].reshape(count, block) ** 2).mean(1)
    width = max(1, round(_QUIET_SECONDS * 100))
    smooth = np.convolve(power, np.ones(width) / width, mode="valid")
    return first + (int(smooth.argmin()) + width // 2) * block


def _session(model: bytes, source: str, threads: int) -> "InferenceSession":
    from swaram.runtime.session import open_session

    try:
        session = open_session(model, threads, fold_constants=False)
    except Exception as error:
        raise RecognizerError(f"{source}: {MODEL} cannot be loaded by onnxruntime; export it again.") from error
    if [node.name for node in session.get_inputs()] != ["mel"] or len(session.get_outputs()) != 1:
        raise RecognizerError(f"{source}: {MODEL} is not a recogniser's model; export it again.")
    return session
