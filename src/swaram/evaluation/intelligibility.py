"""How much of a text a judge hears: character errors, and words left out or said twice."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from swaram.evaluation.recognizer.units import plain

# A word counts as left out when less than this share of its letters has anything opposite in the transcript ...
HEARD_SHARE = 0.34
# ... and as said twice when so much of it stands beside it once more, as one insertion, with so few edits.
REPEATED_SHARE, REPEATED_EDITS = 0.75, 0.34
SHORTEST_WORD = 3


@dataclass(frozen=True)
class Alignment:
    """A best alignment of characters.

    ``edits``: Levenshtein distance. ``pairs``: (intended, heard), "" for nothing; ``places``: for each pair the place
    in the intended text, before which an insertion stands.
    """

    edits: int
    pairs: list[tuple[str, str]]
    places: list[int]


def align(intended: str, heard: str) -> Alignment:
    """Align two texts by character."""
    from rapidfuzz.distance import Levenshtein

    pairs: list[tuple[str, str]] = []
    places: list[int] = []
    for step in Levenshtein.opcodes(intended, heard):
        length = max(step.src_end - step.src_start, step.dest_end - step.dest_start)
        for i in range(length):
            a = intended[step.src_start + i] if step.src_start + i < step.src_end else ""
            b = heard[step.dest_start + i] if step.dest_start + i < step.dest_end else ""
            pairs.append((a, b))
            places.append(min(step.src_start + i, step.src_end))
    return Alignment(sum(a != b for a, b in pairs), pairs, places)


def letters(text: str) -> str:
    """What is compared: NFC, without punctuation, lower case, single spaces (they count as characters)."""
    return plain(text)


def confusions(pairs: Iterable[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """How often a character was taken for another, left out (heard "") or put in (intended "")."""
    return Counter(pair for pair in pairs if pair[0] != pair[1])


@dataclass(frozen=True)
class WordFaults:
    """Words of ``words`` that the judge did not hear at all, or heard twice."""

    words: int
    missing: tuple[str, ...]
    repeated: tuple[str, ...]


def word_faults(intended: str, heard: str) -> WordFaults:
    """Words left out or said twice, with a tolerance in characters for a judge that mishears.

    The letters (without spaces, whose places a judge often gets wrong) are aligned. A word is *missing* when fewer
    than ``HEARD_SHARE`` of its letters stand opposite anything at all, right or wrong: a misheard word is not missing.
    A word is *repeated* when an unbroken insertion beside or within it holds ``REPEATED_SHARE`` of it with at most
    ``REPEATED_EDITS`` edits a letter. Words of fewer than three letters are left alone.
    """
    from rapidfuzz.distance import Levenshtein

    words = intended.split()
    run, said = "".join(words), heard.replace(" ", "")
    opposite = np.zeros(len(run), dtype=bool)
    inserted: list[tuple[int, str]] = []
    for step in Levenshtein.opcodes(run, said):
        if step.tag in ("equal", "replace"):
            opposite[step.src_start : step.src_end] = True
        elif step.tag == "insert":
            inserted.append((step.src_start, said[step.dest_start : step.dest_end]))
    missing, repeated = [], []
    begin = 0
    counted = 0
    for word in words:
        end = begin + len(word)
        if len(word) >= SHORTEST_WORD:
            counted += 1
            if opposite[begin:end].mean() < HEARD_SHARE:
                missing.append(word)
            if any(begin <= place <= end and _holds(word, extra) for place, extra in inserted):
                repeated.append(word)
        begin = end
    return WordFaults(counted, tuple(missing), tuple(repeated))


def _holds(word: str, extra: str) -> bool:
    from rapidfuzz.distance import Levenshtein

    size = len(word)
    if len(extra) < REPEATED_SHARE * size:
        return False
    pieces = [extra[i : i + size] for i in range(max(1, len(extra) - size + 1))]
    return min(Levenshtein.distance(word, piece) for piece in pieces) <= REPEATED_EDITS * size
