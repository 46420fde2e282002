"""Latin words that are no plain words: acronyms with their endings, formulae, names in mixed case, Roman numerals."""

import re
from collections.abc import Callable

# Acronyms that are said as a word, and words that are said by their letters where all of them are capitals.
_SAID = frozenset(
    "nasa isro unesco unicef nato opec asean saarc brics aids covid sim pan pin otp laser radar neet sebi nabard aiims "
    "ram rom gif jpeg fifa imax ikea nifty sensex bimstec tada pota mgnrega narega manrega nimhans jipmer tifr tiss niti "
    "nift nid aadhaar rera bhel sail gail hal nalco nrega posh meesho oyo ola zomato paytm bob iim csat cat mat gate xat "
    "clat unix java html5 yolo lol asap".split()
) - {"otp", "iim", "bob", "hal", "nid", "html5"}
_SPELT = frozenset("who it us un ai ed cm pm dm sp mp mla am so do be or un ca if as us hr pr it vip".split())
_ONSETS = frozenset(
    "b bl br c ch chh chr cl cr d dh dr dw f fl fr g gh gl gn gr h j jh k kh kl kn kr l m n p ph phl phr pl pr ps q qu r "
    "rh s sc sch scr sh shr sk sl sm sn sp spl spr sq st str sv sw t th thr tr tw v w wh wr x y z zh shl".split()
) | {""}
_ONSET = re.compile("^[^aeiouy]*|^y")
_CODA = re.compile("[^aeiouy]*$")
_BAD_CODA = re.compile("[^aeiouy]{4}$|[bcdfgjkmnptvxz][jvwrlmn]$|dm|[^lnrkcsxpft]t$(?<!t)|[bfgkpt]b$|[kgq]c$|sb$|pc$|[jqv]$")
_PLURAL = re.compile("([A-Z]{2,6})s")
_FORMULA = re.compile(r"(?:[A-Z][a-z]?\d*){2,8}")
_ELEMENTS = frozenset(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Ag Cd Sn Sb I Xe Ba Pt "
    "Au Hg Pb Bi U".split()
)
_ROMAN = re.compile("(?=[IVXL])(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
_CAMEL = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")


def pronounceable(word: str) -> bool:
    """Whether a lower-case word begins and ends as English syllables do."""
    onset = _ONSET.match(word)
    coda = _CODA.search(word)
    if not re.search("[aeiou]", word) or onset is None or coda is None:
        return False
    return onset.group() in _ONSETS and not _BAD_CODA.search(coda.group() and word) and len(coda.group()) <= 3


def by_letters(word: str, known: Callable[[str], bool]) -> bool:
    """Whether a Latin word is said letter by letter. ``known`` tells whether a lower-case word is in the list."""
    lower = word.lower()
    if lower in _SAID:
        return False
    if word.isupper() and 1 < len(word):
        if lower in _SPELT:
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
    return len(parts) >= 2 and all(part in _ELEMENTS for part in parts) and len(word) <= 10


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
