"""Notices, strictness, English inside, and the whole recorded corpus."""

import pytest

from swaram.text import SymbolTable, TextFrontend
from swaram.text.english import is_acronym, sounds_of
from swaram.text.frontend import TextError
from tests.recorded_speech import RECORDINGS


def spoken(text: str, code: str) -> str:
    return " | ".join(sentence.text for sentence in TextFrontend(code).analyse(text).sentences)


def test_the_whole_malayalam_corpus_goes_through_with_nothing_unknown():
    frontend, table = TextFrontend("ml", strict=True), SymbolTable.for_languages("ml")
    transcripts = (RECORDINGS / "sentences.txt").read_text(encoding="utf-8").strip().split("\n")
    assert len(transcripts) > 500
    for transcript in transcripts:
        analysis = frontend.analyse(transcript)
        assert analysis.sentences and not analysis.notices, transcript
        for sentence in analysis.sentences:
            table.encode(sentence.text)


def test_what_is_dropped_is_named_with_its_place():
    text = "ശരി 😀 नमस्ते \x07 വരൂ"
    notices = TextFrontend("ml").analyse(text).notices
    assert [notice.kind for notice in notices] == ["dropped"] * 3
    assert [text[notice.start : notice.end] for notice in notices] == ["😀", "नमस्ते", "\x07"]
    assert "GRINNING FACE" in notices[0].message and "not of Malayalam" in notices[0].message
    assert all("\n" not in notice.message for notice in notices)


def test_what_is_assumed_is_said():
    (notice,) = TextFrontend("ta").analyse("BJP").notices
    assert notice.kind == "assumed" and "letter by letter: பி ஜே பி" in notice.message


def test_strict_makes_an_error_of_what_would_be_dropped_but_not_of_what_is_assumed():
    strict = TextFrontend("ml", strict=True)
    assert strict.analyse("BJP ശരി").sentences
    with pytest.raises(TextError, match="character 4: dropped U\\+1F600"):
        strict.analyse("ശരി 😀")


def test_empty_text_has_no_sentences():
    for text in ("", " ", "\n\n", "...", "😀"):
        assert TextFrontend("ml").analyse(text).sentences == []


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("ml", "BJP", "ബി ജെ പി"),
        ("te", "BBC", "బి బి సి"),
        ("mr", "ATM", "ए टी एम"),
        ("ml", "computer", "കമ്പ്യൂട്ടർ"),
        ("ml", "www.bbc.in", "ഡബ്ല്യു ഡബ്ല്യു ഡബ്ല്യു ഡോട്ട് ബി ബി സി ഡോട്ട് ഇൻ"),
        ("kn", "A4", "ಎ ನಾಲ್ಕು"),
        ("gu", "5G", "પાંચ જી"),
        ("ml", "WhatsApp-ൽ", "വാട്സ്ആപ്പിൽ"),
    ],
)
def test_english_inside_is_read_in_the_script_of_the_language(code, text, expected):
    assert spoken(text, code) == expected


@pytest.mark.parametrize(
    ("word", "acronym"),
    [("BJP", True), ("IIT", True), ("USA", True), ("NASA", False), ("hello", False), ("www", True), ("AND", False)],
)
def test_acronyms_are_told_from_words(word, acronym):
    assert is_acronym(word) is acronym


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("night", "n ai t"),
        ("nation", "n ee sh a n"),
        ("cake", "k ee k"),
        ("ship", "sh i p"),
        ("rain", "r ee n"),
        ("thing", "th i ng"),
        ("knife", "n ai f"),
    ],
)
def test_english_words_are_sounded_out_by_rule(word, sounds):
    assert " ".join(sounds_of(word)) == sounds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("₹1", "ഒരു രൂപ"),
        ("₹1,00,000", "ഒരു ലക്ഷം രൂപ"),
        ("₹2.50", "രണ്ട് രൂപ അമ്പത് പൈസ"),
        ("₹-5", "മൈനസ് അഞ്ച് രൂപ"),
        ("24:00", "ഇരുപത്തിനാല് മണി"),
        ("0484-2345678", "പൂജ്യം നാല് എട്ട് നാല്, രണ്ട് മൂന്ന് നാല് അഞ്ച് ആറ് ഏഴ് എട്ട്"),
        ("+91 9876543210", "പ്ലസ് ഒമ്പത് ഒന്ന്, ഒമ്പത് എട്ട് ഏഴ് ആറ് അഞ്ച് നാല് മൂന്ന് രണ്ട് ഒന്ന് പൂജ്യം"),
        ("3-0", "മൂന്ന് പൂജ്യം"),
        ("5x5", "അഞ്ച് ബൈ അഞ്ച്"),
    ],
)
def test_amounts_and_codes_at_the_edges(text, expected):
    assert spoken(text, "ml") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rs 1.5 lakh crore", "one point five lakh crore rupees"),
        ("5-6 lakh", "five to six lakh"),
        ("₹500-₹1,000", "five hundred to one thousand rupees"),
        ("10%–20%", "ten to twenty percent"),
        ("50 Rs", "fifty rupees"),
        ("Rs. 500/-", "five hundred rupees"),
        ("Jan 1, 2024", "first january twenty twenty four"),
        ("2024/01/05", "fifth january twenty twenty four"),
        ("05.06.2024", "fifth june twenty twenty four"),
        ("the 1990s", "the nineteen nineties"),
        ("PIN 682001", "pin six eight two zero zero one"),
        ("192.168.1.1", "one hundred ninety two dot one hundred sixty eight dot one dot one"),
        ("24x7", "twenty four seven"),
        ("½ kg", "half kilogram"),
        ("10 sq ft", "ten square feet"),
        ("-40°C", "minus forty degrees celsius"),
        ("$1.5 million", "one point five million dollars"),
        ("16:00", "sixteen hundred hours"),
        ("10:30 a.m.", "ten thirty ay em"),
        ("1 km.", "one kilometre."),
        ("U.S.A.", "you ess ay."),
        ("COVID-19", "covid nineteen"),
        ("#1 & 2 + 2 = 4 / 1", "hash one and two plus two equals four one"),
        ("Hello (world)", "hello, world"),
        ("I am in Class A, he said No.", "i am in class a, he said no."),
        ("In 1990 in India", "in nineteen ninety in india"),
        ("O'Brien's BJP's", "o'brien's bee jay pee's"),
    ],
)
def test_indian_english_reads_numbers_and_signs_as_people_do(text, expected):
    assert spoken(text, "en-IN") == expected


def test_an_explanation_names_the_rule_and_the_place_of_what_was_typed():
    text = "ഡോ. രാമൻ ₹500-ന് 10:30-ന്"
    explained = TextFrontend("ml").explain(text)
    assert {entry.rule: text[entry.start : entry.end] for entry in explained} == {
        "abbreviation": "ഡോ.", "amount": "₹500-ന്", "time of day": "10:30-ന്",
    }  # fmt: skip


def test_emoji_and_flags_have_names_on_request():
    named = TextFrontend("en-IN", emoji="name").analyse("fine 😀👍🏽 🇮🇳")
    assert [s.text for s in named.sentences] == ["fine grinning face thumbs up flag eye en"] and not named.notices
