"""Text that is still being written: complete sentences leave at once, none is lost or doubled."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaram.text.ssml import SsmlError
from swaram.voice.errors import SpeechError
from swaram.voice.reader import MAX_PENDING_CHARACTERS, Reader, TextFeed

TEXT = "അമ്മ വന്നു. നാളെ രാവിലെ വരാം! സുഖമാണോ?\nഎനിക്ക് മലയാളം അറിയാം… ശരി"


def feed_of(toy) -> TextFeed:
    return TextFeed(Reader(toy.voice, "ml"))


def speak(feed: TextFeed, pieces: list[str]):
    passages = [passage for piece in pieces for passage in feed.push(piece).passages]
    return passages + feed.push("", flush=True).passages


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_however_the_text_comes_the_same_sentences_are_spoken(toy, cuts):
    places = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[a:b] for a, b in itertools.pairwise(places)]
    spoken = speak(feed_of(toy), pieces)
    assert [(p.text, p.origins) for p in spoken] == [
        (p.text, p.origins) for p in Reader(toy.voice, "ml").read(TEXT).passages
    ]


def test_a_sentence_leaves_once_it_is_complete(toy):
    feed = feed_of(toy)
    assert feed.push("അമ്മ വന്നു").passages == []
    assert feed.push(".").passages == []  # it could still be a decimal point
    assert [p.text for p in feed.push(" ").passages] == ["അമ്മ വന്നു."]
    assert feed.push("നാളെ").passages == []
    assert [p.text for p in feed.push("", flush=True).passages] == ["നാളെ"]
    assert feed.push("", flush=True).passages == []


def test_text_without_end_is_spoken_before_it_grows_large(toy):
    feed = feed_of(toy)
    words = "അമ്മ വീട്ടിൽ വന്നു "
    spoken = [p for _ in range(400) for p in feed.push(words).passages]
    assert sum(len(p.text) for p in spoken) > 400 * len(words) - 2 * MAX_PENDING_CHARACTERS
    spoken += feed.push("", flush=True).passages
    assert " ".join(p.text for p in spoken).split() == (words * 400).split()


def test_notices_point_into_the_whole_text(toy):
    feed = feed_of(toy)
    feed.push("അമ്മ വന്നു. ")
    notices = feed.push("നാളെ 😀 വരാം. ", flush=True).notices
    assert [(n.start, n.end) for n in notices] == [(17, 18)]


@pytest.mark.parametrize("piece", ["😀" * 100, "....", " \n ", ""])
def test_pieces_without_words_bring_nothing(toy, piece):
    feed = feed_of(toy)
    assert [p for _ in range(50) for p in feed.push(piece).passages] == []


MARKUP = '<speak>അമ്മ <break time="1s"/><prosody rate="slow">വന്നു</prosody>. നാളെ</speak>'


@pytest.mark.parametrize("size", [1, 3, 7, 200])
def test_markup_that_comes_in_pieces_is_read_whole(toy, size):
    pieces = [MARKUP[at : at + size] for at in range(0, len(MARKUP), size)]
    assert speak(feed_of(toy), pieces) == Reader(toy.voice, "ml").read(MARKUP).passages


def test_what_only_looks_like_markup_at_first_is_spoken_as_text(toy):
    feed = feed_of(toy)
    assert feed.push("<sp").passages == []
    assert [p.text for p in feed.push("ace> അമ്മ വന്നു. ").passages][-1].endswith("അമ്മ വന്നു.")


def test_ssml_can_be_switched_on_and_off(toy):
    reader = Reader(toy.voice, "ml")
    assert [p.text for p in reader.read('അമ്മ <sub alias="വന്നു">x</sub>', ssml=True).passages] == ["അമ്മ വന്നു"]
    assert len(reader.read("<speak>അമ്മ</speak>", ssml=False).passages[0].text) > len("അമ്മ")


def test_a_language_that_the_voice_does_not_read_is_refused_and_english_is_read_by_all(toy):
    reader = Reader(toy.voice, "ml")
    with pytest.raises(SsmlError, match="not sat"):
        reader.read('<speak>അമ്മ <lang xml:lang="sat">x</lang></speak>')
    with_tag = reader.read('<speak><lang xml:lang="en-US">bus</lang></speak>').passages
    assert [p.text for p in with_tag] == [p.text for p in reader.read("bus").passages]


def test_a_pitch_that_the_voice_cannot_change_is_refused_before_anything_is_spoken(toy):
    assert toy.voice.manifest.source is None
    with pytest.raises(SpeechError, match="makes its own pitch"):
        Reader(toy.voice, "ml").read('<speak>അമ്മ <prosody pitch="+1st">വന്നു</prosody></speak>')
