"""The twenty-two entries: codes, names, scripts, digits, directions and ends."""

import unicodedata

import pytest

from swaram.languages import LANGUAGES, LanguageError, get_language


def test_twenty_one_indian_languages_and_indian_english_are_offered():
    codes = "as bn brx doi gu kn ks kok mai ml mni mr ne or pa sa sat sd ta te ur en-IN"
    assert set(LANGUAGES) == set(codes.split())


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_entry_agrees_with_unicode(code):
    language = LANGUAGES[code]
    assert language.code == code and language.name and language.words_from in ("compared", "one source")
    assert [unicodedata.digit(digit) for digit in language.digits] == list(range(10))
    letters = [c for c in language.native_name if unicodedata.category(c)[0] in "LM"]
    assert letters and all(any(script.holds(c) for script in language.scripts) for c in letters)
    bidirectional = {unicodedata.bidirectional(c) for c in letters if unicodedata.category(c)[0] == "L"}
    assert language.direction == ("rtl" if bidirectional == {"AL"} else "ltr")
    assert ".?!" in language.sentence_ends


@pytest.mark.parametrize(
    ("given", "code"), [("ML", "ml"), ("ml-IN", "ml"), ("mal", "ml"), ("gom", "kok"), ("en", "en-IN"), (" ta ", "ta")]
)
def test_codes_may_be_written_in_several_ways(given, code):
    assert get_language(given).code == code


@pytest.mark.parametrize("code", ["hi", "HI", "hin", "hi-IN"])
def test_hindi_is_refused_by_its_code_with_the_reason(code):
    with pytest.raises(LanguageError, match="leaves Hindi out on purpose"):
        get_language(code)


def test_hindi_is_never_guessed_from_the_script():
    from swaram.text import TextFrontend

    text = "यह एक वाक्य है।"
    for code in ("mr", "ne", "kok", "mai", "doi", "brx", "sa"):
        assert TextFrontend(code).analyse(text).sentences[0].text == "यह एक वाक्य है."


def test_an_unknown_code_names_those_that_are_offered():
    with pytest.raises(LanguageError, match="'klingon' is not offered; choose one of as, bn, brx"):
        get_language("klingon")
