"""What must hold for any text at all, checked with texts nobody would think of."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaram.languages import LANGUAGES
from swaram.text import SymbolTable, TextFrontend
from swaram.text.normalise import is_composed, normalise
from swaram.text.symbols import letters_of
from swaram.text.tables import load_table

FRONTENDS = {code: TextFrontend(code) for code in LANGUAGES}
TABLES = {code: SymbolTable.for_languages(code) for code in LANGUAGES}
SIGNS = "0123456789 .,-:;/'\"₹$%&@#+=()…|*~\n\t\u200c\u200d\ufe0f😀é½²°–“”aKmRs.।॥۔؟،"
# Whatever combines with something, or is a composition of several.
COMBINING = [
    c
    for c in map(chr, range(0x80, 0x3100))
    if unicodedata.combining(c) or unicodedata.decomposition(c)[:1] not in ("", "<")
]
COMBINING += ["a", "e", "അ", "െ", "േ", "ാ", "ക", "ੳ", "ا", "\U0001d15e", "\U000110ba", "ᄀ", "ᅡ"]


def text_of(code: str) -> st.SearchStrategy[str]:
    """Text in the language's scripts with signs, digits and joiners strewn in."""
    ranges = [st.characters(min_codepoint=a, max_codepoint=b) for s in LANGUAGES[code].scripts for a, b in s.ranges]
    return st.text(st.one_of(*ranges, st.sampled_from(SIGNS)), max_size=60)


codes = st.sampled_from(sorted(LANGUAGES))
anything = st.text(st.characters(exclude_categories=()), max_size=80)
language_and_text = codes.flatmap(lambda code: st.tuples(st.just(code), st.one_of(text_of(code), anything)))


@settings(max_examples=200, deadline=None)
@given(language_and_text)
def test_normalising_twice_changes_nothing_more(case):
    code, text = case
    once = normalise(text, code)
    assert normalise(once, code) == once


@settings(max_examples=200, deadline=None)
@given(st.one_of(language_and_text.map(lambda case: case[1]), st.text(st.sampled_from(COMBINING), max_size=5)))
def test_a_text_is_found_composed_exactly_where_unicode_says_so(text):
    assert is_composed(text) == unicodedata.is_normalized("NFC", text)


@settings(max_examples=300, deadline=None)
@given(language_and_text)
def test_any_text_becomes_symbols_with_origins_and_never_an_exception(case):
    code, text = case
    analysis = FRONTENDS[code].analyse(text)
    for sentence in analysis.sentences:
        assert len(TABLES[code].encode(sentence.text)) == 2 * len(sentence.text) + 5
        assert not set(sentence.text) & set("_^$\n")
        assert len(sentence.origins) == len(sentence.text) <= FRONTENDS[code].longest
        assert sentence.origins == sorted(sentence.origins)
        assert all(0 <= origin < len(text) for origin in sentence.origins)
        assert sentence.pause_after >= 0
    for notice in analysis.notices:
        assert 0 <= notice.start < notice.end <= len(text)


@settings(max_examples=200, deadline=None)
@given(codes.flatmap(lambda code: st.tuples(st.just(code), st.text(letters_of(code) + " ", max_size=60))))
def test_no_letter_of_the_language_is_ever_lost(case):
    code, text = case
    if any(abbreviation in normalise(text, code) for abbreviation in load_table(code).get("abbreviations", {})):
        return
    said = "".join(sentence.text for sentence in FRONTENDS[code].analyse(text).sentences)
    if code != "en-IN":
        assert said.replace(" ", "") == normalise(text, code).replace(" ", "")


@settings(max_examples=150, deadline=None)
@given(language_and_text)
def test_what_was_spoken_is_spoken_the_same_again(case):
    code, text = case
    frontend = FRONTENDS[code]
    for sentence in frontend.analyse(text).sentences:
        # What sounds like "Sa." is written as the abbreviation of another word in Punjabi; nobody can tell them apart.
        rules = {entry.rule for entry in frontend.explain(sentence.text + "\n")}
        if rules & {"abbreviation", "initial", "initials", "month"}:
            continue
        if len(sentence.text) < frontend.longest // 2 and code != "en-IN":
            again = " ".join(s.text for s in frontend.analyse(sentence.text + "\n").sentences)
            assert again.replace(" ", "") == sentence.text.replace(" ", "")


@settings(max_examples=200, deadline=None)
@given(codes, st.binary(max_size=80))
def test_bytes_that_are_no_text_do_no_harm(code, data):
    FRONTENDS[code].analyse(data.decode("utf-8", errors="surrogateescape"))
    FRONTENDS[code].analyse(data.decode("latin-1"))


@pytest.mark.parametrize("code", ["ml", "bn", "ur", "en-IN"])
@pytest.mark.parametrize(
    "piece",
    [
        "1,",
        "12 ",
        "a",
        "aB.",
        "@",
        ". ",
        "-5 ",
        "₹",
        "http://a.",
        "ക്\u200d",
        "e\u0301",
        "1/2",
        "…",
        "Rs",
        "((a",
        "ന്",
        "\u0d3e\u0300",
        "\u093c\u094d",
        "12345 ",
        "5-",
        "₹1 lakh ",
        "A.B",
        "അ.",
        "5/",
        "(M)",
        "Mon-",
        "1-2/",
        "12/kg ",
    ],
)
def test_time_grows_with_the_length_of_the_text_and_no_faster(code, piece):
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        start = time.process_time()
        FRONTENDS[code].analyse(text)
        return time.process_time() - start

    # The least of several: a busy machine or a collection of garbage makes single timings several times too long.
    short = min(seconds(4_000) for _ in range(3))
    assert any(seconds(32_000) < 8 * 3.5 * max(short, 0.004) for _ in range(3))
