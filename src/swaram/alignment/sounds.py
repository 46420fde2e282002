"""Texts of the Brahmi family of scripts as sounds, coarse enough for a judge of one language to hear another.

The blocks from Devanagari to Malayalam have one layout (The Unicode Standard, chapter 12), so the place of a letter in
its block says its sound. What these languages write differently, or not at all, counts as one: length of vowels and
consonants, voice and breath of stops (Tamil writes neither), the sibilants, the kinds of r and of l, and nasals before
a consonant. A recogniser of one language hears another with many errors all the same: only the ratio of a voice's
errors to those of the recordings means something, and only as far as both are far from those of another sentence.
"""

import unicodedata

_FIRST, _LAST, _BLOCK = 0x900, 0xD7F, 0x80
# By place in the block; E and O are ai and au.
_CONSONANTS = dict(enumerate("kkkknccccnttttnTTTTnnppppmyrrlllvsssh", start=0x15))
_VOWELS = dict(enumerate("aaiiuurleeeEoooO", start=0x05)) | {0x60: "r", 0x61: "l"}
_SIGNS = dict(enumerate("aiiuurreeeEoooO", start=0x3E)) | {0x57: "O", 0x62: "l", 0x63: "l"}
_VIRAMA, _NASAL_MARKS, _VISARGA = 0x4D, (0x01, 0x02, 0x70), 0x03
# Letters of one block alone: consonants without a vowel, and with one.
_CLOSED = {"ൺ": "n", "ൻ": "n", "ർ": "r", "ൽ": "l", "ൾ": "l", "ൿ": "k", "ৎ": "T"}
_FURTHER = {"ৰ": "r", "ৱ": "v", "ୟ": "y", "ୱ": "v", "ੜ": "r", "ೞ": "l", "ౚ": "r"}
_OPEN = "aiueoEO"
_NASALS = "nmN"  # the last one is of any place, before a consonant


def in_sounds(text: str) -> str:
    """The words of a text, each as its sounds, one character a sound, with single spaces between them.

    What is of no script of the family is left out.
    """
    words = (_joined(_sounds(word)) for word in unicodedata.normalize("NFC", text).split())
    return " ".join(word for word in words if word)


def has_sounds(character: str) -> bool:
    """Whether a character is of a script that ``in_sounds`` reads."""
    return _FIRST <= ord(character) <= _LAST


def _sounds(word: str) -> list[str]:
    sounds: list[str] = []
    inherent = False  # whether the last sound is a vowel that is not written, and a sign may take its place
    for character in filter(has_sounds, word):
        place = ord(character) % _BLOCK
        consonant = _FURTHER.get(character) or _CONSONANTS.get(place)
        if character not in _CLOSED and (place == _VIRAMA or place in _SIGNS):
            if inherent:
                sounds.pop()
            sounds += _SIGNS.get(place, "")
        elif character not in _CLOSED and consonant:
            sounds += (consonant, "a")
            inherent = True
            continue
        elif character in _CLOSED or place in _VOWELS:
            sounds += _CLOSED.get(character) or _VOWELS[place]
        elif place in _NASAL_MARKS:
            sounds.append("N")
        elif place == _VISARGA:
            sounds += "" if character == "ஃ" else "h"  # in Tamil it only says that the next sound is foreign
        else:  # a nukta, a mark of length: the consonant keeps its vowel
            continue
        inherent = False
    return sounds


def _joined(sounds: list[str]) -> str:
    """What is said long is said once; a nasal before a consonant is of any place."""
    said = ""
    for number, sound in enumerate(sounds):
        following = sounds[number + 1] if number + 1 < len(sounds) else ""
        if sound in _NASALS and following and following not in _OPEN + _NASALS:
            sound = "N"
        elif sound == "N":
            sound = "m"
        said += "" if said.endswith(sound) else sound
    return said
