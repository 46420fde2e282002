"""Character error rates with their uncertainty, and the characters that are taken for each other."""

from collections import Counter
from collections.abc import Sequence

import numpy as np


def edits(reference: str, heard: str) -> tuple[int, list[tuple[str, str]]]:
    """Levenshtein distance of two texts, and one best alignment.

    The alignment holds (character of the reference, character heard); an empty string stands for what is missing.
    """
    n, m = len(reference), len(heard)
    cost = np.zeros((n + 1, m + 1), dtype=np.int32)
    cost[:, 0], cost[0, :] = np.arange(n + 1), np.arange(m + 1)
    places = np.arange(m + 1)
    letters = np.array(list(heard), dtype=object)
    for i in range(1, n + 1):
        differs = (letters != reference[i - 1]).astype(np.int32) if m else np.zeros(0, dtype=np.int32)
        row = cost[i - 1] + 1
        row[1:] = np.minimum(row[1:], cost[i - 1, :-1] + differs)
        cost[i] = np.minimum.accumulate(row - places) + places  # what insertions give, all at once
    pairs = []
    i, j = n, m
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (reference[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((reference[i], heard[j]))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            pairs.append((reference[i], ""))
        else:
            j -= 1
            pairs.append(("", heard[j]))
    return int(cost[n, m]), pairs[::-1]


def error_rate(references: Sequence[str], heard: Sequence[str]) -> float:
    """Edits over characters of the references, spaces counted; 0 for no characters at all."""
    wrong = sum(edits(a, b)[0] for a, b in zip(references, heard, strict=True))
    return wrong / max(1, sum(map(len, references)))


def interval(
    wrong: Sequence[float],
    characters: Sequence[float],
    groups: Sequence[str] | None = None,
    draws: int = 2000,
    seed: int = 1,
) -> tuple[float, float]:
    """The 95 % interval of sum(wrong) / sum(characters) by bootstrap.

    ``groups``: what is drawn together, such as the sentence of each clip: readings of one sentence share its errors.
    Each clip by itself where there are none.
    """
    names = list(groups) if groups is not None else [str(i) for i in range(len(wrong))]
    totals: dict[str, np.ndarray] = {}
    for name, w, c in zip(names, wrong, characters, strict=True):
        totals[name] = totals.get(name, np.zeros(2)) + np.array([w, c])
    table = np.array(list(totals.values()))
    picks = np.random.default_rng(seed).integers(len(table), size=(draws, len(table)))
    sums = table[picks].sum(1)
    low, high = np.percentile(sums[:, 0] / np.maximum(sums[:, 1], 1), [2.5, 97.5])
    return float(low), float(high)


def confusions(references: Sequence[str], heard: Sequence[str]) -> Counter[tuple[str, str]]:
    """How often a character was taken for another, left out ("" second) or put in ("" first)."""
    found: Counter[tuple[str, str]] = Counter()
    for reference, text in zip(references, heard, strict=True):
        found.update(pair for pair in edits(reference, text)[1] if pair[0] != pair[1])
    return found
