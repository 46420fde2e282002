"""How much of a text a judge hears: character errors, and words left out or said twice."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from swaram.recognition.units import plain

# By so many edits for each letter of a word must the transcript be nearer to the text without it, or with it twice.
MISSING_GAIN, REPEATED_GAIN = 0.75, 0.1
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

    Spaces are taken away first, since a judge often misplaces them. A word is *missing* when the transcript is nearer,
    by ``MISSING_GAIN`` edits for each of its letters, to the text without the word than to the text with it; it is
    *repeated* when it is nearer by ``REPEATED_GAIN`` to the text with the word twice. The clearest fault is taken
    first, and the others are looked for in the text so changed. So a word that is misheard, even wholly, is neither.
    Words of fewer than three letters are left alone.
    """
    from rapidfuzz.distance import Levenshtein

    words = intended.split()
    said = heard.replace(" ", "")
    times = [1] * len(words)
    long = [i for i, word in enumerate(words) if len(word) >= SHORTEST_WORD]

    def distance(place: int = 0, change: int = 0) -> int:
        text = "".join(word * (n + change * (i == place)) for i, (word, n) in enumerate(zip(words, times, strict=True)))
        return Levenshtein.distance(text, said)

    while True:
        whole = distance()
        found = [
            ((whole - distance(i, change)) / len(words[i]), i, change)
            for i in long
            for change, wanted in ((-1, MISSING_GAIN), (1, REPEATED_GAIN))
            if times[i] == 1 and whole - distance(i, change) >= wanted * len(words[i])
        ]
        if not found:
            break
        _, place, change = max(found)
        times[place] += change
    missing = tuple(words[i] for i in long if times[i] == 0)
    return WordFaults(len(long), missing, tuple(words[i] for i in long if times[i] == 2))
