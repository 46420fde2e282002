"""A small language model of units: which follow which in the training texts, for the search with hypotheses.

Interpolated n-grams with Witten and Bell's weights (Chen and Goodman 1999, section 2.4). Judges do without it.
"""

import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from swaram.recognition.errors import RecognizerError

SPACE = 1


class LanguageModel:
    """Probabilities of units after units.

    Args:
        grams: int [n, order], every n-gram of the longest kind.
        counts: int [n], how often each was seen.
        units: how many units there are.
    """

    def __init__(self, grams: np.ndarray, counts: np.ndarray, units: int) -> None:
        self.order, self.units = int(grams.shape[1]), units
        self._grams, self._counts = grams, counts
        self._after: dict[tuple[int, ...], Counter[int]] = {}
        for gram, count in zip(grams.tolist(), counts.tolist(), strict=True):
            for length in range(self.order):
                context = tuple(gram[self.order - 1 - length : -1])
                self._after.setdefault(context, Counter())[gram[-1]] += count
        self._row = lru_cache(maxsize=50_000)(self._compute)

    @classmethod
    def of(cls, texts: Iterable[Sequence[int]], order: int, units: int) -> "LanguageModel":
        """The model of texts, each a sequence of unit numbers; before and after a text stands a space."""
        counted: Counter[tuple[int, ...]] = Counter()
        for ids in texts:
            padded = [SPACE] * (order - 1) + list(ids) + [SPACE]
            counted.update(tuple(padded[i : i + order]) for i in range(len(ids) + 1))
        grams = np.array(sorted(counted), dtype=np.int32)
        return cls(grams, np.array([counted[tuple(g)] for g in grams.tolist()], dtype=np.int32), units)

    def row(self, context: Sequence[int]) -> np.ndarray:
        """Natural logarithms of the probability of every unit after these: float32 [units]."""
        return self._row(tuple(([SPACE] * self.order + list(context))[1 - self.order :] if self.order > 1 else ()))

    def _compute(self, context: tuple[int, ...]) -> np.ndarray:
        probability = np.full(self.units, 1.0 / self.units)
        for length in range(len(context) + 1):
            seen = self._after.get(context[len(context) - length :])
            if seen is None:
                break
            total, kinds = sum(seen.values()), len(seen)
            probability *= kinds / (total + kinds)
            probability[list(seen)] += np.fromiter(seen.values(), float) / (total + kinds)
        return np.log(probability).astype(np.float32)

    def to_bytes(self) -> bytes:
        """The model as a file; ``from_bytes`` reads it."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, grams=self._grams, counts=self._counts)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, units: int, source: str) -> "LanguageModel":
        """Read a model. Raises RecognizerError where it is damaged or of other units."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                grams, counts = arrays["grams"], arrays["counts"]
            right = grams.ndim == 2 and len(grams) == len(counts) and grams.dtype.kind == counts.dtype.kind == "i"
            if not (right and len(grams) and 0 <= grams.min() <= grams.max() < units and grams.shape[1] <= 16):
                raise ValueError
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            raise RecognizerError(f"{source}: the language model is damaged; export the recogniser again.") from None
        return cls(grams, counts, units)
