"""Character errors, confusions, and words left out or said twice."""

import pytest

from swaram.evaluation.intelligibility import align, confusions, letters, word_faults

SENTENCE = "കേരളത്തിൽ മഴ നന്നായി പെയ്യുന്നു"
# What a recogniser with a character error rate of about a quarter makes of it: no word is missing.
MISHEARD = "കേരലതിൽ മയ നന്നാഈ പെയുന്നു"


def test_edits_are_counted_and_attributed_to_the_symbols():
    alignment = align("കടൽ", "കഡൽ")
    assert alignment.edits == 1
    assert confusions(alignment.pairs) == {("ട", "ഡ"): 1}
    assert confusions(align("മല", "മലർ").pairs) == {("", "ർ"): 1}
    assert confusions(align("മലർ", "മല").pairs) == {("ർ", ""): 1}


def test_punctuation_does_not_count():
    assert letters("മഴ, മഴ!") == letters("മഴ മഴ") == "മഴ മഴ"


def test_a_misheard_sentence_has_no_missing_and_no_repeated_word():
    found = word_faults(SENTENCE, MISHEARD)
    assert found.words == 3 and not found.missing and not found.repeated


@pytest.mark.parametrize("heard", [SENTENCE, MISHEARD])
@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_word_left_out_is_found_whatever_else_is_misheard(heard, place):
    said = heard.split()
    del said[place]
    assert word_faults(SENTENCE, " ".join(said)).missing == (SENTENCE.split()[place],)


@pytest.mark.parametrize("heard", [SENTENCE, MISHEARD])
@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_word_said_twice_is_found_whatever_else_is_misheard(heard, place):
    said = heard.split()
    said.insert(place, said[place])
    found = word_faults(SENTENCE, " ".join(said))
    assert found.repeated == (SENTENCE.split()[place],) and not found.missing


def test_a_word_that_is_meant_to_be_repeated_is_no_fault():
    text = "വേഗം വേഗം വേഗം വരൂ"
    assert not word_faults(text, text).repeated
    assert not word_faults(text, text).missing
    assert word_faults(text, "വേഗം വരൂ").missing


def test_nothing_heard_is_every_word_missing():
    assert len(word_faults(SENTENCE, "").missing) == 3


def test_spaces_that_the_judge_misplaces_are_no_fault():
    found = word_faults(SENTENCE, SENTENCE.replace(" ", ""))
    assert not found.missing and not found.repeated
