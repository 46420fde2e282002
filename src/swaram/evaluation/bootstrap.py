"""Means with bootstrap intervals, resampled over sentences.

Readings of one sentence share its difficulty, so they are drawn together: an interval over single clips would be too
narrow. All estimates of one scope use the same draws, so ratios and differences are paired.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

POOLED, ANYONE = "all", "*"


@dataclass(frozen=True)
class Observation:
    """One measured value.

    ``side``: ``natural``, ``synthetic`` or ``scale`` (what the metric gives for something else known, see
    ``metrics``). ``speaker``: the voice's speaker it counts for, or ``ANYONE`` for all of them. ``weight``: such as
    the number of characters, where the mean is one of characters.
    """

    metric: str
    side: str
    speaker: str
    sentence: str
    value: float
    weight: float = 1.0


@dataclass(frozen=True)
class Estimate:
    """A weighted mean with its 95 % interval (NaN for one sentence); ``count`` observations of ``sentences``."""

    value: float
    low: float
    high: float
    count: int
    sentences: int

    def to_dict(self) -> dict[str, Any]:
        """For ``metrics.json``: what is not finite becomes ``None``."""
        return {k: (None if isinstance(v, float) and not np.isfinite(v) else v) for k, v in asdict(self).items()}


class Bootstrap:
    """Estimates of one scope from its observations; the same seed gives the same intervals."""

    def __init__(self, observations: Iterable[Observation], draws: int = 2000, seed: int = 0) -> None:
        self._observations = [o for o in observations if np.isfinite(o.value)]
        self._sentences = sorted({o.sentence for o in self._observations})
        self._place = {sentence: i for i, sentence in enumerate(self._sentences)}
        size = len(self._sentences)
        generator = np.random.default_rng(seed)
        picks = generator.integers(size, size=(draws, size)) if size else np.zeros((draws, 0), np.int64)
        # How often each draw holds each sentence: float64 [draws, sentences].
        self._times = np.stack([np.bincount(row, minlength=size) for row in picks]).astype(np.float64)

    def _sums(self, metric: str, side: str) -> tuple[np.ndarray, np.ndarray, int, int]:
        """Weighted sums and weights of each sentence: float64 [sentences] both."""
        total, weight = np.zeros(len(self._sentences)), np.zeros(len(self._sentences))
        chosen = [o for o in self._observations if o.metric == metric and o.side == side]
        for o in chosen:
            total[self._place[o.sentence]] += o.value * o.weight
            weight[self._place[o.sentence]] += o.weight
        return total, weight, len(chosen), len({o.sentence for o in chosen})

    def _drawn(self, metric: str, side: str) -> tuple[float, np.ndarray, int, int]:
        total, weight, count, sentences = self._sums(metric, side)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(np.divide(total.sum(), weight.sum()))
            return value, (self._times @ total) / (self._times @ weight), count, sentences

    def mean(self, metric: str, side: str) -> Estimate | None:
        """The weighted mean; ``None`` where nothing was observed."""
        value, drawn, count, sentences = self._drawn(metric, side)
        return _estimate(value, drawn, count, sentences) if count else None

    def ratio(self, metric: str, above: str, below: str) -> Estimate | None:
        """The mean of one side divided by that of another."""
        return self._pair(metric, above, below, np.divide)

    def difference(self, metric: str, side: str, less: str) -> Estimate | None:
        """The mean of one side less that of another."""
        return self._pair(metric, side, less, np.subtract)

    def _pair(self, metric: str, first: str, second: str, operation: np.ufunc) -> Estimate | None:
        a, b = self._drawn(metric, first), self._drawn(metric, second)
        if not (a[2] and b[2]):
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return _estimate(float(operation(a[0], b[0])), operation(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))


def _estimate(value: float, drawn: np.ndarray, count: int, sentences: int) -> Estimate:
    finite = drawn[np.isfinite(drawn)]
    low, high = np.percentile(finite, [2.5, 97.5]) if len(finite) and sentences > 1 else (np.nan, np.nan)
    return Estimate(value, float(low), float(high), count, sentences)


def of_scope(observations: Sequence[Observation], scope: str) -> list[Observation]:
    """What counts for a speaker of the voice, or for all of them (``POOLED``)."""
    return [o for o in observations if scope == POOLED or o.speaker in (scope, ANYONE)]


def share(mean: Estimate) -> Estimate:
    """The same share of yes and no with Wilson's score interval, by the number of sentences.

    A bootstrap of eight texts without a fault would be certain that there never is one.
    """
    n, p, z = mean.sentences, mean.value, 1.96
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return replace(mean, low=float(max(0.0, centre - reach)), high=float(min(1.0, centre + reach)))
