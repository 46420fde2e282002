"""Stretches of utterances hold whole words with their sound, and training resumes over them exactly."""

from pathlib import Path

import numpy as np
import pytest
import torch

from swaram.config.config import parse_config
from swaram.text.symbols import SymbolTable
from swaram.training import checkpoints
from swaram.training.batches import BatchOrder, collate, endless_batches, shared_out
from swaram.training.dataset import EncodedClip, load_dataset
from swaram.training.loop import Limits, train
from swaram.training.spans import draw_span, draw_spans, whole_span

TABLE = SymbolTable.for_languages("ml")
TEXT = "അമ്മ വീട്ടിൽ വന്നു, മഴ പെയ്തു."


def clip(text: str = TEXT, frames_each: int = 3) -> tuple[EncodedClip, np.ndarray]:
    symbols = tuple(TABLE.encode(text))
    durations = np.random.default_rng(1).integers(1, 2 * frames_each, len(symbols))
    return EncodedClip(Path("x.flac"), text, symbols, "anu", int(durations.sum()) * 256), durations


def test_a_span_is_whole_words_and_marks_stand_only_at_the_ends_of_the_sentence():
    utterance, durations = clip()
    edges = np.concatenate([[0], np.cumsum(durations)])
    words, seen = TEXT.split(), set()
    random = np.random.default_rng(0)
    for _ in range(300):
        span = draw_span(utterance, durations, 10, random)
        assert span is not None
        ids = utterance.symbols[span.symbols]
        written = "".join(TABLE.symbols[i] for i in ids)
        inner = written.replace("_", "").strip("^$")
        assert inner.split() == words[words.index(inner.split()[0]) :][: len(inner.split())] and inner != TEXT
        assert written.startswith("_^") == (inner.split()[0] == words[0])
        assert written.endswith("$_") == (inner.split()[-1] == words[-1])
        assert ids[0] == ids[-1] == 0 and ids[1::2].count(0) == 0
        assert (span.frames.start, span.frames.stop) == (edges[span.symbols.start], edges[span.symbols.stop])
        assert span.frame_count >= 10
        seen.add(inner)
    assert len(seen) == 14  # all stretches of five words but the whole


def test_a_single_word_and_what_is_too_short_stay_whole():
    random = np.random.default_rng(0)
    utterance, durations = clip("അമ്മ.")
    assert draw_span(utterance, durations, 1, random) is None
    utterance, durations = clip()
    assert draw_span(utterance, durations, int(durations.sum()), random) is None


def test_a_share_of_the_clips_is_cut_and_the_same_ones_for_the_same_seed(config):
    dataset = load_dataset(config.data.training_files, config, TABLE)
    spoken = [number for number, c in enumerate(dataset.clips) if " " in c.transcript]
    dataset.durations = [np.full(len(c.symbols), 4) for c in dataset.clips]
    batch = spoken * 20
    spans = [draw_spans(dataset, batch, 256, 0.5, 20, (1, 2, number)) for number in range(60)]
    cut = [s[i] != whole_span(dataset.clips[i], 256) for s in spans for i in spoken]
    assert 0.3 < np.mean(cut) < 0.7
    assert draw_spans(dataset, batch, 256, 0.5, 20, (1, 2, 3)) == spans[3] != spans[4]
    assert not any(
        s != whole_span(dataset.clips[i], 256) for i, s in draw_spans(dataset, batch, 256, 0, 0, (1,)).items()
    )


def test_a_batch_of_spans_holds_their_sound_and_shares_that_add_up(raw_config):
    raw_config["train"]["spans"] = 1.0
    config = parse_config(raw_config)
    dataset = load_dataset(config.data.training_files, config, TABLE)
    dataset.durations = [_spread(c) for c in dataset.clips]
    frames = np.array([c.samples // 256 for c in dataset.clips])
    order = BatchOrder(frames, 4, None, 3, 2)
    parts = [
        next(endless_batches(dataset, order, {"low": 0, "high": 1}, 256, 0, 0, rank, config.train))[2]
        for rank in (0, 1)
    ]
    spans = draw_spans(dataset, order.epoch(0)[0], 256, 1.0, config.train.segment_frames, (3, 0, 0))
    assert any(s != whole_span(dataset.clips[i], 256) for i, s in spans.items())
    for batch in parts:
        for row, index in enumerate(batch.clips):
            span, length = spans[index], int(batch.frame_lengths[row])
            own = dataset.audio(index)[span.frames.start * 256 : span.frames.stop * 256]
            assert length == span.frame_count and torch.equal(batch.audio[row, : length * 256], torch.from_numpy(own))
            assert batch.audio[row, length * 256 :].abs().sum() == 0
            assert int(batch.durations[row].sum()) == length
    for name in ("symbols", "frames"):
        assert sum(getattr(batch.shares, name) for batch in parts) == pytest.approx(1)
    assert parts[0].audio.shape[1] == parts[1].audio.shape[1]
    mine, shares = shared_out(dataset, order, order.epoch(0)[0], 0)
    assert (
        collate(dataset, mine, {"low": 0, "high": 1}, 256, shares=shares).frame_lengths.tolist()
        == frames[mine].tolist()
    )


def _spread(of: EncodedClip) -> np.ndarray:
    """The frames of a clip shared out evenly among its symbols."""
    return np.diff(np.linspace(0, of.samples // 256, len(of.symbols) + 1).astype(np.int64))


def test_a_run_with_spans_resumes_with_the_same_losses(raw_config, tmp_path):
    raw_config["train"] |= {"spans": 0.7, "deterministic": True}
    whole = train(parse_config(raw_config), limits=Limits(max_steps=4))
    raw_config["train"]["output_directory"] = str(tmp_path / "again")
    train(parse_config(raw_config), limits=Limits(max_steps=2))
    resumed = train(parse_config(raw_config), resume=True, limits=Limits(max_steps=4))
    one, other = (checkpoints.read_tensors(folder, "generator") for folder in (whole, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
