"""Streaming equals not streaming, the first sound comes before the rest is made, and a seed fixes everything."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from swaram.audio.flac import BLOCK_SAMPLES, to_integers
from swaram.runtime.carried import CarryError
from swaram.voice import models as carried_module
from swaram.voice.check import check_voice, examine_voice
from swaram.voice.engine import Engine
from swaram.voice.errors import SpeechError, VoiceError
from swaram.voice.reader import MAX_PASSAGE_SYMBOLS
from swaram.voice.request import SpeechRequest
from swaram.voice.synthesis import pause_samples, tail_samples
from swaram.voice.voice import Voice
from swaram.voice.windows import flow_pieces, windows

TEXT = "എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും. നാളെ രാവിലെ വരാം! സുഖമാണോ?"


def whole_pass(engine: Engine, request: SpeechRequest) -> np.ndarray:
    """The same speech by one decoder pass for each sentence."""
    passages = engine.reader(request).read(request.text).passages
    parts, tail = [], 0
    for index, passage in enumerate(passages):
        latent = engine.encode(passage, request, index)
        rate, pause = engine.voice.sample_rate, passages[index - 1].pause_after * request.pause_scale
        lead = pause_samples(pause, tail, rate) if index else 0
        tail = tail_samples(latent.length * engine.voice.hop_length)
        parts += [np.zeros(lead), engine.models.decode_whole(latent), np.zeros(tail)]
    return np.concatenate(parts)


@pytest.mark.parametrize("name", ["toy", "single_toy", "flowing_toy", "shipped"])
@pytest.mark.parametrize("speed", [0.7, 1.0, 1.9])
def test_joined_windows_equal_one_pass_of_the_decoder(request, name, speed):
    engine = request.getfixturevalue(name)
    speakers = [speaker.name for speaker in engine.voice.manifest.speakers] or [None]
    asked = SpeechRequest(TEXT, speaker=speakers[-1], speed=speed, seed=7)
    joined = np.concatenate([window.samples for window in engine.stream(asked)])
    whole = whole_pass(engine, asked)
    assert len(joined) == len(whole)
    assert np.abs(joined - whole).max() < 1e-5
    assert np.abs(to_integers(joined) - to_integers(whole)).max() <= 1
    assert np.abs(joined).max() > 0.01


@pytest.mark.parametrize("name", ["toy", "flowing_toy", "shipped"])
def test_streamed_samples_are_exactly_those_of_synthesise(request, name):
    engine = request.getfixturevalue(name)
    asked = SpeechRequest(TEXT, seed=3)
    speech = engine.synthesise(asked)
    streamed = np.concatenate([window.samples for window in engine.stream(asked)])
    assert np.array_equal(to_integers(streamed), to_integers(speech.audio))
    assert speech.sample_rate == engine.voice.sample_rate
    assert speech.duration == len(streamed) / speech.sample_rate


@pytest.mark.parametrize("part", ["decoder", "flow"])
def test_margins_that_are_too_small_would_be_noticed(flowing_toy, part):
    package, manifest = flowing_toy.voice.package, flowing_toy.voice.manifest
    shrunk = manifest.model_copy(update={part: getattr(manifest, part).model_copy(update={"right_margin": 3})})
    with pytest.raises(VoiceError, match="margins"):
        check_voice(Voice(replace(package, manifest=shrunk), "shrunk"))
    assert check_voice(flowing_toy.voice) < 1e-5


def test_the_first_window_waits_for_a_piece_of_the_flow_only(flowing_toy):
    request = SpeechRequest("അമ്മ വന്നു പോയി " * 8)
    passage = flowing_toy.reader(request).read(request.text).passages[0]
    latent = flowing_toy.encode(passage, request, 0)
    first, second, *_ = flowing_toy.windows(latent)
    assert latent.known == 0
    flowing_toy.models.decode(latent, first)
    assert first.high <= latent.known < latent.length // 2
    flowing_toy.models.decode(latent, second)
    assert second.high <= latent.known < latent.length


def test_a_flow_with_margins_is_cut_in_the_first_passage_only(flowing_toy, monkeypatch):
    request = SpeechRequest("അമ്മ വന്നു പോയി " * 8)
    passage = flowing_toy.reader(request).read(request.text).passages[0]
    carried = flowing_toy.synthesise(request).audio
    monkeypatch.setattr(carried_module, "carry_state", refuse)
    margins = Engine(flowing_toy.voice)
    assert margins.models.carries_state == {"flow": False, "decoder": False}
    assert flowing_toy.models.carries_state == {"flow": True, "decoder": True}
    latent = margins.encode(passage, request, 0)
    first, second, *_ = margins.windows(latent)
    margins.models.decode(latent, first)
    assert latent.known == first.high < latent.length // 2
    margins.models.decode(latent, second)
    assert latent.known == latent.length
    later = margins.encode(passage, request, 1)  # nobody waits for it: the margins would be wasted
    margins.models.decode(later, first)
    assert later.known == later.length
    assert np.abs(margins.synthesise(request).audio - carried).max() < 1e-5
    notes = examine_voice(flowing_toy.voice).notes
    assert [f"{name} computes its margins anew" in " ".join(notes) for name in ("flow.onnx", "decoder.onnx")] == [1, 1]
    assert any(note.endswith("which is slower: it stays as it is.") for note in notes)


def refuse(*_: object) -> None:
    raise CarryError("it stays as it is")


def test_windows_of_a_carried_state_come_in_order(toy):
    request = SpeechRequest("അമ്മ വന്നു പോയി " * 8)
    latent = toy.encode(toy.reader(request).read(request.text).passages[0], request, 0)
    first, second, third, *_ = toy.windows(latent)
    once = toy.models.decode(latent, first)
    with pytest.raises(ValueError, match=f"frame {second.start} comes next, not {third.start}"):
        toy.models.decode(latent, third)
    assert np.array_equal(toy.models.decode(latent, first), once)  # from the beginning again


@pytest.mark.parametrize("frames", [1, 64, 130, 166, 167, 1000, 5003])
def test_pieces_of_a_flow_are_whole_and_none_is_small(frames):
    highs = [window.high for window in windows(frames, 256, 16_000, 0, 29)]
    pieces = flow_pieces(frames, highs, 36)
    assert pieces[-1] == frames and list(pieces) == sorted(set(pieces))
    taken = [0, *(min(frames, edge + 36) for edge in pieces)]
    sizes = [b - a for a, b in itertools.pairwise(taken)] + [b - a for a, b in itertools.pairwise([0, *pieces])]
    assert min(sizes) >= min(frames, 65)
    assert pieces[0] in (frames, max(highs[0], 65))  # the first sound waits for no more
    for high in highs:
        assert next(edge for edge in pieces if edge >= high) <= high + 256 + 65 + 36


def test_the_first_window_is_short_and_the_others_grow(toy):
    parts = list(toy.stream(SpeechRequest(TEXT + " " + "അമ്മ വന്നു പോയി " * 6)))
    lengths = [len(part.samples) for part in parts]
    assert lengths[0] <= 0.6 * toy.voice.sample_rate
    assert max(lengths) >= 2 * lengths[0]
    assert all(length % BLOCK_SAMPLES == 0 for length in lengths)
    assert [part.start_sample for part in parts] == [0, *itertools.accumulate(lengths)][:-1]


@pytest.mark.parametrize("frames", [1, 2, 15, 16, 17, 23, 24, 25, 100, 1000, 5003])
def test_windows_cover_every_frame_once(frames):
    made = list(windows(frames, 256, 16_000, 11, 9))
    assert [window.start for window in made] == [0, *(window.end for window in made)][:-1]
    assert made[-1].end == frames
    for window in made:
        assert window.low == max(0, window.start - 11) and window.high == min(frames, window.end + 9)
        assert (window.end - window.start) * 256 % BLOCK_SAMPLES == 0 or window.end == frames


def test_the_first_window_comes_before_the_second_sentence_is_read(toy, monkeypatch):
    encoded = []
    real = toy.models.encode
    monkeypatch.setattr(toy.models, "encode", lambda *a: (encoded.append(a[3]), real(*a))[1])
    stream = toy.stream(SpeechRequest(TEXT + " " + TEXT))
    next(stream)
    assert len(encoded) <= 2  # its own and the one running ahead, of six
    stream.close()


def test_a_seed_fixes_the_samples_and_another_changes_them(toy):
    first, again, other = (toy.synthesise(SpeechRequest(TEXT, seed=seed)).audio for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert len(first) != len(other) or not np.allclose(first, other)


def test_speed_shortens_and_pauses_scale(toy):
    usual, fast, slow = (toy.synthesise(SpeechRequest(TEXT, speed=speed)).duration for speed in (1, 2, 0.5))
    assert fast < 0.75 * usual < usual < 0.75 * slow
    assert toy.synthesise(SpeechRequest(TEXT, pause_scale=0)).duration < usual
    assert toy.synthesise(SpeechRequest(TEXT, pause_scale=3)).duration > usual + 1


def test_speakers_are_found_by_name_and_by_id(toy, single_toy):
    by_name, by_id, by_text, first = (
        toy.synthesise(SpeechRequest(TEXT, speaker=speaker)).audio for speaker in ("SPEAKER-1", 1, "1", None)
    )
    assert np.array_equal(by_name, by_id) and np.array_equal(by_name, by_text)
    assert not np.array_equal(by_name, first)
    with pytest.raises(SpeechError, match=r"choose one of speaker-0 \(0\), speaker-1 \(1\)"):
        toy.synthesise(SpeechRequest(TEXT, speaker="nobody"))
    with pytest.raises(SpeechError, match="single speaker"):
        single_toy.synthesise(SpeechRequest(TEXT, speaker="nobody"))


def test_word_marks_point_into_the_text_and_follow_each_other(toy):
    text = "അമ്മ  വന്നു, (സുഖമാണോ)? \n നാളെ രാവിലെ."
    speech = toy.synthesise(SpeechRequest(text))
    assert [text[mark.start : mark.end] for mark in speech.marks] == ["അമ്മ", "വന്നു", "സുഖമാണോ", "നാളെ", "രാവിലെ"]
    times = [(mark.start_sample, mark.end_sample) for mark in speech.marks]
    assert all(start < end for start, end in times)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))
    assert times[-1][1] <= len(speech.audio)


def test_words_lie_where_the_durations_say(toy):
    request = SpeechRequest("അമ്മ വന്നു")
    passage = toy.reader(request).read(request.text).passages[0]
    durations = toy.encode(passage, request, 0).durations
    second = toy.synthesise(request).marks[1]
    # _ ^ _ അ _ മ _ ് _ മ _ ␠ _ വ: the second word's first id is number 13
    assert second.start_sample == durations[:13].sum() * toy.voice.hop_length


def test_a_sentence_without_end_is_read_in_passages(toy):
    text = "അമ്മ വീട്ടിൽ വന്നു " * 120
    request = SpeechRequest(text)
    passages = toy.reader(request).read(text).passages
    assert len(passages) > 5 and max(len(p.text) for p in passages) <= MAX_PASSAGE_SYMBOLS
    assert " ".join(p.text for p in passages).split() == text.split()
    assert all(text[o] == c for p in passages for o, c in zip(p.origins, p.text, strict=True))
    without_spaces = "അമ്മ" * 300
    pieces = toy.reader(request).read(without_spaces).passages
    assert "".join(p.text for p in pieces) == without_spaces


@pytest.mark.parametrize("text", ["", "  \n\t ", "....", "!?!", "😀😀", "你好", "\ud800", "\0\0"])
def test_texts_without_words_are_refused_in_one_sentence(toy, text):
    with pytest.raises(SpeechError) as error:
        toy.synthesise(SpeechRequest(text))
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


@pytest.mark.parametrize(
    "wrong",
    [{"speed": 0}, {"speed": float("nan")}, {"speed": 99}, {"seed": -1}, {"pause_scale": 6}, {"noise_scale": -1}],
)
def test_values_out_of_range_are_named(wrong):
    with pytest.raises(SpeechError, match=next(iter(wrong))):
        SpeechRequest(TEXT, **wrong)


def test_a_language_the_voice_does_not_read_is_refused(toy):
    with pytest.raises(SpeechError, match="reads ml"):
        toy.synthesise(SpeechRequest(TEXT, language="ta"))
