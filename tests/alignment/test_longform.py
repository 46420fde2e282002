"""Long recordings of real clips: where words are found, what is caught, what is lost, and that nothing is dropped."""

from itertools import pairwise

import numpy as np
import pytest

from swaram.alignment.longform import align_long
from swaram.alignment.pieces import NOT_SPOKEN, NOT_WRITTEN, Limits
from tests.alignment.joined import Joined, aligner, clips, join, words

RATE = 16_000


def aligned(joined: Joined, hints=(), **limits):
    text = words(joined.text)
    parts = (joined.audio[at : at + 7_000] for at in range(0, len(joined.audio), 7_000))
    found = list(align_long(parts, text, aligner(), Limits(**limits), hints))
    return [p for part in found for p in part.pieces], [w for part in found for w in part.words], text


def owners(joined: Joined, text):
    """The clip that each word of the text comes from."""
    lines = joined.text.split("\n")
    edges = np.cumsum([len(line) + 1 for line in lines])
    return [joined.said[int(np.searchsorted(edges, word.start, side="right"))] for word in text]


def orders(count, seed):
    random = np.random.default_rng(seed)
    return [list(map(int, random.permutation(10))) for _ in range(count)]


def test_sentences_begin_and_end_where_they_do():
    errors = []
    for seed, order in enumerate(orders(3, 1)):
        joined = join(order, seed=seed)
        _, timed, text = aligned(joined)
        own = owners(joined, text)
        for number, _, start, end in joined.sentences:
            mine = [word for word, owner in zip(timed, own, strict=True) if owner == number and word.found]
            errors += [abs(mine[0].start - start), abs(mine[-1].end - end)]
    assert len(errors) == 60
    assert np.median(errors) < 0.040
    assert np.percentile(errors, 95) < 0.150


def test_pieces_follow_each_other_and_hold_every_word_once():
    joined = join([*range(10), *range(10)])  # longer than a window
    pieces, _, text = aligned(joined)
    assert pieces[0].start == 0
    assert all(abs(a.end - b.start) < 1e-6 for a, b in pairwise(pieces))
    assert pieces[-1].end == pytest.approx(len(joined.audio) / RATE, abs=0.02)
    assert [n for piece in pieces for n in range(piece.first, piece.last)] == list(range(len(text)))


def test_cuts_are_in_silence():
    joined = join(list(range(10)))
    pieces, _, _ = aligned(joined, most=8.0)
    for piece in pieces[:-1]:
        around = joined.audio[int((piece.end - 0.03) * RATE) : int((piece.end + 0.03) * RATE)]
        assert np.sqrt(np.mean(around**2)) < 10 ** (-40 / 20)
    assert max(piece.end - piece.start for piece in pieces) < 10


def test_a_sentence_each_on_request():
    joined = join(list(range(6)))
    pieces, _, text = aligned(joined, sentences=True)
    own = owners(joined, text)
    assert len(pieces) == 6
    assert [sorted(set(own[piece.first : piece.last])) for piece in pieces] == [[n] for n in range(6)]


def judge(joined: Joined, pieces, timed, own):
    """(wrong pieces, caught of them, right pieces, lost of them) of a recording whose sentences are known."""
    wrong = caught = right = lost = 0
    spoken = {number for number, *_ in joined.sentences}
    for piece in pieces:
        if piece.end - piece.start < 0.05:
            continue
        inside = {n for n, _, start, end in joined.sentences if min(end, piece.end) - max(start, piece.start) > 0.4}
        written = {own[n] for n in range(piece.first, piece.last) if timed[n].found}
        if not written and not inside & set(own):
            continue  # speech without a text, and given none
        if written == inside and written <= spoken:
            right, lost = right + 1, lost + bool(piece.reason)
        else:
            wrong, caught = wrong + 1, caught + bool(piece.reason)
    return np.array([wrong, caught, right, lost])


def test_swapped_missing_and_added_sentences_are_caught_and_right_ones_kept():
    total = np.zeros(4, dtype=int)
    for seed, order in enumerate(orders(4, 5)):
        at = 2 + seed
        other = 10 + 3 * seed
        damaged = {
            "swapped": [*order[:at], other, *order[at + 1 :]],
            "missing": [*order[:at], *order[at + 1 :]],
            "added": [*order[:at], other, *order[at:]],
            "none": order,
        }
        for written in damaged.values():
            joined = join(order, written, seed)
            pieces, timed, text = aligned(joined)
            total += judge(joined, pieces, timed, owners(joined, text))
    wrong, caught, right, lost = total
    assert right >= 45
    assert lost <= 0.03 * right, f"{lost} of {right} right pieces lost"
    assert caught >= 0.95 * wrong, f"{caught} of {wrong} wrong pieces caught"


def test_a_heading_that_is_not_read_and_an_announcement_that_is_not_written():
    spoken = join([12, *range(6)], [15, *range(6)])  # an announcement in another voice; a heading
    pieces, timed, text = aligned(spoken)
    own = owners(spoken, text)
    kept = {owner for piece in pieces if not piece.reason for owner in own[piece.first : piece.last]}
    assert {1, 2, 3, 4, 5} <= kept
    assert 15 not in {owner for owner, word in zip(own, timed, strict=True) if word.found} or 15 not in kept
    assert any(piece.reason in (NOT_SPOKEN, NOT_WRITTEN) for piece in pieces)


def test_a_text_that_has_nothing_to_do_with_the_recording_gives_no_piece():
    joined = join(list(range(5)), [20, 21, 22, 23, 24])
    pieces, _, _ = aligned(joined)
    assert all(piece.reason for piece in pieces)


def test_wrong_hints_do_no_harm():
    joined = join(list(range(8)))
    right, _, text = aligned(joined)
    wrong, _, _ = aligned(joined, hints=[600.0 + n for n in range(len(text))])
    assert sum(not piece.reason for piece in wrong) == sum(not piece.reason for piece in right)


def test_the_clips_are_those_of_thirty_readings():
    assert len(clips()) == 30


def test_words_that_are_not_spoken_before_the_last_sound_are_counted_too():
    from swaram.alignment.aligner import Alignment, Listening, TimedWord
    from swaram.alignment.pieces import cut_pieces

    text = words("ഒന്ന് രണ്ട് മൂന്ന്.")
    heard = Listening(np.zeros((300, 39), dtype=np.float32), np.zeros(300, dtype=np.float32))  # no silence to cut in
    timed = [TimedWord(text[0], 0.0, 1.0), TimedWord(text[1], 1.0, 1.0, False), TimedWord(text[2], 1.0, 1.0, False)]
    pieces = cut_pieces(Alignment(timed, [(1.5, 2.9)]), heard, Limits(), 3.0)
    assert [n for piece in pieces for n in range(piece.first, piece.last)] == [0, 1, 2]
    assert all(piece.reason for piece in pieces)
