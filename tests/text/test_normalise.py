"""What looks the same must become the same symbols, whichever keyboard typed it."""

import re
import unicodedata

import pytest

from swaram.languages import LANGUAGES
from swaram.text import TextFrontend
from swaram.text.normalise import normalise
from swaram.text.symbols import PUNCTUATION, letters_of
from swaram.text.tables import load_table
from swaram.text.wording import wording


def spoken(text: str, code: str) -> list[str]:
    return [sentence.text for sentence in TextFrontend(code).analyse(text).sentences]


@pytest.mark.parametrize(
    ("code", "one", "other"),
    [
        ("ml", "അവൻ", "അവന\u0d4d\u200d"),
        ("ml", "അവർ", "അവര\u0d4d\u200d"),
        ("ml", "വാൾ", "വാള\u0d4d\u200d"),
        ("ml", "മ\u0d57നം", "മ\u0d4cനം"),
        ("ml", "മ\u0d57നം", "മ\u0d46\u0d57നം"),
        ("ml", "എന്റെ", "എൻറെ"),
        ("ml", "എന്റെ", "എൻ്റെ"),
        ("ml", "കൊ", "ക\u0d46\u0d3e"),
        ("ml", "ഈ", "ഇ\u0d57"),
        ("bn", "বা\u09dcি", "বা\u09a1\u09bcি"),
        ("bn", "ক\u09cb", "ক\u09c7\u09be"),
        ("bn", "হঠাৎ", "হঠাত\u09cd\u200d"),
        ("or", "ବ\u0b5c", "ବ\u0b21\u0b3c"),
        ("or", "କ\u0b4b", "କ\u0b47\u0b3e"),
        ("pa", "\u0a5bਮੀਨ", "ਜ\u0a3cਮੀਨ"),
        ("pa", "ਆਇਆ", "ਅਾਇਆ"),
        ("mr", "वा\u0931\u094dयावर", "वार\u094d\u200dयावर"),
        ("mr", "ॲप", "अ\u0945प"),
        ("ta", "க\u0bcb", "க\u0bc7\u0bbe"),
        ("te", "క\u0c48", "క\u0c46\u0c56"),
        ("kn", "ಕ\u0ccb", "ಕ\u0cc6\u0cc2\u0cd5"),
        ("ur", "کتاب", "\u0643تاب"),
        ("ur", "پانی", "پان\u064a"),
        ("ur", "لا", "\ufefb"),
        ("sd", "ڪتاب", "\u0643تاب"),
        ("as", "ৰাম", "রাম"),
    ],
)
def test_two_ways_of_typing_give_the_same_symbols(code, one, other):
    assert one != other
    assert spoken(one, code) == spoken(other, code) != []


@pytest.mark.parametrize(
    ("code", "kept", "other"),
    [
        ("bn", "র\u200d\u09cdযাব", "র\u09cdযাব"),
        ("bn", "উদ\u09cd\u200cযাপন", "উদ\u09cdযাপন"),
        ("mr", "वार\u094d\u200dयावर", "वार\u094dयावर"),
        ("ml", "അവന\u0d4d\u200d", "അവന\u0d4d"),
    ],
)
def test_joiners_that_change_the_reading_make_a_difference(code, kept, other):
    assert spoken(kept, code) != spoken(other, code)


def test_rra_after_tta_is_left_alone():
    assert spoken("ലിറ്ററിന്", "ml") == ["ലിറ്ററിന്"]


def test_quotes_dashes_and_spaces_have_one_form():
    assert normalise("“a” ‘b’ c—d\u00a0e\u2003f\u200bg", "ml") == "\"a\" 'b' c-d e fg"


def test_normalised_text_is_composed_where_composition_is_canonical():
    assert unicodedata.is_normalized("NFC", normalise("ক\u09c7\u09be \u09dc é", "bn"))


def _strings(value, path):
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, f"{path}.{key}")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_word_of_the_tables_is_normalised_and_made_of_symbols(code):
    symbols = set(letters_of(code)) | set(PUNCTUATION) | set(" _|\n")
    words = list(wording(code).words.items()) + list(wording(code).units.items())
    words += [("months", month) for month in wording(code).months]
    words += [("letters", letter) for letter in wording(code).english.letters]
    for section in ("numbers", "fractions", "times", "dates"):
        words += list(_strings(load_table(code).get(section, {}), section))
    for path, word in words:
        if path in (
            "numbers.attributive",
            "numbers.range_fixes",
            "numbers.years",
            "times.at",
            "times.followed",
            "numbers.range_closing",
        ):
            continue
        plain = re.sub(r"\{\w*\}", "", word)
        assert set(plain) <= symbols, (path, word)
        assert normalise(re.sub(r"\s+", " ", plain), code) == re.sub(r"\s+", " ", plain), (path, word)
