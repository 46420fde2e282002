"""The steps of a speech give the same samples and marks whoever calls them, and whenever."""

import itertools

import numpy as np
import pytest

from swaram.audio.flac import BLOCK_SAMPLES
from swaram.voice.engine import Engine
from swaram.voice.errors import SpeechError
from swaram.voice.request import SpeechRequest
from swaram.voice.synthesis import Prepared, Synthesis, pause_samples, tail_samples

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
