"""Edges of words and joints of syllables: no rule of any language may leave an ill-formed syllable."""

import itertools

import pytest

from swaram.languages import LANGUAGES
from swaram.text import TextFrontend
from swaram.text.letters import LETTERS, alone, alternation, apart, ill_formed, is_letter, join
from swaram.text.symbols import letters_of
from swaram.text.tables import load_table

NUMBERS = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "7",
    "8",
    "10",
    "11",
    "20",
    "25",
    "40",
    "99",
    "100",
    "108",
    "500",
    "1000",
    "1,00,000",
]
NUMBERS += [
    "2024",
    "1947",
    "2.5",
    "1,00,00,000",
    "₹1",
    "₹500",
    "₹2.5",
    "10:30",
    "9:45",
    "7:05",
    "5 km",
    "37°C",
    "10%",
    "1/2",
]
ENDINGS = {
    "ml": "ൽ ലെ ന് ന്റെ നാണ് ഓളം ോളം ത്തോളം കളിൽ ാം ാമത്തെ ആം ഉം ും ിൽ ലേറെ നുള്ളിൽ ക്ക് യുടെ യിൽ മത്",
    "ta": "ல் க்கு ஆம் ம் ந் வது ஆவது இல் களில் ஐ ன் உம் த்தில்",
    "te": "లో వ వది కి కు న ల లలో తో",
    "kn": "ನೇ ರಲ್ಲಿ ರಂದು ಕ್ಕೆ ರಷ್ಟು ದ ಗಳು ರಿಂದ",
    "bn": "ম য় টি টা টায় এর র ে ের লা রা ঠা ই শে তে",
    "as": "ম য় টা ৰ ত টি",
    "mr": "वा वी व्या ला री रे ऱ्या थे च्या ांचा ींची ात त",
    "ne": "औँ औं ौँ ौं लो को मा ले",
    "gu": "મો મી લી જો થો માં ની ના",
    "pa": "ਵਾਂ ਵੀਂ ਲਾ ਜਾ ਥਾ",
    "or": "ମ ୟ ଟି ରେ ର ତମ",
    "sa": "तमः तमे तमस्य",
    "kok": "वो लो री थो त च्या",
    "mai": "म मे क",
    "doi": "मां मीं",
    "brx": "थि आव",
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_ill_formed_syllable_comes_out_of_any_rule(code):
    frontend = TextFrontend(code)
    table = load_table(code)
    endings = ENDINGS.get(code, "").split() + list(table.get("suffixes", {}))
    # Every dependent sign of the language too, as if an ending began with it.
    endings += [sign for sign in letters_of(code) if alone(sign)]
    wrong = []
    for number, ending, between in itertools.product(NUMBERS, ["", *endings], ["", "-", " "]):
        if between == " " and ill_formed(ending):
            continue
        text = f"{number}{between}{ending}"
        for sentence in frontend.analyse(text).sentences:
            if place := ill_formed(sentence.text):
                wrong.append(f"{text}: {sentence.text} ({place})")
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.parametrize("code", LANGUAGES)
def test_scale_words_with_endings_leave_well_formed_amounts(code):
    frontend = TextFrontend(code)
    table = load_table(code)
    scales = [*table.get("scales", {}), *table.get("words", {}).get("bigs", "").split(), "lakh", "crore"]
    for scale, ending in itertools.product(scales, ["", *ENDINGS.get(code, "").split()]):
        for number in ("1", "5", "2.5"):
            spoken = " ".join(s.text for s in frontend.analyse(f"₹{number} {scale}{ending}").sentences)
            if not ill_formed(scale + ending):
                assert not ill_formed(spoken), (scale, ending, spoken)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_word_of_the_tables_is_well_formed(code):
    frontend = TextFrontend(code)
    numbers = frontend._quantities.numbers
    for number in [*range(1_000), 5_000, 25_000, 99_999, 10**5, 10**7]:
        assert not ill_formed(numbers.cardinal(number)), number
        assert not ill_formed(numbers.ordinal(number)), number


@pytest.mark.parametrize(
    ("text", "code", "money"),
    [
        ("গুরু ৫", "bn", "টাকা"),
        ("শুরু ১০", "bn", "টাকা"),
        ("सुरू १०", "mr", "रुपये"),
        ("ਗੁਰੁ 10", "pa", "ਰੁਪਏ"),
        ("ଅଗଷ୍ଟ ୧୫", "or", "ଟଙ୍କା"),
        ("യാരൂ 5", "ml", "രൂപ"),
        ("యారూ 5", "te", "రూపాయ"),
        ("ಯಾರೂ 5", "kn", "ರೂಪಾಯಿ"),
    ],
)
def test_the_end_of_a_word_is_no_sign_of_money(text, code, money):
    spoken = " ".join(sentence.text for sentence in TextFrontend(code).analyse(text).sentences)
    assert money not in spoken and spoken.split()[0] == text.split()[0]


@pytest.mark.parametrize(
    ("word", "ending", "joined"),
    [
        ("നാല്", "ിൽ", "നാലിൽ"),
        ("पाँच", "ौँ", "पाँचौँ"),
        ("रुपये", "ां", "रुपयेआं"),
        ("টাকা", "ের", "টাকাএর"),
        ("ஐந்து", "ில்", "ஐந்துஇல்"),
        ("ಐದು", "", "ಐದು"),
        ("दोन", "च्या", "दोनच्या"),
    ],
)
def test_an_ending_is_joined_to_the_last_syllable(word, ending, joined):
    assert join(word, ending) == joined and not ill_formed(joined)


def test_a_sign_that_stands_alone_becomes_a_vowel():
    assert apart("ിൽ") == "ഇൽ" and apart("্র") == "র" and apart("അ") == "അ"


@pytest.mark.parametrize(
    ("text", "place"), [("रुपयेांचा", "येा"), ("ാം", "ാ"), ("ക്്", "ക്്"), ("അി", "അി"), ("നാലിൽ", ""), ("অ্যাট", "")]
)
def test_ill_formed_places_are_found(text, place):
    assert ill_formed(text) == place


def test_marks_and_joiners_are_part_of_a_word():
    assert all(map(is_letter, "ാ്ം़্ੰ\u200c")) and not any(map(is_letter, " .।،₹5"))
    assert "0" not in LETTERS


def test_a_tree_of_words_finds_the_longest_first():
    import re

    pattern = re.compile(alternation(["ab", "abc", "b", "a.", "xyz"]))
    assert [match.group() for match in pattern.finditer("abcd a. ab xy b")] == ["abc", "a.", "ab", "b"]
    from_start = re.compile(alternation(["ab", "b"], from_word_start=True))
    assert [match.start() for match in from_start.finditer("ab bab b")] == [0, 3, 7]


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_ending_that_is_written_is_swallowed(code):
    frontend = TextFrontend(code)
    for suffix in load_table(code).get("suffixes", {}):
        for number in ("1", "2", "5", "8", "12", "40", "100"):
            alone, ended = (frontend.analyse(text).sentences[0].text for text in (number, number + suffix))
            assert ended != alone, number + suffix
