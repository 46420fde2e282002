"""Every clip is seen once an epoch, whatever their number, in an order that depends on seed and epoch alone."""

import numpy as np
import pytest
import torch

from swaram.text.symbols import SymbolTable
from swaram.training.batches import BatchOrder, collate
from swaram.training.dataset import load_dataset


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 17, 100])
@pytest.mark.parametrize("batch_frames", [None, 700])
def test_an_epoch_holds_every_clip_exactly_once(count, batch_frames):
    frames = np.random.default_rng(0).integers(40, 800, count)
    batches = BatchOrder(frames, 16, batch_frames, 7).epoch(3)
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    for batch in batches:
        assert 1 <= len(batch) <= 16
        if batch_frames and len(batch) > 1:
            assert len(batch) * frames[batch].max() <= batch_frames


def test_batches_hold_clips_of_like_length():
    frames = np.random.default_rng(0).integers(40, 800, 2000)
    order = BatchOrder(frames, 16, None, 1)
    padded = sum(len(batch) * frames[batch].max() for batch in order.epoch(0))
    assert padded < 1.15 * frames.sum()


def test_the_order_is_the_same_for_the_same_epoch_and_another_for_the_next():
    order = BatchOrder(np.arange(40, 140), 8, None, 5)
    assert order.epoch(2) == BatchOrder(np.arange(40, 140), 8, None, 5).epoch(2)
    assert order.epoch(2) != order.epoch(3)


def test_a_batch_holds_the_audio_and_symbols_of_its_clips(config):
    symbols = SymbolTable.for_languages("ml")
    dataset = load_dataset(config.data.training_files, config, symbols)
    batch = collate(dataset, [0, 7, 3], {"low": 0, "high": 1}, 256)
    assert batch.speaker.tolist() == [0, 1, 0]
    for row, index in enumerate([0, 7, 3]):
        size = int(batch.frame_lengths[row]) * 256
        assert torch.equal(batch.audio[row, :size], torch.from_numpy(dataset.audio(index)[:size]))
        assert batch.audio[row, size:].abs().sum() == 0
        ids = batch.symbols[row, : batch.symbol_lengths[row]].tolist()
        assert ids == symbols.encode(dataset.clips[index].transcript)
