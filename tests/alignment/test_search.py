"""The best path: every word in its frames, what is not there passed by, what is not written filled."""

import numpy as np

from swaram.alignment.search import Prices, best_path, chain_of
from swaram.alignment.words import Word

UNITS = "abc"


def word(sounds):
    return Word(sounds, 0, 1, sounds)


def spoken(*stretches):
    """Scores of frames that are surely one sound each; "-" is silence, "?" a sound that is none of them."""
    rows = []
    for sound, frames in stretches:
        for frame in range(frames):
            row = np.full(1 + 3 * len(UNITS), -8.0, dtype=np.float32)
            if sound == "-":
                row[0] = 0.0
            elif sound == "?":
                row[1:] = -6.0
                row[7 + frame % 3] = 0.0
            else:
                row[3 * UNITS.index(sound) + 1 + min(2, 3 * frame // frames)] = 0.0
            rows.append(row)
    return np.stack(rows)


PRICES = Prices(filler=3.0, missing=5.0, absence=10.0)


def said(path, chain):
    return [int(number) for number in dict.fromkeys(chain.word[path].tolist()) if number >= 0]


def test_each_word_gets_its_frames_and_silence_between_may_be_missing():
    chain = chain_of([word("ab"), word("c")], UNITS)
    path = best_path(spoken(("-", 4), ("a", 6), ("b", 6), ("c", 9), ("-", 3)), chain)
    assert path is not None
    owner = chain.word[path]
    assert list(owner) == [-1] * 4 + [0] * 12 + [1] * 9 + [-1] * 3


def test_words_that_need_more_frames_than_there_are_have_no_path():
    assert best_path(spoken(("a", 5)), chain_of([word("ab")], UNITS)) is None


def test_a_word_that_is_not_spoken_is_passed_by_in_the_middle_and_at_both_ends():
    words = [word("cc"), word("ab"), word("bbb"), word("ba"), word("ccc")]
    chain = chain_of(words, UNITS)
    heard = spoken(("-", 3), ("a", 9), ("b", 9), ("-", 9), ("b", 9), ("a", 9), ("-", 3))
    path = best_path(heard, chain, PRICES)
    assert path is not None and said(path, chain) == [1, 3]


def test_speech_that_is_not_written_is_filled():
    chain = chain_of([word("ab"), word("ab")], UNITS)
    heard = spoken(("a", 9), ("b", 9), ("-", 5), ("?", 40), ("-", 5), ("a", 9), ("b", 9))
    path = best_path(heard, chain, PRICES)
    assert path is not None
    assert set(chain.word[path][25:60].tolist()) == {-1}
    assert said(path, chain) == [0, 1]


def test_a_recording_may_end_in_the_middle_of_its_text():
    chain = chain_of([word("ab"), word("c"), word("ab"), word("ab")], UNITS)
    path = best_path(spoken(("a", 9), ("b", 9), ("c", 9), ("-", 4)), chain, Prices(3.0, 50.0, 100.0), whole=False)
    assert path is not None and said(path, chain) == [0, 1]
