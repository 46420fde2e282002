"""The words around numbers (currency, units, months, signs) of one language, with English where it has none."""

from functools import cache
from typing import Any

from swaram.languages import get_language
from swaram.text.english import EnglishReader, english_reader
from swaram.text.tables import load_table

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
CURRENCIES = {"₹": "rupee", "$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "৳": "taka", "₩": "won"}
AFTER = {
    "rupees": "₹", "rupee": "₹", "dollars": "$", "Rs": "₹", "INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "BDT": "৳",
}  # fmt: skip
CODES = {
    "rs": "₹", "re": "₹", "inr": "₹", "usd": "$", "us$": "$", "eur": "€", "gbp": "£", "bdt": "৳", "jpy": "¥",
}  # fmt: skip
_ENGLISH = {
    "percent": "percent", "point": "point", "minus": "minus", "plus": "plus", "dollar": "dollar", "euro": "euro",
    "pound": "pound", "cent": "cent", "at": "at", "hash": "hash", "dot": "dot", "slash": "slash", "equals": "equal",
    "million": "million", "billion": "billion", "trillion": "trillion", "by": "by", "times": "into",
    "rupee": "rupee", "paisa": "paisa", "and": "and", "yen": "yen", "penny": "pence", "taka": "taka", "won": "won",
    "over": "",
}  # fmt: skip


class Wording:
    """Looks words up in a language's data file; borrows the English word, transliterated, where there is none."""

    def __init__(self, code: str) -> None:
        self.language = get_language(code)
        self.table = load_table(self.language.code)
        self.english: EnglishReader = english_reader(self.language.code)
        words: dict[str, str] = self.table.get("words", {})
        self.words = {key: words.get(key) or self.english.phrase(value) for key, value in _ENGLISH.items()} | words
        self.words.setdefault("negative", self.words["minus"])
        own_units: dict[str, str] = self.table.get("units", {})
        spoken: dict[str, str] = {}
        for sign, english in load_table("units").items():
            spoken[sign] = own_units.get(english) or self._borrow(english, own_units)
        self.units = spoken | {sign: word for sign, word in own_units.items() if sign not in spoken.values()}
        months = self.table.get("dates", {}).get("months", "").split()
        self.months = [m.replace("_", " ") for m in months] or [self.english.word(m) for m in MONTHS]

    def _borrow(self, english: str, own: dict[str, str]) -> str:
        return " ".join(own.get(word, "").partition("|")[0] or self.english.word(word) for word in english.split())

    def section(self, name: str) -> dict[str, Any]:
        """One table of the language's data file; empty where it has none."""
        return self.table.get(name, {})

    def counted(self, word: str, one: bool) -> str:
        """``word`` may hold a singular, a plural and a stem for endings, parted by ``|``."""
        forms = word.split("|")
        return forms[0] if one or len(forms) == 1 else forms[1]


@cache
def wording(code: str) -> Wording:
    """The (shared) wording of a language."""
    return Wording(code)
