"""Latin words that are no plain words: acronyms with their endings, formulae, names in mixed case, Roman numerals."""

import re
from collections.abc import Callable

from swaram.text.tables import load_table

_WORDS = {key: frozenset(words.split()) for key, words in load_table("latin").items()}
COMMON, TITLES, NUMBERED = (_WORDS[key] for key in ("common", "titles", "numbered"))
_ONSETS = _WORDS["onsets"] | {""}
_ONSET = re.compile("^[^aeiouy]*|^y")
_CODA = re.compile("[^aeiouy]*$")
_BAD_CODA = re.compile("[^aeiouy]{4}$|[bcdfgjkmnptvxz][jvwrlmn]$|dm|[bfgkpt]b$|[kgq]c$|sb$|pc$|[jqv]$")
_PLURAL = re.compile("([A-Z]{2,6})s")
_FORMULA = re.compile(r"(?:[A-Z][a-z]?\d*){2,8}")
_ROMAN = re.compile("(?=[IVXL])(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
_CAMEL = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")


def pronounceable(word: str) -> bool:
    """Whether a lower-case word begins and ends as English syllables do."""
    onset = _ONSET.match(word)
    coda = _CODA.search(word)
    if not re.search("[aeiou]", word) or onset is None or coda is None:
        return False
    return onset.group() in _ONSETS and not _BAD_CODA.search(word) and len(coda.group()) <= 3


def by_letters(word: str, known: Callable[[str], bool]) -> bool:
    """Whether a Latin word is said letter by letter. ``known`` tells whether a lower-case word is in the list."""
    lower = word.lower()
    if lower in _WORDS["said"]:
        return False
    if word.isupper() and len(word) > 1:
        if lower in _WORDS["spelt"]:
            return True
        if known(lower):
            return False
        if len(word) <= 3:
            return True
        if len(word) <= 5 and lower[0] in "aeiou":
            return True
        return len(word) <= 8 and not pronounceable(lower)
    if known(lower):
        return False
    return not re.search("[aeiouyAEIOUY]", word) and len(word) <= 5


def plural(word: str) -> str:
    """The capitals of a plural acronym (MLAs), or ""."""
    match = _PLURAL.fullmatch(word)
    return match[1] if match else ""


def is_formula(word: str) -> bool:
    """Whether a word is a chemical formula (NaCl, CaCO3): element after element, two at least."""
    if not _FORMULA.fullmatch(word) or word.isupper() or not word.isascii():
        return False
    parts = re.findall("[A-Z][a-z]?", word)
    return len(parts) >= 2 and all(part in _WORDS["elements"] for part in parts) and len(word) <= 10


def camel(word: str) -> list[str]:
    """The parts of a word in mixed case (PhonePe, iPhone)."""
    return [part for part in _CAMEL.split(word) if part]


def roman(word: str) -> int:
    """The value of a Roman numeral from 1 to 89 in capitals; 0 for anything else."""
    if not word or not _ROMAN.fullmatch(word):
        return 0
    total = 0
    for letter, following in zip(word, word[1:] + " ", strict=True):
        value = _VALUES[letter]
        total += -value if value < _VALUES.get(following, 0) else value
    return total
