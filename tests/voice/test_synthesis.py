"""The steps of a speech give the same samples and marks whoever calls them, and whenever."""

import itertools
import shutil

import numpy as np
import pytest

from swaram.audio.flac import BLOCK_SAMPLES
from swaram.text.lexicon import Lexicon
from swaram.voice.engine import Engine
from swaram.voice.errors import SpeechError
from swaram.voice.models import Latent
from swaram.voice.reader import TextFeed, TextMap
from swaram.voice.request import SpeechRequest
from swaram.voice.synthesis import Prepared, Synthesis, pause_samples, tail_samples
from swaram.voice.voice import Voice

TEXT = "അമ്മ വന്നു. നാളെ രാവിലെ വരാം! സുഖമാണോ? എനിക്ക് മലയാളം അറിയാം."


def dictated(engine: Engine, request: SpeechRequest, marks: str = "word") -> Synthesis:
    """The steps of a request whose text came in small pieces."""
    synthesis = engine.begin(request, marks)
    for start in range(0, len(TEXT), 7):
        synthesis.feed(TEXT[start : start + 7])
    synthesis.feed("", flush=True)
    return synthesis


def rendered(synthesis: Synthesis, prepared: list[Prepared]) -> list[np.ndarray]:
    return [
        synthesis.render(index, window)
        for index, passage in enumerate(prepared)
        for window in range(len(passage.window_samples))
    ]


@pytest.mark.parametrize("name", ["toy", "flowing_toy"])
@pytest.mark.parametrize("pause_scale", [0.0, 1.0, 2.7])
def test_steps_called_late_and_on_pieces_give_the_speech_of_the_engine(request, name, pause_scale):
    engine = request.getfixturevalue(name)
    asked = SpeechRequest(TEXT, seed=5, pause_scale=pause_scale)
    synthesis = dictated(engine, asked)
    assert synthesis.passages == 4
    prepared = [synthesis.prepare(index) for index in range(synthesis.passages)]
    parts = rendered(synthesis, prepared)
    speech = engine.synthesise(asked)
    assert np.array_equal(np.concatenate(parts), speech.audio)
    assert [len(part) for part in parts] == [n for passage in prepared for n in passage.window_samples]
    assert tuple(mark for passage in prepared for mark in passage.marks) == speech.marks


def test_passages_lie_one_after_another_in_text_and_time(toy):
    synthesis = dictated(toy, SpeechRequest(TEXT), marks="none")
    prepared = [synthesis.prepare(index) for index in range(synthesis.passages)]
    assert not any(passage.marks for passage in prepared)
    assert prepared[0].start == 0 and prepared[0].start_sample == 0
    for one, two in itertools.pairwise(prepared):
        assert one.end <= two.start and one.end_sample <= two.start_sample
    assert all(sum(passage.window_samples) % BLOCK_SAMPLES == 0 for passage in prepared)


def test_a_text_of_nothing_is_refused_whole_and_waited_on_in_pieces(toy):
    synthesis = toy.begin(SpeechRequest())
    with pytest.raises(SpeechError, match="empty"):
        synthesis.read(" ")
    assert synthesis.feed("😀", flush=True) and synthesis.passages == 0


def test_silence_fills_blocks():
    assert [tail_samples(n) for n in (0, 1, BLOCK_SAMPLES, BLOCK_SAMPLES + 1)] == [
        0,
        BLOCK_SAMPLES - 1,
        0,
        BLOCK_SAMPLES - 1,
    ]
    assert pause_samples(0.0, 300, 16_000) == 0
    assert pause_samples(2 * BLOCK_SAMPLES / 16_000, 0, 16_000) == 2 * BLOCK_SAMPLES
    assert pause_samples(2 * BLOCK_SAMPLES / 16_000, BLOCK_SAMPLES, 16_000) == BLOCK_SAMPLES


def test_a_break_of_ssml_is_silence_of_its_length_at_any_place(toy):
    rate = toy.voice.sample_rate
    plain = toy.synthesise(SpeechRequest("അമ്മ വന്നു"))
    marked = toy.synthesise(SpeechRequest('<speak><break time="1s"/>അമ്മ വന്നു<break time="2s"/></speak>'))
    spoken = len(plain.audio)
    assert abs(len(marked.audio) - spoken - 3 * rate) <= 2 * BLOCK_SAMPLES
    before = marked.marks[0].start_sample - plain.marks[0].start_sample
    assert abs(before - rate) <= BLOCK_SAMPLES
    assert not marked.audio[:before].any() and not marked.audio[-2 * rate + 2 * BLOCK_SAMPLES :].any()
    assert np.array_equal(marked.audio[before : before + spoken], plain.audio)


def test_the_rate_of_ssml_multiplies_that_of_the_request(toy):
    def seconds(text, speed=1.0):
        return toy.synthesise(SpeechRequest(text, speed=speed)).duration

    slow = '<speak><prosody rate="50%">അമ്മ വന്നു നാളെ രാവിലെ</prosody></speak>'
    assert seconds(slow) == seconds("അമ്മ വന്നു നാളെ രാവിലെ", 0.5)
    assert seconds(slow, 2.0) == seconds("അമ്മ വന്നു നാളെ രാവിലെ")


