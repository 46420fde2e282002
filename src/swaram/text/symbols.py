"""Symbols: what a voice reads. One code point each, so that a voice also loads in other engines."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from swaram.errors import SwaramError
from swaram.languages import get_language
from swaram.text.tables import load_table

BLANK, BOS, EOS = "_", "^", "$"
SPACE = " "
PUNCTUATION = "!\"',-.:;?…"


class SymbolError(SwaramError):
    """A symbol table that cannot be used, or text that holds something outside of it."""


def letters_of(code: str) -> str:
    """The letters and signs of one language that remain after normalisation, in code point order."""
    return "".join(sorted(set(load_table(get_language(code).code)["letters"]) - set(" \n")))


class SymbolTable:
    """An ordered list of symbols; a symbol's id is its place.

    The last three arguments are for voices made elsewhere.

    Args:
        symbols: the symbols, each one code point, none twice; an empty one is a place that no text reaches.
        blank: whether a blank stands before, between and after the symbols (``_ ^ _ a _ b _ $ _``).
        bos: whether ``^`` begins every sentence.
        eos: whether ``$`` ends every sentence.
        blank_id: the blank's id where it is not that of ``_``: it may be a letter's.
        edges: whether a blank also stands before the first symbol and after the last.
        spellings: how what the front end gives is written in this table, longest first; "" leaves it out.

    Raises:
        SymbolError: for a symbol of several code points, a double, a switched-on mark that is missing, or a spelling
            outside of the table.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        blank: bool = True,
        bos: bool = True,
        eos: bool = True,
        blank_id: int | None = None,
        edges: bool = True,
        spellings: Mapping[str, str] | None = None,
    ) -> None:
        self.symbols = list(symbols)
        self.blank, self.bos, self.eos = blank, bos, eos
        self.blank_id, self.edges, self.spellings = blank_id, edges, dict(spellings or {})
        self._ids = {symbol: number for number, symbol in enumerate(self.symbols) if symbol}
        for symbol in self._ids:
            if len(symbol) != 1:
                raise SymbolError(f"symbol table: {symbol!r} is not one code point; split or replace it.")
        if len(self._ids) != sum(map(bool, self.symbols)):
            double = next(s for s in self.symbols if s and self.symbols.count(s) > 1)
            raise SymbolError(f"symbol table: {double!r} stands twice; remove one of them.")
        if blank_id is not None and not 0 <= blank_id < len(self.symbols):
            raise SymbolError(f"symbol table: key 'blank_id' must be 0 to {len(self.symbols) - 1}, not {blank_id}.")
        for wanted, mark, switch in (
            (blank and blank_id is None, BLANK, "blank"),
            (bos, BOS, "bos"),
            (eos, EOS, "eos"),
        ):
            if wanted and mark not in self._ids:
                raise SymbolError(f"symbol table: {switch} is on but {mark!r} is missing; add it or turn {switch} off.")
        for given, spelling in self.spellings.items():
            if not given or not all(part in self._ids for part in spelling):
                raise SymbolError(f"symbol table: key 'spellings': {given!r} cannot be written {spelling!r}.")
        longest_first = sorted(self.spellings, key=len, reverse=True)
        self._spelt = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    @classmethod
    def for_languages(cls, *codes: str) -> "SymbolTable":
        """The stable table of one language, or of several in one voice (their letters united).

        ``_ ^ $``, space, punctuation, then the letters in code point order; the order of ``codes`` is of no
        consequence. Raises LanguageError for a code that is not offered, SymbolError for none at all.
        """
        if not codes:
            raise SymbolError("symbol table: no language given; name at least one, such as ml.")
        letters = sorted({letter for code in codes for letter in letters_of(code)} - set(PUNCTUATION))
        return cls([BLANK, BOS, EOS, SPACE, *PUNCTUATION, *letters])

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SymbolTable) and self.to_dict() == other.to_dict()

    def encode(self, text: str) -> list[int]:
        """Ids of one sentence, with marks and blanks as the switches say.

        Raises SymbolError for a character that is not in the table.
        """
        marked = (BOS if self.bos else "") + text + (EOS if self.eos else "")
        try:
            ids = [self._ids[character] for character in marked]
        except KeyError as missing:
            character = missing.args[0]
            raise SymbolError(
                f"text: {character!r} (U+{ord(character):04X}) at character {text.index(character)} is not a "
                "symbol of this voice; pass the text through TextFrontend of the voice's language first."
            ) from None
        if not self.blank:
            return ids
        blanked = [self._ids[BLANK] if self.blank_id is None else self.blank_id] * (2 * len(ids) + 1)
        blanked[1::2] = ids
        return blanked if self.edges else blanked[1:-1]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for checkpoints and voices; ``from_dict`` reads it."""
        data: dict[str, Any] = {"symbols": list(self.symbols), "blank": self.blank, "bos": self.bos, "eos": self.eos}
        if self.blank_id is not None:
            data["blank_id"] = self.blank_id
        if not self.edges:
            data["edges"] = False
        if self.spellings:
            data["spellings"] = dict(self.spellings)
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SymbolTable":
        """The table that ``to_dict`` described. Raises SymbolError where a key is missing or wrong."""
        symbols = data.get("symbols")
        if not isinstance(symbols, list) or not all(isinstance(s, str) for s in symbols):
            raise SymbolError("symbol table: key 'symbols' must be a list of strings; make the file again.")
        switches = {key: data.get(key, True) for key in ("blank", "bos", "eos", "edges")}
        for key, value in switches.items():
            if not isinstance(value, bool):
                raise SymbolError(f"symbol table: key {key!r} must be true or false, not {value!r}.")
        blank_id, spellings = data.get("blank_id"), data.get("spellings", {})
        if blank_id is not None and type(blank_id) is not int:
            raise SymbolError(f"symbol table: key 'blank_id' must be a number, not {blank_id!r}.")
        if not isinstance(spellings, dict) or not all(isinstance(s, str) for s in spellings.values()):
            raise SymbolError("symbol table: key 'spellings' must be an object of strings; make the file again.")
        return cls(symbols, **switches, blank_id=blank_id, spellings=spellings)

    def spell(self, text: str, origins: Sequence[int]) -> tuple[str, list[int]]:
        """Write text as ``spellings`` says; ``origins[i]`` is where ``text[i]`` came from.

        Both come back, as long as each other; what has no spelling stays.
        """
        if self._spelt is None:
            return text, list(origins)
        written: list[str] = []
        places: list[int] = []
        done = 0
        for match in self._spelt.finditer(text):
            spelling = self.spellings[match.group()]
            written += [text[done : match.start()], spelling]
            places += [*origins[done : match.start()], *[origins[match.start()]] * len(spelling)]
            done = match.end()
        return "".join([*written, text[done:]]), [*places, *origins[done:]]
