"""Marks: when each word, symbol and character of the user's text is heard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from swaram.voice.models import Latent
from swaram.voice.reader import Passage, TextMap
from swaram.voice.voice import Voice


@dataclass(frozen=True)
class Mark:
    """``kind``: "word", "symbol" or "character"; ``start`` and ``end``: characters of the user's text (end exclusive);
    ``start_sample`` and ``end_sample``: where it is heard, counted from the beginning of the speech."""

    kind: str
    start: int
    end: int
    start_sample: int
    end_sample: int


def marks_of(
    voice: Voice,
    passage: Passage,
    latent: Latent,
    text_map: TextMap,
    start_sample: int,
    symbols: bool = False,
) -> Iterator[Mark]:
    """Marks of a passage whose first sample is ``start_sample``: its words, or its symbols."""
    table = voice.symbols
    stride, first = 2 if table.blank else 1, int(table.blank and table.edges)
    # Frame at which each id begins, and at which the last one ends.
    edges = np.concatenate([[0], np.cumsum(latent.durations)])

    def sample(position: int, after: int) -> int:
        place = first + stride * (position + (1 if table.bos else 0)) + after
        return start_sample + int(edges[min(place, len(edges) - 1)]) * voice.hop_length

    for start, end in passage.words():
        spans = [(i, i + 1) for i in range(start, end)] if symbols else [(start, end)]
        for low, high in spans:
            origins = passage.origins[low:high]
            where = (origins[0], origins[0] + 1) if symbols else text_map.span(origins)
            yield Mark("symbol" if symbols else "word", *where, sample(low, 0), sample(high - 1, 1))


def characters_of(words: Sequence[Mark], symbols: Sequence[Mark], start: int, end: int, last_sample: int) -> list[Mark]:
    """One mark for each code point of the user's text from ``start`` to ``end``, each where the one before it ends.

    ``words`` and ``symbols``: all marks of a passage that covers this text and is heard until ``last_sample``. A code
    point that no sound came from (a joiner, most digits of a number) shares the time between its neighbours.
    """
    begins = np.full(end - start, np.nan)

    def begin(place: int, sample: int) -> None:
        if start <= place < end:
            begins[place - start] = np.fmin(begins[place - start], sample)

    for mark in (*symbols, *words):
        begin(mark.start, mark.start_sample)
    for word in words:
        if start <= word.end < end and np.isnan(begins[word.end - start]):
            begins[word.end - start] = word.end_sample
    known = np.flatnonzero(~np.isnan(begins))
    if not len(known):
        return []
    # A number may be said in another order than it is written in: what is written later is never heard earlier.
    times = np.minimum(np.maximum.accumulate(begins[known]), last_sample)
    edges = np.interp(np.arange(end - start + 1), [*known, end - start], [*times, last_sample])
    samples = np.rint(edges).astype(int).tolist()
    return [Mark("character", start + i, start + i + 1, samples[i], samples[i + 1]) for i in range(end - start)]
