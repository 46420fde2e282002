"""Writes ``src/swaram/text/data/english_sounds.tsv.gz``: English words with their sounds as said in India.

``python docs/english_words.py CMUDICT WORDS``: ``cmudict.dict`` of the CMU Pronouncing Dictionary (BSD) and a list of
words, one a line (the ``american-english-small`` of SCOWL). The dictionary gives consonants and stressed vowels. Where
both have as many vowels, the rules of spelling decide what an unstressed vowel is (the o of petrol, the a of village)
and which consonants are doubled: English in India keeps closer to the spelling than American English does.
"""

import gzip
import re
import sys
from pathlib import Path

from swaram.text import english

TARGET = Path(english.__file__).parent / "data" / "english_sounds.tsv.gz"
HEADER = "# Words with their sounds, by docs/english_words.py; see english_sounds.LICENSE.\n"
VOWELS = {
    "AA": "aa", "AE": "ae", "AH": "a", "AO": "o", "AW": "au", "AY": "ai", "EH": "e", "ER": "a", "EY": "ee", "IH": "i",
    "IY": "ii", "OW": "oo", "OY": "oi", "UH": "u", "UW": "uu",
}  # fmt: skip
CONSONANTS = {"CH": "c", "DH": "dh", "HH": "h", "JH": "j", "NG": "ng", "SH": "sh", "TH": "th", "ZH": "zh"}
ALIKE = {"z": "s", "v": "w", "zh": "sh"}
SOUNDS = frozenset(VOWELS.values())


def main(dictionary: Path, words: Path) -> None:
    """Read both, write the list."""
    known: dict[str, list[str]] = {}
    for line in dictionary.read_text(encoding="utf-8").split("\n"):
        word, *phones = line.partition(" #")[0].split() or [""]
        if re.fullmatch("[a-z]+", word):
            known[word] = phones
    wanted = {word.lower() for word in words.read_text(encoding="utf-8").split("\n") if re.fullmatch("[A-Za-z]+", word)}
    rows = [f"{word}\t{' '.join(sounds(word, known[word]))}\n" for word in sorted(wanted & known.keys())]
    with gzip.GzipFile(TARGET, "wb", mtime=0) as file:
        file.write((HEADER + "".join(rows)).encode())
    print(f"{len(rows):,} words, {TARGET.stat().st_size:,} bytes")


def sounds(word: str, phones: list[str]) -> list[str]:
    """The sounds of a word from its phones and its spelling."""
    between, vowels = _parts_of_phones(phones)
    spelled_between, spelled = _parts_of_sounds(english.sounds_by_rule(word))
    same = len(vowels) == len(spelled)
    said: list[str] = []
    for place, consonants in enumerate(between):
        doubled = same and _plain(spelled_between[place]) == _plain(consonants)
        said += spelled_between[place] if doubled else consonants
        if place < len(vowels):
            following = between[place + 1]
            last = place + 1 == len(vowels) and not following
            vowel = _vowel(*vowels[place], spelled[place] if same else "", following[:1], last, word)
            said.append(vowel)
            if vowel in ("i", "ii") and not following and not last:
                said[-1:] = ["i", "y"]  # video: vi-di-yo
    return said


def _vowel(phone: str, stress: str, spelled: str, following: list[str], last: bool, word: str) -> str:
    said = VOWELS[phone]
    if phone == "AA":
        return "o" if spelled in ("o", "oo") or (not spelled and "o" in word) else "aa"
    if phone == "AO":
        return spelled if spelled in ("o", "oo") else "o"
    if phone in ("AH", "IH") and stress == "0":
        if spelled in (("a", "e", "i", "o", "u") if phone == "AH" else ("i", "e", "a")):
            return spelled
        return "ee" if spelled == "ee" and following == ["j"] else said
    if phone == "EH" and spelled == "ee" and following == ["r"]:
        return "ee"
    if phone == "IY" and stress != "1" and (last or spelled == "i"):
        return "i"
    if phone == "OW" and spelled in ("o", "oo"):
        return spelled
    if phone == "IH" and spelled == "ii" and following == ["r"]:
        return "ii"
    return spelled if phone == "UH" and spelled in ("u", "uu") else said


def _parts_of_phones(phones: list[str]) -> tuple[list[list[str]], list[tuple[str, str]]]:
    between: list[list[str]] = [[]]
    vowels: list[tuple[str, str]] = []
    for phone in phones:
        if phone[-1].isdigit():
            vowels.append((phone[:-1], phone[-1]))
            between.append(["r"] if phone.startswith("ER") else [])
        else:
            between[-1].append(CONSONANTS.get(phone, phone.lower()))
    return between, vowels


def _parts_of_sounds(spelled: tuple[str, ...]) -> tuple[list[list[str]], list[str]]:
    between: list[list[str]] = [[]]
    vowels: list[str] = []
    for sound in spelled:
        if sound in SOUNDS:
            vowels.append(sound)
            between.append([])
        else:
            between[-1].append(sound)
    return between, vowels


def _plain(consonants: list[str]) -> list[str]:
    """Without doubling, and with what is written alike as one."""
    plain: list[str] = []
    for consonant in (ALIKE.get(c, c) for c in consonants):
        if plain[-1:] != [consonant]:
            plain.append(consonant)
    return plain


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
