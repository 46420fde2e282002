"""Where sentences end, where long ones are cut, and that every symbol knows where it came from."""

import pytest

from swaram.text import TextFrontend
from swaram.text.sentences import CLAUSE_PAUSE, LINE_PAUSE, SENTENCE_PAUSE, WORD_PAUSE


def pieces(text: str, code: str = "ml", **options) -> list[str]:
    return [sentence.text for sentence in TextFrontend(code, **options).analyse(text).sentences]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("ml", "അവൻ വന്നു. അവൾ പോയി", ["അവൻ വന്നു.", "അവൾ പോയി"]),
        ("bn", "সে এল। আমি গেলাম॥ কেন?", ["সে এল.", "আমি গেলাম.", "কেন?"]),
        ("ur", "وہ آیا۔ کیا؟ ہاں!", ["وہ آیا.", "کیا?", "ہاں!"]),
        ("ml", "ഒന്ന്\nരണ്ട്\r\nമൂന്ന്", ["ഒന്ന്", "രണ്ട്", "മൂന്ന്"]),
        ("ml", "അവൻ വന്നു... പോയി.", ["അവൻ വന്നു… പോയി."]),
        ("en-IN", "It is 3.14 now. Yes.", ["it is three point one four now.", "yes."]),
        ("en-IN", "Dr. A. B. Rao came. He left.", ["doctor ay bee rao came.", "he left."]),
        ("ml", "എന്താ?! “ശരി.” അവൻ പറഞ്ഞു", ["എന്താ?!", '"ശരി."', "അവൻ പറഞ്ഞു"]),
        ("ml", "...!?", []),
    ],
)
def test_sentences_end_where_a_reader_stops(code, text, expected):
    assert pieces(text, code) == expected


def test_pauses_are_longer_after_lines_than_after_sentences():
    first, second, third = TextFrontend("ml").analyse("ഒന്ന്. രണ്ട്.\nമൂന്ന്.").sentences
    assert (first.pause_after, second.pause_after, third.pause_after) == (SENTENCE_PAUSE, LINE_PAUSE, SENTENCE_PAUSE)


def test_long_sentences_are_cut_at_clauses_first_and_between_words_else():
    clause = "അവൻ വന്നു പോയി എന്നു പറഞ്ഞു"
    cut = TextFrontend("ml", longest=40).analyse(f"{clause}, {clause}, {clause}.").sentences
    assert [s.text for s in cut] == [f"{clause},", f"{clause},", f"{clause}."]
    assert [s.pause_after for s in cut] == [CLAUSE_PAUSE, CLAUSE_PAUSE, SENTENCE_PAUSE]
    words = TextFrontend("ml", longest=40).analyse("മലയാളം " * 30).sentences
    assert all(len(s.text) <= 40 for s in words)
    assert " ".join(s.text for s in words) == ("മലയാളം " * 30).strip()
    assert {s.pause_after for s in words[:-1]} == {WORD_PAUSE}


def test_a_word_without_end_is_cut_too_and_nothing_of_it_lost():
    text = "അമ്മ" * 200
    cut = pieces(text, longest=50)
    assert "".join(cut) == text and all(len(piece) <= 50 for piece in cut)


def test_symbols_point_back_to_the_characters_they_were_typed_as():
    text = "അവന്\u200d 25 പേരെ കണ്ടു 😀 ശരി."
    (sentence,) = TextFrontend("ml").analyse(text).sentences
    spoken, origins = sentence.text, sentence.origins
    assert text[origins[spoken.index("ഇരുപത്തിയഞ്ച്")]] == "2"
    assert text[origins[spoken.index("പേരെ")]] == "പ" and text[origins[spoken.index("ശരി")]] == "ശ"
    assert origins[spoken.index("ൻ")] in range(2, 5)
    assert origins[-1] == len(text) - 1


def test_numbers_spread_their_symbols_over_their_digits():
    text = "x 1947 y"
    (sentence,) = TextFrontend("en-IN").analyse(text).sentences
    start = sentence.text.index("nineteen")
    spread = sentence.origins[start : start + len("nineteen forty seven")]
    assert spread[0] == 2 and spread[-1] == 5 and spread == sorted(spread)


def test_english_words_that_sound_like_letters_still_end_sentences():
    sentences = TextFrontend("en-IN").analyse("I see. Tell me. We love you. Are we done?").sentences
    assert [sentence.text for sentence in sentences] == ["i see.", "tell me.", "we love you.", "are we done?"]
