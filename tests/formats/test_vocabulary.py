"""Vocabularies made elsewhere: blanks that are letters, letters written in older ways, marks that no text reaches."""

from pathlib import Path

import pytest

from swaram.formats.exchange import FormatError
from swaram.formats.vocabulary import read_symbols, symbol_table
from swaram.text.symbols import SymbolError, SymbolTable

HERE = Path("vocab.json")


def table(letters, *codes, **more):
    tokens = {letter: place for place, letter in enumerate(letters)}
    return symbol_table(tokens, len(letters), codes, blank=True, where=HERE, **more)


def test_the_blank_may_be_a_letter():
    symbols, _notes = table(["ക", " ", "ത", "ന", "മ", "പ", "യ", "ര"], "ml")
    assert symbols.encode("കത") == [0, 0, 0, 2, 0]
    assert SymbolTable.from_dict(symbols.to_dict()) == symbols


def test_chillus_are_written_as_the_voice_has_learnt_them():
    letters = [*"അകതനമപയര", " ", "്", "\u200d"]
    symbols, notes = table(letters, "ml")
    assert symbols.spell("അവൻ", [4, 5, 6]) == ("അവന്\u200d", [4, 5, 6, 6, 6])
    without, _notes = table(letters[:-1], "ml")
    assert without.spell("ൻ", [0])[0] == "ന്"
    assert any("വ" in note and "left out" in note for note in notes)


def test_a_dotted_letter_with_a_code_point_of_its_own_is_used():
    symbols, _notes = table([*"অকতনমপর", " ", "ড", "়", "\u09dc"], "bn")
    assert symbols.spell("পড়া", [0, 1, 2, 3]) == ("প\u09dcা", [0, 1, 3])
    decomposed, _notes = table([*"অকতনমপর", " ", "ড", "়"], "bn")
    assert decomposed.spell("ড়", [0, 1]) == ("ড়", [0, 1])


def test_marks_that_the_voice_does_not_know_fall_silent_and_hyphens_part_words():
    symbols, notes = table([*"അകതനമപയര", " ", ","], "ml")
    assert symbols.spell("അ-ക, ത.", list(range(7))) == ("അ ക, ത", [0, 1, 2, 3, 4, 5])
    assert any("pauses stand between sentences" in note for note in notes)


def test_a_vocabulary_of_another_script_is_refused():
    with pytest.raises(FormatError, match=r"not letters of Malayalam.*uroman or phonemes"):
        table("abcdefghij klmnop", "ml")
    symbols, _notes = table("abcdefghijklmnopqrstuvwxyz '", "en-IN")
    assert symbols.encode("ab")[1::2] == [0, 1]


def test_ids_outside_of_the_model_and_long_tokens():
    with pytest.raises(FormatError, match="has the id 9"):
        symbol_table({"അ": 9}, 9, ["ml"], blank=True, where=HERE)
    letters = [*"അകതനമപയര", "<unk>", "ക്ഷ"]
    symbols, notes = table(letters, "ml")
    assert symbols.symbols[-2:] == ["", ""] and len(symbols) == 10
    assert any("ക്ഷ" in note for note in notes)


def test_lists_of_symbols_are_read(tmp_path):
    (tmp_path / "a.txt").write_text("_\n \nഅ\n", encoding="utf-8")
    (tmp_path / "b.json").write_text('["_", " ", "", "അ"]', encoding="utf-8")
    (tmp_path / "c.json").write_text('{"അ": 5}', encoding="utf-8")
    assert read_symbols(tmp_path / "a.txt") == {"_": 0, " ": 1, "അ": 2}
    assert read_symbols(tmp_path / "b.json") == {"_": 0, " ": 1, "അ": 3}
    assert read_symbols(tmp_path / "c.json") == {"അ": 5}
    (tmp_path / "d.txt").write_text("അ\nഅ\n", encoding="utf-8")
    for name in ("d.txt", "missing.txt"):
        with pytest.raises(FormatError, match=name):
            read_symbols(tmp_path / name)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"blank_id": 9}, "blank_id"),
        ({"blank_id": True}, "blank_id"),
        ({"edges": "no"}, "edges"),
        ({"spellings": {"x": "y"}}, "spellings"),
        ({"spellings": ["x"]}, "spellings"),
    ],
)
def test_wrong_descriptions_name_their_key(more, words):
    with pytest.raises(SymbolError, match=words):
        SymbolTable.from_dict({"symbols": ["_", "b"], "blank": True, "bos": False, "eos": False} | more)


def test_blanks_may_stand_between_symbols_only():
    symbols = SymbolTable(["_", "a", "b"], bos=False, eos=False, edges=False)
    assert symbols.encode("ab") == [1, 0, 2]
