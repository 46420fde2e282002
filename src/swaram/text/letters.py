"""Letters and marks: where a word of an Indian script ends, and how an ending is joined to it.

Python's ``\\b``, ``\\w`` and ``isalnum()`` count no vowel sign, virama, anusvara or nukta as part of a word. Every edge
of a word in this package is therefore one of the patterns below. The classes come from the general categories and names
of the Unicode Character Database (unicodedata), which agree with Indic_Syllabic_Category for the scripts offered.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from swaram.languages import SCRIPTS, Script

_ZWNJ, _ZWJ = "\u200c", "\u200d"


def ranges_of(points: list[int]) -> str:
    """Code points in order as the inside of a character class."""
    pieces: list[str] = []
    start = before = points[0]
    for point in [*points[1:], -1]:
        if point != before + 1:
            pieces.append(chr(start) if start == before else f"{chr(start)}-{chr(before)}")
            start = point
        before = point
    return "".join(pieces)


def letters_of_scripts(scripts: Iterable[Script]) -> str:
    """The inside of a character class: every letter and mark of ``scripts``, and both joiners."""
    spans = [span for script in scripts for span in script.ranges]
    found = {p for a, b in spans for p in range(a, b + 1) if unicodedata.category(chr(p))[0] in "LM"}
    return ranges_of(sorted(found | {ord(_ZWNJ), ord(_ZWJ)}))


LETTERS = letters_of_scripts(SCRIPTS.values())
"""The inside of a character class: every letter and mark of the scripts offered, and both joiners."""
MARKS = "".join(
    c
    for s in SCRIPTS.values()
    for a, b in s.ranges
    for c in map(chr, range(a, b + 1))
    if unicodedata.category(c)[0] == "M"
)
"""The inside of a character class: the marks alone."""
NOT_INSIDE = f"(?<![{LETTERS}0-9])"
"""Nothing of a word stands before."""
NOT_AFTER_LETTER = f"(?<![{LETTERS}])"
WORD_END = f"(?![{LETTERS}0-9])"
"""Nothing of a word follows."""
NO_LETTER = f"(?![{LETTERS}])"

_LETTER = re.compile(f"[{LETTERS}]")
_LETTER_SET = frozenset(character for character in map(chr, range(0x10000)) if _LETTER.match(character))


def alternation(words: Iterable[str], *, from_word_start: bool = False) -> str:
    """A pattern for any of ``words``, the longest first, as a tree of their letters: fast however many they are.

    With ``from_word_start`` nothing of a word may stand before.
    """
    tree: dict[str, dict] = {}
    for word in words:
        node = tree
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    edge = f"[{LETTERS}]" if from_word_start else ""
    branches = []
    for character, rest in sorted(tree.items()):
        first = re.escape(character)
        branches.append(first + (f"(?<!{edge}{first})" if edge else "") + _branch(rest))
    return f"(?:{'|'.join(branches)})" if branches else "(?!)"


def _branch(node: dict[str, dict]) -> str:
    singles = [re.escape(c) for c, rest in sorted(node.items()) if c and set(rest) == {""}]
    longer = [re.escape(c) + _branch(rest) for c, rest in sorted(node.items()) if c and set(rest) != {""}]
    if singles:
        longer.append(singles[0] if len(singles) == 1 else f"[{''.join(singles)}]")
    if not longer:
        return ""
    pattern = longer[0] if len(longer) == 1 and "" not in node else f"(?:{'|'.join(longer)})"
    return pattern + "?" if "" in node else pattern


def word_start(text: str, end: int, longest: int) -> int:
    """Where the word that ends at ``end`` begins; -1 where there is none, or one of more than ``longest`` letters."""
    least = end - longest if end > longest else 0
    place = end
    while place > least and text[place - 1] in _LETTER_SET:
        place -= 1
    if place == end or (place == least and place and text[place - 1] in _LETTER_SET):
        return -1
    return place


@cache
def is_letter(character: str) -> bool:
    """Whether one character is a letter or a mark of a script offered (or a joiner)."""
    return bool(_LETTER.match(character))


@cache
def kind(character: str) -> str:
    """What one character is in a syllable: "letter", "sign" (a dependent vowel), "virama", "final" or "other".

    A final is what closes a syllable (anusvara, visarga, candrabindu and their like).
    """
    name, category = unicodedata.name(character, ""), unicodedata.category(character)
    if category[0] == "L":
        return "letter"
    if category[0] != "M" or "ARABIC" in name:
        return "other"
    if "VIRAMA" in name or "AL-LAKUNA" in name or "APUN IYEK" in name:
        return "virama"
    if "VOWEL SIGN" in name or "AU LENGTH MARK" in name or "LENGTH MARK" in name:
        return "sign"
    return "other" if "NUKTA" in name else "final"


@cache
def is_independent_vowel(character: str) -> bool:
    """Whether a letter is an independent vowel: those that have a dependent sign of the same name."""
    name = unicodedata.name(character, "")
    return " LETTER " in name and (name.endswith(" LETTER A") or bool(_sign_of(name)))


@cache
def _sign_of(name: str) -> str:
    try:
        return unicodedata.lookup(name.replace(" LETTER ", " VOWEL SIGN "))
    except KeyError:
        return ""


@cache
def alone(sign: str) -> str:
    """The independent vowel of a dependent sign; empty where there is none."""
    name = unicodedata.name(sign, "")
    for part in (" VOWEL SIGN ", " AU LENGTH MARK"):
        if part in name:
            try:
                return unicodedata.lookup(name.replace(part, " LETTER " if part.endswith("SIGN ") else " LETTER AU"))
            except KeyError:
                return ""
    return ""


def apart(ending: str) -> str:
    """``ending`` as a word of its own: a sign at its start becomes a vowel letter, any other mark there goes."""
    while ending and kind(ending[0]) != "letter":
        if kind(ending[0]) == "sign" and alone(ending[0]):
            return alone(ending[0]) + ending[1:]
        if kind(ending[0]) == "other" and not unicodedata.category(ending[0]).startswith("M"):
            return ending
        ending = ending[1:]
    return ending


def join(word: str, ending: str) -> str:
    """``word`` with ``ending`` joined to it, never a sign after a sign: the last syllable stays a syllable.

    A sign after a virama takes its place; after a bare consonant it is written onto it; after a vowel it becomes the
    vowel letter; a virama or a final that has nothing to stand on goes.
    """
    if not word or not ending:
        return word + ending
    last, first = kind(word[-1]), kind(ending[0])
    if first in ("letter", "other"):
        return word + ending
    bare = last == "letter" and not is_independent_vowel(word[-1]) and word[-1] not in "ൺൻർൽൾൿৎ"
    if unicodedata.category(word[-1])[0] == "M" and last == "other":
        bare = True
    if first == "sign":
        if last == "virama":
            return word[:-1] + ending
        return word + ending if bare else word + apart(ending)
    if first == "virama":
        return word + ending if bare else word + apart(ending[1:])
    return word + (ending if last != "virama" and last != "final" else apart(ending))


def mend(text: str) -> str:
    """``text`` with every sign that nothing carries written as a vowel letter, and every such virama gone."""
    said = ""
    for character in text:
        said = join(said, character) if kind(character) in ("sign", "virama") else said + character
    return said


def ill_formed(text: str) -> str:
    """The first ill-formed place of a text, two or three characters long; empty where every syllable is well formed.

    Ill-formed are a sign after a sign, a sign or virama at a word's start or after an independent vowel or a final,
    and a virama after a virama or a sign. A sign on a Malayalam chillu is ill-formed too.
    """
    before = " "
    for place, character in enumerate(text):
        what = kind(character)
        if what in ("sign", "virama"):
            on = kind(before)
            nukta = on == "other" and unicodedata.category(before).startswith("M")
            bengali = before in "অএ" and character == "্"
            samvruthokaram = before == "ു" and character == "്"
            loose = not nukta and (on != "letter" or (is_independent_vowel(before) and before != "ਅ"))
            if loose and not samvruthokaram and not bengali and before not in "\u200c\u200d":
                return text[max(0, place - 2) : place + 1]
        before = character
    return ""
