"""Abbreviations, initials, web addresses and single signs (& @ # / + =), from each language's tables."""

import re

from swaram.languages import Language
from swaram.text.tables import load_table
from swaram.text.traced import TracedText
from swaram.text.wording import wording

_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_ADDRESS = re.compile(r"(?<![A-Za-z0-9])(?:https?://|www\.)[A-Za-z0-9-]+(?:[./?=&_~%#:+-]+[A-Za-z0-9]+)*/?")
_SITE = re.compile(
    r"(?<![A-Za-z0-9.@-])[A-Za-z][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63})*\.(?:com|org|net|in|gov|edu|co|io|info)"
    r"(?:/[A-Za-z0-9]+)*(?![A-Za-z0-9])"
)

# One written syllable of the scripts in which people abbreviate their names to it (മു. க. ఎన్.).
_DOTTED = re.compile(r"(?<![A-Za-z])(?:[A-Z]\.){2,}")
_CONSONANTS = "க-ஹక-హಕ-ಹക-ഹ"
_VOWELS = "அ-ஔఅ-ఔಅ-ಔഅ-ഔ"
_VOWEL_SIGNS = "ா-ௌా-ౌಾ-ೌാ-ൌൗ"


class Signs:
    """Writes out, for one language, what stands for a word without being a number."""

    def __init__(self, language: Language) -> None:
        words = wording(language.code)
        self._words = words.words
        self._spell = words.english.spell
        letters = "".join(f"{chr(a)}-{chr(b)}" for script in language.scripts for a, b in script.ranges) + "A-Za-z"
        self._letter = re.compile(f"[{letters}]")
        self._abbreviations: dict[str, str] = {
            **load_table("abbreviations"),
            **words.section("abbreviations"),
        }
        longest_first = sorted(self._abbreviations, key=lambda a: (-len(a), a))
        self._abbreviation = re.compile("|".join(map(re.escape, longest_first)))
        names = {name.replace("_", " ") for name in words.section("english").get("letters", "").split()}
        singles = sorted(names, key=len, reverse=True)
        own = "|".join(map(re.escape, singles)) or "(?!)"
        akshara = f"[{_CONSONANTS}][{_VOWEL_SIGNS}]?|[{_VOWELS}]"
        self._initial = re.compile(rf"(?:{own}|{akshara}|[A-Z])\.(?= ?[{letters}])")
        self._not_initial = set(words.section("english").get("not_initials", "").split())
        self._codes = set(words.section("words").get("currency_codes", "").split())
        self._sign = re.compile(r"[&@#+=×÷%°/|*~•·^$₹€£]")
        self._single = {
            "&": self._words.get("and", ""), "@": self._words["at"], "#": self._words["hash"], "+": self._words["plus"],
            "=": self._words["equals"], "×": self._words["times"], "÷": self._words["by"],
            "%": self._words["percent"].replace("{}", ""), "/": self._words.get("or", ""), "|": ",", "•": ",",
            "$": self._words["dollar"].partition("|")[0], "₹": self._words["rupee"].partition("|")[0],
            "€": self._words["euro"].partition("|")[0], "£": self._words["pound"].partition("|")[0],
        }  # fmt: skip

    def addresses(self, traced: TracedText) -> TracedText:
        """Web and mail addresses: dots, slashes and @ by name, the rest left to be read as words."""
        if "@" in traced.text:
            traced = traced.rewrite(_EMAIL, self._address)
        if "://" in traced.text or "www." in traced.text:
            traced = traced.rewrite(_ADDRESS, self._address)
        return traced.rewrite(_SITE, self._address)

    def _address(self, match: re.Match[str]) -> str:
        text = re.sub(r"^https?://|/$", "", match.group())
        for sign, name in ((".", "dot"), ("@", "at"), ("/", "slash")):
            text = text.replace(sign, f" {self._words[name]} ")
        return re.sub(r"[^\w\s]|_", " ", text) if text.isascii() else re.sub(r"[?=&_~%#:+-]", " ", text)

    def abbreviations(self, traced: TracedText) -> TracedText:
        """Abbreviations written out, and the dots of initials taken away so that no sentence ends there."""
        text = traced.text

        def write(match: re.Match[str]) -> str | None:
            start, end = match.span()
            if start and self._letter.match(text[start - 1]):
                return None
            if not match.group().endswith(".") and end < len(text) and self._letter.match(text[end]):
                return None
            if match.group().rstrip(".") in self._codes and re.match(r" ?[0-9]", text[end : end + 2]):
                return None
            if match.group() == "No." and not re.match(r" ?[0-9]", text[end : end + 2]):
                return None
            word = self._abbreviations[match.group()]
            return word + " " if end < len(text) and text[end] not in " ,.;:?!\n" else word

        traced = traced.rewrite(self._abbreviation, write)
        traced = traced.rewrite(_DOTTED, self._dotted)
        text = traced.text

        def join(match: re.Match[str]) -> str | None:
            if match.start() and self._letter.match(text[match.start() - 1]):
                return None
            name = match.group()[:-1]
            if name.isascii():
                return self._spell(name) + " "
            alone = text[match.end()] == " " and text[match.start() - 1 : match.start()] != "."
            return None if alone and name in self._not_initial else name + " "

        return traced.rewrite(self._initial, join)

    def _dotted(self, match: re.Match[str]) -> str:
        """U.S.A. by its letters; its last dot stays only where the text or line ends."""
        last = match.end() == len(match.string) or match.string[match.end()] == "\n"
        return self._spell(match.group()) + ("." if last else " ")

    def single(self, traced: TracedText) -> TracedText:
        """Signs that are left become words; those that only decorate become spaces."""
        text = traced.text

        def write(match: re.Match[str]) -> str:
            word = self._single.get(match.group(), "")
            between = match.start() > 0 and match.end() < len(text) and text[match.end()].isalnum()
            if match.group() == "/" and not between:
                word = ""
            return f" {word} " if word not in ("", ",") else word or " "

        return traced.rewrite(self._sign, write)
