"""What a recogniser writes down: sounds of a script rather than its code points.

In the scripts of the Brahmi family a consonant carries a vowel that is not written, and the virama says that there is
none. A recogniser hears sounds, so the text is turned into consonants and vowels, each a unit: the unwritten vowel is
the letter ``a`` of the script, vowel signs are their letters, a virama between consonants is nothing, and a double
consonant is one unit. ``decode`` undoes it. Other scripts are taken letter by letter.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from swaram.languages import get_language
from swaram.text.symbols import PUNCTUATION, SPACE, letters_of

BLANK = "<blank>"
# Blocks of 128 code points with one layout (The Unicode Standard, chapter 12): Devanagari to Malayalam.
_FIRST, _LAST, _BLOCK = 0x900, 0xD7F, 0x80
_SIGNS = dict(
    zip(range(0x3E, 0x4D), (6, 7, 8, 9, 0xA, 0xB, 0x60, 0xD, 0xE, 0xF, 0x10, 0x11, 0x12, 0x13, 0x14), strict=True)
)
_AU_MARK = 0x57
_MARKS = re.compile("[" + re.escape(PUNCTUATION) + r"\s]+")


class UnitTable:
    """The units of one language in the order of a network's outputs; unit 0 is the CTC blank.

    Args:
        language: the code of the language, such as ``ml``.
        units: the units as ``for_texts`` gave them.
    """

    def __init__(self, language: str, units: Sequence[str]) -> None:
        self.language = language
        self.units = list(units)
        self._ids = {unit: number for number, unit in enumerate(self.units)}
        letters = set(letters_of(get_language(language).code))
        self._sign_of = {_letter(c): c for c in sorted(letters) if _is_sign(c)}

    @classmethod
    def for_texts(cls, language: str, texts: Iterable[str], at_least: int = 5) -> "UnitTable":
        """Blank, space, every letter of the language, and the double consonants that the texts hold often enough."""
        letters = letters_of(get_language(language).code)
        singles = {_letter(c) for c in letters if c not in PUNCTUATION + SPACE}
        singles |= {_inherent(c) for c in letters if _is_consonant(c)}
        doubles: Counter[str] = Counter()
        for text in texts:
            doubles.update(text[i : i + 3] for i in range(len(text) - 2) if _is_double(text[i : i + 3]))
        often = sorted(double for double, count in doubles.items() if count >= at_least)
        return cls(language, [BLANK, SPACE, *sorted(singles), *often])

    def __len__(self) -> int:
        return len(self.units)

    def is_consonant(self, number: int) -> bool:
        """Whether a unit is a consonant, single or double."""
        return _is_consonant(self.units[number][0])

    def is_vowel(self, number: int) -> bool:
        """Whether a unit is a vowel, written or not."""
        return _is_vowel(self.units[number][0])

    def encode(self, text: str) -> list[int]:
        """Numbers of the units of a text; punctuation and characters outside of the language's letters are left out.

        ``text``: as the text front end or ``normalise`` gives it.
        """
        return [self._ids[unit] for unit in self._split(plain(text)) if unit in self._ids]

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of units; blanks are left out, nothing is merged."""
        written: list[str] = []
        virama = ""  # of the consonant that still waits for its vowel
        for number in numbers:
            unit = self.units[number]
            if unit == BLANK:
                continue
            first = unit[0]
            if _is_consonant(first):
                written += (virama, unit)
                virama = _virama(first)
            elif virama and unit == _inherent(first) and _is_vowel(first):
                virama = ""
            elif virama and unit in self._sign_of and _is_vowel(first):
                written.append(self._sign_of[unit])
                virama = ""
            elif virama and _is_nukta(first):
                written.append(unit)
            else:
                written += ("" if _is_virama(first) else virama, unit)
                virama = ""
        return "".join([*written, virama])

    def _split(self, text: str) -> list[str]:
        units: list[str] = []
        place = 0
        while place < len(text):
            character = text[place]
            if not _is_consonant(character):
                units.append(_letter(character))
                place += 1
                continue
            double = text[place : place + 3]
            length = 3 if _is_double(double) and double in self._ids else 1
            units.append(text[place : place + length])
            place += length
            if place < len(text) and _is_nukta(text[place]):
                units.append(text[place])
                place += 1
            following = text[place] if place < len(text) else ""
            if following and _is_sign(following):
                units.append(_letter(following))
                place += 1
            elif following and _is_virama(following):
                if place + 1 < len(text) and _is_consonant(text[place + 1]):
                    place += 1
            else:
                units.append(_inherent(character))
        return units


def plain(text: str) -> str:
    """The text that counts: NFC, without punctuation, lower case, single spaces."""
    return _MARKS.sub(" ", unicodedata.normalize("NFC", text)).strip().casefold()


def _offset(character: str) -> int:
    point = ord(character)
    return point % _BLOCK if _FIRST <= point <= _LAST else -1


def _at(character: str, offset: int) -> str:
    return chr(ord(character) // _BLOCK * _BLOCK + offset)


def _is_consonant(character: str) -> bool:
    offset = _offset(character)
    return 0x15 <= offset <= 0x39 or (
        0x58 <= offset <= 0x5F and unicodedata.category(character) == "Lo" and ord(character) < 0xD00
    )


def _is_vowel(character: str) -> bool:
    return 0x05 <= _offset(character) <= 0x14 or _offset(character) == 0x60


def _is_sign(character: str) -> bool:
    offset = _offset(character)
    return offset in _SIGNS or (offset == _AU_MARK and ord(character) >= 0xD00)


def _is_virama(character: str) -> bool:
    return _offset(character) == 0x4D


def _is_nukta(character: str) -> bool:
    return _offset(character) == 0x3C and ord(character) < 0xC00


def _is_double(text: str) -> bool:
    return len(text) == 3 and _is_consonant(text[0]) and _is_virama(text[1]) and text[2] == text[0]


def _inherent(character: str) -> str:
    return _at(character, 0x05) if _offset(character) >= 0 else character


def _virama(character: str) -> str:
    return _at(character, 0x4D)


def _letter(character: str) -> str:
    """The vowel letter of a vowel sign; every other character is its own."""
    if not _is_sign(character):
        return character
    offset = _offset(character)
    return _at(character, 0x14 if offset == _AU_MARK else _SIGNS[offset])
