"""Units: sounds of the script, and back to the same text."""

import pytest

from swaram.recognition.units import BLANK, UnitTable, plain

TEXTS = {
    "ml": ["പാണ്ടൻ നായുടെ പല്ലിനു ശൗര്യം പണ്ടേപോല ഫലിയ്ക്കുന്നില്ല.", "ചങ്ങലയ്ക്കു ഭ്രാന്തു പിടിച്ചാലോ?", "അത് ഐക്യമത്യം", "ഋഷി കൃഷി ദുഃഖം"],
    "ta": ["வணக்கம் நண்பரே, எப்படி இருக்கிறீர்கள்?", "அஃது தமிழ்"],
    "te": ["నమస్కారం, మీరు ఎలా ఉన్నారు?"],
    "kn": ["ಕನ್ನಡ ಅಕ್ಕ ಬಂದಳು"],
    "mr": ["मराठी भाषा खूप चांगली आहे", "पाऊस आला"],
    "bn": ["আমি বাংলায় কথা বলি", "বড় বাড়ি"],
    "gu": ["મને ગુજરાતી આવડે છે"],
    "or": ["ମୁଁ ଓଡ଼ିଆ କହେ"],
    "pa": ["ਮੈਂ ਪੰਜਾਬੀ ਬੋਲਦਾ ਹਾਂ"],
    "ur": ["میں اردو بولتا ہوں"],
    "sat": ["ᱥᱟᱱᱛᱟᱲᱤ"],
    "en-IN": ["hello there, how are you"],
}


@pytest.mark.parametrize("language", TEXTS)
def test_text_comes_back_as_it_was(language):
    from swaram.text.normalise import normalise

    texts = [normalise(text, language) for text in TEXTS[language]]
    table = UnitTable.for_texts(language, texts, at_least=1)
    for text in texts:
        assert table.decode(table.encode(text)) == plain(text)


def test_vowels_are_explicit_and_double_consonants_are_one():
    table = UnitTable.for_texts("ml", ["അമ്മ"], at_least=1)
    assert [table.units[i] for i in table.encode("കമല അമ്മ")] == ["ക", "അ", "മ", "അ", "ല", "അ", " ", "അ", "മ്മ", "അ"]
    assert [table.units[i] for i in table.encode("കാലത്ത്")] == ["ക", "ആ", "ല", "അ", "ത", "ത", "്"]


def test_a_consonant_whose_vowel_was_not_heard_gets_a_virama():
    table = UnitTable.for_texts("ml", [])
    ids = [table.units.index(unit) for unit in ("ക", " ", "ക", BLANK, "ല", "അ")]
    assert table.decode(ids) == "ക് ക്ല"


def test_what_is_not_of_the_language_is_left_out():
    table = UnitTable.for_texts("ml", [])
    assert table.decode(table.encode("കട, ABC 12 (വീട്)")).split() == ["കട", "വീട്"]
