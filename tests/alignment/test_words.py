"""Words of a text as it was written, with what is to be heard for each."""

import pytest

from swaram.alignment.words import CLAUSE, NO_MARK, SENTENCE, words_of
from swaram.languages import LANGUAGES
from swaram.text.frontend import TextFrontend


def test_a_number_and_its_unit_are_one_word_and_marks_are_known():
    words = words_of("ಆನೆಯು 25 ಕೆ.ಜಿ. ಪ್ರಾಣಿ, ₹ 500 ಇವೆ. ಇಂದು <noise> ಮೂರು!", TextFrontend("kn"))
    assert [word.text for word in words] == ["ಆನೆಯು", "25 ಕೆ.ಜಿ.", "ಪ್ರಾಣಿ,", "₹ 500", "ಇವೆ.", "ಇಂದು <noise>", "ಮೂರು!"]
    assert [word.mark for word in words] == [NO_MARK, CLAUSE, CLAUSE, NO_MARK, SENTENCE, NO_MARK, SENTENCE]


def test_every_character_but_spaces_belongs_to_one_word():
    text = "— അതാണ്  സങ്കടം.\n\n(രണ്ട്) 12-ാം ദിവസം… ☺"
    words = words_of(text, TextFrontend("ml"))
    held = [place for word in words for place in range(word.start, word.end)]
    assert sorted(held) == sorted(set(held))
    assert set(range(len(text))) - set(held) <= {place for place, c in enumerate(text) if c.isspace()}
    assert all(text[word.start : word.end] == word.text for word in words)


SAMPLES = {
    "ur": "یہ کتاب ہے۔", "ks": "یہِ چھُ کِتاب۔", "sd": "هي ڪتاب آهي۔", "sat": "ᱱᱚᱣᱟ ᱯᱩᱛᱷᱤ᱾", "mni": "ꯃꯁꯤ ꯂꯥꯏꯔꯤꯛ ꯅꯤ꯫",
    "en-IN": "This is a book.", "ta": "இது புத்தகம்.", "as": "এইখন কিতাপ।", "mr": "हे पुस्तक आहे.", "gu": "આ પુસ્તક છે.",
    "pa": "ਇਹ ਕਿਤਾਬ ਹੈ।", "or": "ଏହା ବହି।", "te": "ఇది పుస్తకం.",
}  # fmt: skip


@pytest.mark.parametrize("code", SAMPLES)
def test_scripts_of_every_kind_have_sounds_that_the_models_know(code):
    from swaram.alignment.models import seed_models

    assert code in LANGUAGES
    words = words_of(SAMPLES[code], TextFrontend(code))
    assert [word.text for word in words] == SAMPLES[code].split()
    assert words[-1].mark == SENTENCE
    assert all(set(word.sounds) <= set(seed_models().units) for word in words)


def test_a_text_without_anything_to_speak_has_no_words():
    assert words_of(" … — \n", TextFrontend("ml")) == []
