"""Codes, said letter by letter and digit by digit: telephone, PIN, Aadhaar, PAN, IFSC, GSTIN, vehicles, orders."""

import re
from functools import lru_cache

from swaram.text.letters import LETTERS, NO_LETTER, NOT_INSIDE, WORD_END, is_letter, word_start
from swaram.text.numbers import NumberWords
from swaram.text.wording import Wording

_CODE_WORDS = (
    "pin|pincode|pin code|zip|otp|cvv|upi|ifsc|micr|pan|aadhaar|aadhar|uid|account|acct|id|order|invoice|ref|pnr|train|"
    "flight|passport|licence|license|gstin|gst|imei|password|passcode|token|ticket|consumer|customer|code|isbn|ext|"
    "ending in|ending with"
)
# Of these it is also said what they are ("the OTP is 4829"); a train or an order may be many other things.
_SECRETS = "pin|pincode|pin code|otp|cvv|pnr|password|passcode|aadhaar|code"
_PHONE_WORDS = "tel|telephone|phone|ph|mob|mobile|cell|contact|fax|whatsapp|helpline|call|toll free|landline"
_BETWEEN = r"[ .:#=()-]{0,3}"
_ENDING = 6
"""How many letters of an ending a word for a code may have."""
_NUMBER_WORDS = "no|nos|num|number|code|id"

# Whole shapes that need no word before them.
_SHAPES = re.compile(
    NOT_INSIDE + r"(?:"
    r"[A-Z]{5}\d{4}[A-Z]|[A-Z]{4}0[A-Z0-9]{6}|\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]|"
    r"[A-Z]{2}[ -]?\d{1,2}[ -]?[A-Z]{1,3}[ -]?\d{4}|[A-Z]{1,6}-?\d{5,16}|[A-Z]{1,3}\d{2,16}[A-Z]{1,3}\d[A-Z0-9]*"
    r")" + WORD_END
)
_PHONE = (
    r"(?:\+?91[ -]?)?(?:[6-9]\d{9}|[6-9]\d{4}[ -]\d{5}|[6-9]\d{2}[ -]\d{3}[ -]\d{4})(?![\d,]|\.\d)|"
    r"\(0?\d{2,4}\) ?-?\d{3,4}[ -]?\d{3,4}(?!\d)|0\d{1,4}[ -]\d{6,8}(?!\d)|0\d{2,4}[ -]\d{3,4}[ -]\d{4}(?!\d)|"
    r"9[678]\d{2}-\d{6}(?![\d-])|"
    r"(?:\+?\d{1,2}[ -])?(?:\(\d{3}\)|\d{3})[-.]\d{3}[-.]\d{4}(?![\d-])|"
    r"1800[ -]\d{3}[ -]\d{3,4}(?!\d)|1800[ -]\d{4}[ -]\d{3}(?!\d)|\+\d{1,3}(?:[ -]\d{2,5}){1,3}\d{0,5}(?!\d)"
)
_CARD = r"\d{4}([ -])\d{4}\1\d{4}(?:\1\d{4})?(?![\d,]|\.\d)"


