"""Vocabularies of foreign voices as symbol tables, and how our front end's symbols are spelt in them."""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from swaram.formats.exchange import FormatError
from swaram.languages import get_language
from swaram.text.symbols import PUNCTUATION, SPACE, SymbolTable, letters_of

# Atomic chillus (Unicode 5.1) and the letters that older Malayalam texts write them with.
_CHILLUS = {"ൺ": "ണ്", "ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്", "ൿ": "ക്"}
_JOINER = "\u200d"
# Letters with a dot below that have a code point of their own, which composed forms (NFC) leave out.
_DOTTED = {
    unicodedata.normalize("NFD", letter): letter
    for letter in map(chr, (*range(0x958, 0x960), 0x9DC, 0x9DD, 0x9DF, 0xA33, 0xA36, 0xA59, 0xA5A, 0xA5B, 0xA5E, 0xB5C))
}
_FEWEST_LETTERS = 5


def symbol_table(
    tokens: dict[str, int], rows: int, languages: Sequence[str], *, blank: bool, where: Path
) -> tuple[SymbolTable, list[str]]:
    """The table of a voice whose blank, where it has one, is id 0, with nothing before or after a sentence.

    ``tokens``: id of each symbol; ``rows``: of the embedding table. Comes with a sentence for each thing that the user
    should know. Raises FormatError where ids lie outside of the table, or the voice knows no letters of a language.
    """
    places = [""] * rows
    notes = []
    longer = []
    for token, number in tokens.items():
        if type(number) is not int or not 0 <= number < rows:
            raise FormatError(f"{where}: the symbol {token!r} has the id {number!r}, the model has {rows}")
        if len(token) == 1:
            places[number] = token
        elif token and not (token.startswith("<") and token.endswith(">")):
            longer.append(token)
    if longer:
        notes.append(f"{len(longer)} symbols of several code points, such as {longer[0]!r}, cannot be reached by text.")
    spellings: dict[str, str] = {}
    known = {symbol for symbol in places if symbol}
    for code in languages:
        letters = letters_of(code)
        spellings |= _spellings(letters, known)
        strange = [c for c in letters if c not in known and not spellings.get(c)]
        if sum(1 for c in letters if c.isalpha() and c not in strange) < _FEWEST_LETTERS:
            name = get_language(code).name
            raise FormatError(
                f"{where}: its symbols ({''.join(sorted(known))[:40]} ...) are not letters of {name}; if it reads text "
                "romanised by uroman or phonemes, swaram cannot speak with it"
            )
        if strange:
            notes.append(
                f"{len(strange)} letters of {get_language(code).name} that the voice does not know are left out, with "
                f"a notice for each text: {' '.join(strange)}"
            )
    silent = [c for c in PUNCTUATION if c not in known]
    if silent:
        spellings |= {c: "" for c in silent}
        notes.append(f"the voice does not know {' '.join(silent)}: they are not read, pauses stand between sentences.")
        if "-" in silent and SPACE in known:
            spellings["-"] = SPACE
    table = SymbolTable(places, blank=blank, bos=False, eos=False, blank_id=0 if blank else None, spellings=spellings)
    return table, notes


def _spellings(letters: str, known: set[str]) -> dict[str, str]:
    """How letters that the table lacks, and dotted ones that it has as one symbol, are written in it."""
    found = {parts: dotted for parts, dotted in _DOTTED.items() if dotted in known and parts[0] in letters}
    for letter in letters:
        if letter in known:
            continue
        chillu = _CHILLUS.get(letter, "")
        ways = [
            letter.lower(),
            letter.upper(),
            unicodedata.normalize("NFD", letter),
            unicodedata.normalize("NFKD", letter),
        ]
        ways += [chillu + _JOINER, chillu] if chillu else []
        way = next((way for way in ways if way and set(way) <= known), "")
        if way:
            found[letter] = way
    return found


def read_symbols(path: Path) -> dict[str, int]:
    """Symbols and ids of a file: a JSON list, a JSON object of ids, or one symbol a line (an empty line is a space).

    Raises FormatError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text) if path.suffix == ".json" else text.replace("\r", "").removesuffix("\n").split("\n")
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: no readable list of symbols ({type(error).__name__})") from None
    if isinstance(content, list):
        symbols = [SPACE if symbol == "" and path.suffix != ".json" else symbol for symbol in content]
        content = {symbol: number for number, symbol in enumerate(symbols) if isinstance(symbol, str) and symbol}
        if len(content) != len([symbol for symbol in symbols if symbol]):
            raise FormatError(f"{path}: a symbol stands twice, or is no text")
    if not isinstance(content, dict) or not content:
        raise FormatError(f"{path}: holds no symbols; give a JSON list, or one symbol a line")
    return content
