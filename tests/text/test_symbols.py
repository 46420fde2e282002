"""The symbol table is a promise to every voice trained on it."""

import pytest

from swaram.languages import LANGUAGES, LanguageError
from swaram.text import SymbolError, SymbolTable

MALAYALAM = (
    "_^$ !\"',-.:;?…ംഃഅആഇഈഉഊഋഎഏഐഒഓഔകഖഗഘങചഛജഝഞടഠഡഢണതഥദധനപഫബഭമയരറലളഴവശഷസഹ"
    "\u0d3e\u0d3f\u0d40\u0d41\u0d42\u0d43\u0d46\u0d47\u0d48\u0d4a\u0d4b\u0d4d\u0d57ൺൻർൽൾ"
)


def test_the_malayalam_table_never_changes():
    assert "".join(SymbolTable.for_languages("ml").symbols) == MALAYALAM


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_symbol_is_one_code_point_and_the_letters_are_in_order(code):
    symbols = SymbolTable.for_languages(code).symbols
    assert symbols[:4] == ["_", "^", "$", " "]
    assert all(len(symbol) == 1 for symbol in symbols) and len(set(symbols)) == len(symbols)
    assert symbols[14:] == sorted(symbols[14:])
    assert "\n" not in symbols
    assert not any(symbol.isdigit() for symbol in symbols)


def test_encoding_puts_blanks_around_every_symbol_and_marks_at_both_ends():
    table = SymbolTable.for_languages("ml")
    a, b = table.symbols.index("അ"), table.symbols.index("മ")
    assert table.encode("അമ") == [0, 1, 0, a, 0, b, 0, 2, 0]
    assert SymbolTable(table.symbols, blank=False).encode("അമ") == [1, a, b, 2]
    assert SymbolTable(table.symbols, bos=False, eos=False).encode("അമ") == [0, a, 0, b, 0]


def test_a_table_survives_being_written_down():
    table = SymbolTable(["_", "^", "$", " ", "a"], blank=False, eos=False)
    assert SymbolTable.from_dict(table.to_dict()) == table


def test_a_table_for_several_languages_holds_the_letters_of_all_whatever_their_order():
    table = SymbolTable.for_languages("ml", "ta", "en-IN")
    assert table == SymbolTable.for_languages("en-IN", "ta", "ml")
    assert all(letter in table for letter in "അஅa")


def test_a_table_made_elsewhere_without_blank_can_be_described():
    table = SymbolTable.from_dict({"symbols": ["a", "b"], "blank": False, "bos": False, "eos": False})
    assert table.encode("ba") == [1, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SymbolTable.for_languages("ml").encode("അz"), "'z'.*at character 1"),
        (lambda: SymbolTable(["_", "^", "$", "ab"]), "'ab' is not one code point"),
        (lambda: SymbolTable(["_", "^", "$", "a", "a"]), "'a' stands twice"),
        (lambda: SymbolTable(["a"]), "blank is on but '_' is missing"),
        (lambda: SymbolTable.for_languages(), "no language given"),
        (lambda: SymbolTable.from_dict({"symbols": "abc"}), "'symbols' must be a list"),
        (lambda: SymbolTable.from_dict({"symbols": ["_", "^", "$"], "blank": "yes"}), "'blank' must be true or false"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_one_sentence(make, message):
    with pytest.raises(SymbolError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_hindi_is_refused_with_the_reason_and_other_codes_with_the_list():
    with pytest.raises(LanguageError, match="leaves Hindi out on purpose"):
        SymbolTable.for_languages("hi")
    with pytest.raises(LanguageError, match=r"'xx' is not offered; choose one of as, bn"):
        SymbolTable.for_languages("xx")
