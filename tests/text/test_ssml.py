"""SSML: what is spoken, at its place in the markup; never a tag; one sentence where it cannot be followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swaram.errors import SwaramError
from swaram.text.frontend import TextFrontend
from swaram.text.ssml import SsmlError, is_ssml, parse_ssml, read_ssml

FRONTENDS = {code: TextFrontend(code) for code in ("ml", "ta", "en-IN")}


def read(text):
    return read_ssml(text, lambda code: FRONTENDS[code or "ml"])


def said(text):
    return " | ".join(sentence.text for sentence in read(text).sentences)


def test_a_document_is_told_by_its_root():
    assert is_ssml("<speak>മഴ</speak>")
    assert is_ssml(' <?xml version="1.0"?>\n<!-- x --><speak version="1.1">മഴ</speak>')
    assert is_ssml("<ssml:speak>മഴ</ssml:speak>")
    assert not is_ssml("<speaker>മഴ")
    assert not is_ssml("മഴ <speak>")
    assert not is_ssml("5 < 6")


def test_a_break_is_exact_silence_wherever_it_stands():
    first, second = read(
        '<speak><break time="1s"/>ഒന്ന്<break time="250ms"/>രണ്ട്<break/><break time=".5s"/></speak>'
    ).sentences
    assert (first.silence_before, first.silence_after, first.pause_after) == (1.0, 0.25, 0.0)
    assert second.silence_after == pytest.approx(0.9)
    assert said('<speak>ഒന്ന് <break strength="none"/>രണ്ട്</speak>') == "ഒന്ന് രണ്ട്"


@pytest.mark.parametrize(
    ("markup", "reading"),
    [
        ('<say-as interpret-as="characters">WHO</say-as>', "ഡബ്ല്യു, എച്ച്, ഒ"),
        ('<say-as interpret-as="spell-out">ക്ഷണം</say-as>', "ക്ഷ, ണം"),
        ('<say-as interpret-as="digits">120</say-as>', "ഒന്ന്, രണ്ട്, പൂജ്യം"),
        ('<say-as interpret-as="telephone">98460 12345</say-as>', "ഒമ്പത് എട്ട് നാല് ആറ് പൂജ്യം, ഒന്ന് രണ്ട് മൂന്ന് നാല് അഞ്ച്"),
        ('<say-as interpret-as="cardinal">1947</say-as>', "ആയിരത്തി തൊള്ളായിരത്തി നാൽപ്പത്തിയേഴ്"),
        ('<say-as interpret-as="ordinal">3</say-as>', "മൂന്നാം"),
        ('<sub alias="ലോകാരോഗ്യ സംഘടന">WHO</sub>', "ലോകാരോഗ്യ സംഘടന"),
        ('<phoneme ph="സ്വരം">swaram</phoneme>', "സ്വരം"),
        ("മഴ &amp; വെയിൽ", "മഴ ആൻഡ് വെയിൽ"),
        ("<![CDATA[മഴ]]>", "മഴ"),
        ("<p>ഒന്ന്</p><p><s>രണ്ട്</s><s>മൂന്ന്</s></p>", "ഒന്ന് | രണ്ട് | മൂന്ന്"),
        ("മഴ\n  പെയ്തു", "മഴ പെയ്തു"),
        ("<emphasis level='strong'>മഴ</emphasis> <mark name='a'/>പെയ്തു", "മഴ പെയ്തു"),
    ],
)
def test_elements_are_read_as_they_say(markup, reading):
    assert said(f"<speak>{markup}</speak>") == reading
    assert said(markup) == reading  # a part without its root


def test_a_date_is_read_in_the_order_that_its_format_names():
    day_first = said('<say-as interpret-as="date" format="dmy">03/04/2024</say-as>')
    month_first = said('<say-as interpret-as="date" format="mdy">04/03/2024</say-as>')
    assert day_first == month_first
    assert "ഏപ്രിൽ" in day_first


def test_prosody_multiplies_and_adds_up_and_marks_stay_with_what_they_end():
    inside = '<prosody rate="slow" pitch="-12%">രണ്ട്</prosody>.'
    markup = f'<speak><prosody rate="80%" pitch="+2st">ഒന്ന് {inside}</prosody> മൂന്ന്</speak>'
    outer, inner, rest = read(markup).sentences
    assert (outer.speed, outer.pitch) == (0.8, 2.0)
    assert inner.speed == pytest.approx(0.6)
    assert inner.pitch == pytest.approx(2 - 2.213, abs=0.001)
    assert inner.text == "രണ്ട്."
    assert inner.pause_after == 0.4
    assert (rest.speed, rest.pitch) == (1.0, 0.0)


def test_a_language_is_read_by_its_own_front_end():
    first, second = read('<speak>മഴ <lang xml:lang="ta-IN">மழை 5</lang></speak>').sentences
    assert first.language is None
    assert (second.text, second.language) == ("மழை ஐந்து", "ta")


def test_places_are_those_in_the_markup():
    text = '<speak>ഒന്ന് <sub alias="രണ്ട് മൂന്ന്">WHO</sub> &amp; നാല്</speak>'
    (sentence,) = read(text).sentences
    at = {word: sentence.text.index(word) for word in ("ഒന്ന്", "മൂന്ന്", "ആൻഡ്", "നാല്")}
    assert text[sentence.origins[at["ഒന്ന്"]]] == "ഒ"
    assert text[sentence.origins[at["മൂന്ന്"]]] in "WHO"
    assert text[sentence.origins[at["ആൻഡ്"]]] == "&"
    assert text[sentence.origins[at["നാല്"]]] == "ന"
    assert sentence.origins == sorted(sentence.origins)


@pytest.mark.parametrize(
    ("markup", "complaint"),
    [
        ("<speak>മഴ", "no element found"),
        ("<speak>മഴ</p></speak>", "mismatched tag"),
        ("<speak>5 < 6</speak>", "not well-formed"),
        ("<speak>A & B</speak>", "not well-formed"),
        ("<speak><b>മഴ</b></speak>", "'b' is not followed"),
        ("<speak><audio src='x'/></speak>", "'audio' is not followed"),
        ("<!DOCTYPE speak [<!ENTITY a 'x'>]><speak>&a;</speak>", "document type"),
        ("<speak><break time='11s'/></speak>", "at most 10 seconds"),
        ("<speak><break time='soon'/></speak>", "seconds or milliseconds"),
        ("<speak><break strength='loud'/></speak>", "strength must be one of"),
        ("<speak><say-as>5</say-as></speak>", "needs the attribute interpret-as"),
        ("<speak><say-as interpret-as='poem'>5</say-as></speak>", "interpret-as must be one of"),
        ("<speak><say-as interpret-as='digits'>5<p/></say-as></speak>", "holds text alone"),
        ("<speak><sub>WHO</sub></speak>", "needs the attribute alias"),
        ("<speak><phoneme alphabet='ipa' ph='a'>മ</phoneme></speak>", "letters of the language"),
        ("<speak><lang>മഴ</lang></speak>", "needs xml:lang"),
        ("<speak><lang xml:lang='hi'>x</lang></speak>", "Hindi"),
        ("<speak><prosody rate='900%'>മഴ</prosody></speak>", "0.25 to 4 can be spoken"),
        ("<speak><prosody pitch='90Hz'>മഴ</prosody></speak>", "pitch must be one of"),
        ("<speak><prosody range='high'>മഴ</prosody></speak>", "not 'range'"),
        ("<speak>" + "<p>" * 60 + "</p>" * 60 + "</speak>", "deep"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_place(markup, complaint):
    with pytest.raises(SwaramError, match=complaint) as error:
        read(markup)
    assert str(error.value).startswith("SSML, character ") or str(error.value).startswith("language")
    assert "\n" not in str(error.value)


PIECES = [
    *("<p>", "</p>", "<break/>", "മഴ ", "12 ", "&amp;", "<s>", "</s>", ".", "<prosody rate='slow'>", "</prosody>"),
    *("<sub alias='അ'>", "</sub>", "\n", "x"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_any_markup_is_read_without_its_tags_or_refused(pieces):
    markup = "".join(pieces)
    try:
        analysis = read(markup)
    except SsmlError:
        return
    for sentence in analysis.sentences:
        assert not set("<>/=") & set(sentence.text)
        assert len(sentence.text) == len(sentence.origins)
        assert all(0 <= origin < len(markup) for origin in sentence.origins)
        assert sentence.origins == sorted(sentence.origins)


def test_long_markup_is_read_in_linear_time():
    stretches, notices = parse_ssml("<speak>" + '<s>മഴ</s><break time="1ms"/>' * 20_000 + "</speak>")
    assert len(stretches) == 20_000
    assert not notices