class Codes:
    """Finds and says codes in text of one language, with that language's names of letters and digits."""

    def __init__(self, words: Wording, numbers: NumberWords) -> None:
        self._numbers, self._english = numbers, words.english
        own = words.section("words")
        number_words = "|".join([_NUMBER_WORDS, *map(re.escape, own.get("number_words", "").split())])
        of = [_CODE_WORDS, *map(re.escape, own.get("code_words", "").split())]
        phones = [_PHONE_WORDS, *map(re.escape, own.get("phone_words", "").split())]
        tail = rf"(?:{_BETWEEN}(?:{number_words}){NO_LETTER}){{0,2}}{_BETWEEN}$"
        edge = f"[{LETTERS}]{{0,{_ENDING}}}"
        stated = rf"(?:{_SECRETS})(?: (?:no|number)\.?)? (?:is|was)[ :]{{1,3}}$"
        self._before_code = re.compile(rf"{NOT_INSIDE}(?:(?:{'|'.join(of)}){edge}{tail}|{stated})", re.IGNORECASE)
        self._before_phone = re.compile(rf"{NOT_INSIDE}(?:{'|'.join(phones)}){edge}{tail}", re.IGNORECASE)
        # The word right before a code is one of these, or begins with one and has an ending.
        self._last_words = frozenset(
            word.replace("\\", "").split(" ")[-1].lower()
            for words in (*of, *phones, number_words, "is|was")
            for word in words.split("|")
        )
        self._longest_word = max(map(len, self._last_words)) + _ENDING
        self._announces = lru_cache(maxsize=20_000)(self._announces_code)
        self._phone = re.compile(_PHONE)
        self._card = re.compile(_CARD)
        self._spaced = re.compile(r"\d+(?:[ -]\d+)*(?![,.]?\d)")
        self._dialled = re.compile(r"\(?\+?\d[\d() -]{4,18}\d(?!\d)")

    def shapes(self, match: re.Match[str]) -> str:
        """A code of letters and digits."""
        return " " + self._one_by_one(match.group()) + " "

    def find(self, text: str, start: int) -> tuple[str, int, str] | None:
        """A telephone number or code that begins with the digit at ``start``: what is said, its end, what it is."""
        if start and text[start - 1] == "(":
            opened = self._phone.match(text, start - 1)
            if opened and opened.group()[0] == "(":
                return self._groups(opened.group()), opened.end(), "telephone number"
        run = _RUN.match(text, start)
        if run is None:
            return None
        length, following = run.end() - start, text[run.end() : run.end() + 1]
        parted = following in (" ", "-") or (following == "." and length == 3)
        if length >= 10 or parted:
            if match := self._phone.match(text, start):
                return self._groups(match.group()), match.end(), "telephone number"
            if (match := _GROUPED.match(text, start)) and sum(map(str.isdigit, match.group())) >= 9:
                return ", ".join(map(self._numbers.digits, match.group().split("-"))), match.end(), "number in groups"
            if match := self._card.match(text, start):
                return self._groups(match.group()), match.end(), "number in groups"
        if length < 4 and not parted:
            return None
        before = text[max(0, start - 36) : start]
        last = len(before.rstrip(" .:#=()-"))
        word = before[max(0, word_start(before, last, self._longest_word)) : last]
        if not word or not is_letter(word[-1]):
            return None
        place = length == 6 and _AFTER_PLACE.search(before)
        if not place and not self._announces(word):
            return None
        if self._before_phone.search(before) and (match := self._dialled.match(text, start)):
            return self._groups(match.group()), match.end(), "telephone number"
        match = self._spaced.match(text, start)
        if not match:
            return None
        written = match.group()
        if sum(c.isdigit() for c in written) >= 4 and self._before_code.search(before):
            return self._digits(written), match.end(), "code after a word for it"
        if len(written) == 6 and written.isdigit() and written[0] != "0" and _AFTER_PLACE.search(before):
            return self._digits(written), match.end(), "PIN code after a place"
        return None

    def _announces_code(self, word: str) -> bool:
        """Whether a word may be the last one before a code or a telephone number."""
        word = word.lower()
        return any(word[:end] in self._last_words for end in range(max(1, len(word) - _ENDING), len(word) + 1))

    def _groups(self, written: str) -> str:
        """Digits one by one, a short stop between groups; what follows the area code is one group."""
        groups = re.findall(r"\d+", written)
        if len(groups) > 2 and (written.startswith("(") or groups[0].startswith("0")):
            groups = [groups[0], "".join(groups[1:])]
        return ", ".join(self._numbers.digits(group) for group in groups)

    def _digits(self, written: str) -> str:
        return self._numbers.digits("".join(re.findall(r"\d", written)))

    def _one_by_one(self, written: str) -> str:
        said = [self._numbers.digits(c) if c.isdigit() else self._english.spell(c) for c in written if c.isalnum()]
        return " ".join(said)


SHAPES = _SHAPES
_GROUPED = re.compile(r"\d{1,5}(?:-\d{1,6}){2,5}(?![\d-])")
_RUN = re.compile(r"\d+")
_AFTER_PLACE = re.compile(f"[{LETTERS}] ?- ?$")