def test_the_lexicons_of_request_engine_and_voice_come_in_this_order(toy, toy_folder, tmp_path):
    folder = shutil.copytree(toy_folder / "toy", tmp_path / "voice")
    (folder / "lexicon.tsv").write_text("അമ്മ\tമാതാവ്\nനാളെ\tഇന്ന്\nവന്നു\tപോയി\n", encoding="utf-8")
    engine = Engine(Voice.open(folder), lexicons=[Lexicon({"നാളെ": "മറ്റന്നാൾ", "വന്നു": "എത്തി"})])

    def read(**options):
        return [p.text for p in engine.reader(SpeechRequest(**options)).read("അമ്മ നാളെ വന്നു").passages]

    assert read() == ["മാതാവ് മറ്റന്നാൾ എത്തി"]
    assert read(lexicon={"വന്നു": "നിന്നു"}) == ["മാതാവ് മറ്റന്നാൾ നിന്നു"]
    assert read() == ["മാതാവ് മറ്റന്നാൾ എത്തി"]


@pytest.mark.parametrize("name", ["toy", "flowing_toy", "shipped"])
@pytest.mark.parametrize("pause_scale", [0.0, 1.0])
def test_speech_that_follows_other_speech_is_as_if_both_were_one(request, name, pause_scale):
    engine = request.getfixturevalue(name)
    asked = SpeechRequest(seed=3, pause_scale=pause_scale)
    parts, ending = [], None
    for text in ("അമ്മ വന്നു. നാളെ രാവിലെ വരാം!", " സുഖമാണോ?", " എനിക്ക് മലയാളം അറിയാം."):
        synthesis = engine.begin(asked)
        synthesis.follow(ending)
        synthesis.read(text)
        parts += rendered(synthesis, [synthesis.prepare(index) for index in range(synthesis.passages)])
        ending = synthesis.ending
    whole = engine.synthesise(SpeechRequest(TEXT, seed=3, pause_scale=pause_scale))
    assert np.array_equal(np.concatenate(parts), whole.audio)


BOOK = "അമ്മ വീട്ടിൽ വന്നു, എന്നിട്ട് 12.5 രൂപ തന്നു. നാളെ രാവിലെ വരാം! സുഖമാണോ?\n"


def test_a_book_is_read_as_it_is_spoken(toy, monkeypatch):
    text, seen = BOOK * 60, []
    real = TextFeed.push
    monkeypatch.setattr(TextFeed, "push", lambda self, *a: seen.append(len(a[0])) or real(self, *a))
    stream = toy.stream(SpeechRequest(text, seed=2))
    next(stream)
    assert sum(seen) <= 2000 < len(text)
    stream.close()
    windows = list(toy.stream(SpeechRequest(text, seed=2)))
    whole = toy.synthesise(SpeechRequest(text, seed=2))
    assert np.array_equal(np.concatenate([window.samples for window in windows]), whole.audio)
    assert tuple(mark for window in windows for mark in window.marks) == whole.marks
    with pytest.raises(SpeechError, match="Nothing in the text can be spoken"):
        next(toy.stream(SpeechRequest("... !? " * 500)))


def test_a_text_that_is_ten_times_as_long_takes_ten_times_as_long(toy, monkeypatch):
    """Counted, not timed: how much of the text is looked at again, and how many passages are held."""
    looked = {}
    real = TextMap.extend
    for sentences in (40, 400):
        scanned, held = [0], [0]

        def extend(self, text, scanned=scanned):
            scanned[0] += len(self._rest) + len(text)
            real(self, text)

        monkeypatch.setattr(TextMap, "extend", extend)
        synthesis = toy.begin(SpeechRequest())
        monkeypatch.setattr(synthesis._models, "encode_passage", lambda *_: silence(), raising=False)
        text = BOOK * sentences
        index = 0
        for start in range(0, len(text), 1000):
            synthesis.feed(text[start : start + 1000], flush=start + 1000 >= len(text))
            while index < synthesis.passages:
                synthesis.prepare(index)
                index += 1
            held[0] = max(held[0], sum(passage is not None for passage in synthesis._passages))
        looked[sentences] = scanned[0] / len(text)
        assert index >= 3 * sentences - 2 and held[0] == 0
    assert looked[400] < 1.1 * looked[40] and looked[400] < 1.2


def silence() -> Latent:
    """A passage that is over at once."""
    return Latent(np.zeros((8, 0), np.float32), np.zeros(0, np.int64), None, 0)


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_words_are_found_however_the_text_is_cut(size):
    text, whole = BOOK * 2, TextMap(BOOK * 2)
    pieces = TextMap()
    for start in range(0, len(text), size):
        pieces.extend(text[start : start + size])
    for place in range(len(text)):
        assert pieces.span([place]) == whole.span([place])
