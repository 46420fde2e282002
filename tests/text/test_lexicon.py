"""A lexicon: whole words, the rules of capitals, beginnings of words, who comes first, files and their faults."""

import time

import pytest

from swaram.text.frontend import TextFrontend
from swaram.text.lexicon import MAX_ENTRIES, Lexicon, LexiconError

MALAYALAM = TextFrontend("ml")


def said(text, *lexicons, frontend=MALAYALAM):
    return " ".join(sentence.text for sentence in frontend.analyse(text, lexicons).sentences)


def test_whole_words_are_spelled_and_parts_of_words_are_not():
    lexicon = Lexicon({"മഴ": "മാമഴ", "ml": "മില്ലി"})
    assert said("മഴ പെയ്തു, മഴക്കാലം വന്നു. മഴ!", lexicon) == "മാമഴ പെയ്തു, മഴക്കാലം വന്നു. മാമഴ!"
    assert said("html", lexicon) == said("html")


def test_a_key_in_small_letters_matches_in_any_case_and_one_with_capitals_as_written():
    lexicon = Lexicon({"infosys": "ഇൻഫോസിസ്", "US": "യുഎസ്"})
    assert said("INFOSYS Infosys infosys", lexicon) == "ഇൻഫോസിസ് ഇൻഫോസിസ് ഇൻഫോസിസ്"
    assert said("US", lexicon) == "യുഎസ്"
    assert said("us", lexicon) == said("us")


def test_a_star_matches_the_beginning_of_a_word_and_keeps_its_ending():
    assert said("കോവിഡിന്റെ കോവിഡ്", Lexicon({"കോവിഡ*": "കോവിഡ", "കോവിഡ്": "കൊവിഡ്"})) == "കോവിഡിന്റെ കൊവിഡ്"
    assert said("ബാങ്കിൽ", Lexicon({"ബാങ്ക*": "ബാങ്ക"})) == "ബാങ്കിൽ"
    assert said("ബാങ്കിൽ", Lexicon({"ബാങ്ക*": "ബേങ്ക"})) == "ബേങ്കിൽ"


def test_keys_may_hold_spaces_signs_and_digits_and_the_longest_wins():
    lexicon = Lexicon({"C++": "സീ പ്ലസ് പ്ലസ്", "24x7": "എപ്പോഴും", "new delhi": "ന്യൂഡൽഹി", "new": "പുതിയ"})
    assert said("C++, 24x7. New Delhi new", lexicon) == "സീ പ്ലസ് പ്ലസ്, എപ്പോഴും. ന്യൂഡൽഹി പുതിയ"


def test_a_key_is_found_however_it_was_typed():
    lexicon = Lexicon({"ഫലിയ്‌ക്കുന്നു": "ഫലിക്കുന്നു"})  # with a joiner, which the text lacks
    assert said("ഫലിയ്ക്കുന്നു", lexicon) == "ഫലിക്കുന്നു"
    assert said("അവന്‍", Lexicon({"അവൻ": "അയാൾ"})) == "അയാൾ"  # the old spelling of a chillu in the text


def test_earlier_lexicons_come_before_later_ones():
    request, server = Lexicon({"മഴ": "ഒന്ന്"}), Lexicon({"മഴ": "രണ്ട്", "കാറ്റ്": "മൂന്ന്", "മഴ കാറ്റ്": "നാല്"})
    assert said("മഴ കാറ്റ്", request, server) == "ഒന്ന് കാറ്റ്"
    assert said("കാറ്റ്", request, server) == "മൂന്ന്"


def test_a_spelling_is_read_like_any_text_but_not_looked_up_again():
    lexicon = Lexicon({"ഒന്നാം": "10", "രണ്ട്": "ഒന്നാം"})
    assert said("ഒന്നാം", lexicon) == "പത്ത്"
    assert said("രണ്ട്", lexicon) == "ഒന്നാം"


def test_places_stay_those_of_the_user():
    text = "ഇന്ന് WHO വന്നു"
    (sentence,) = MALAYALAM.analyse(text, [Lexicon({"WHO": "ലോകാരോഗ്യ സംഘടന"})]).sentences
    spelled = sentence.text.index("ലോ"), sentence.text.index("വന്നു")
    assert text[sentence.origins[spelled[0]]] == "W"
    assert text[sentence.origins[spelled[1]]] == "വ"
    assert [e.rule for e in MALAYALAM.explain(text, [Lexicon({"WHO": "ഹൂ"})])] == ["lexicon"]


def test_entries_of_one_language_come_first_there_and_nowhere_else(tmp_path):
    path = tmp_path / "words.toml"
    path.write_text('AI = "എഐ"\n[ta]\nAI = "ஏஐ"\n', encoding="utf-8")
    lexicon = Lexicon.read(path)
    assert len(lexicon) == 2
    assert said("AI", lexicon) == "എഐ"
    assert said("AI", lexicon, frontend=TextFrontend("ta")) == "ஏஐ"


def test_a_table_may_have_comments_a_language_and_any_line_ends(tmp_path):
    path = tmp_path / "words.tsv"
    path.write_bytes("\ufeff# words\r\nAI\tഎഐ\tml\r\n\r\nഎൻ\u2028ഡ്\tഎൻഡ്\n".encode())
    lexicon = Lexicon.read(path)
    assert len(lexicon) == 2
    assert said("AI", lexicon) == "എഐ"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.tsv", b"only one cell\n", "line 1"),
        ("a.tsv", b"ok\tok\nx\t\n", "line 2"),
        ("a.tsv", b"AI\tx\thi\n", "'hi' is no language"),
        ("a.tsv", b"\xff\xfe", "not UTF-8"),
        ("a.toml", b"x = ", "not TOML"),
        ("a.toml", b"x = 5", "each spelling must be a text"),
        ("a.tsv", f"{'x' * 501}\ty\n".encode(), "each word must be a text"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path, name, content, complaint):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LexiconError, match=complaint):
        Lexicon.read(tmp_path / name)


def test_a_missing_file_and_too_many_entries_are_refused(tmp_path):
    with pytest.raises(LexiconError, match="cannot be read"):
        Lexicon.read(tmp_path / "none.tsv")
    with pytest.raises(LexiconError, match="more than"):
        Lexicon({str(i): "x" for i in range(MAX_ENTRIES + 1)})


def test_ten_thousand_entries_cost_little():
    lexicon = Lexicon({f"word{i}": "വാക്ക്" for i in range(10_000)})
    text = "മഴ പെയ്തു word77 കാറ്റ് വീശി. " * 2000
    lexicon.spans("", "ml")  # compiled
    begun = time.perf_counter()
    assert len(lexicon.spans(text, "ml")) == 2000
    assert time.perf_counter() - begun < 2.0
