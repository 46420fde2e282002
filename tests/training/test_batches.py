"""Every clip is seen once an epoch, whatever their number, in an order that depends on seed and epoch alone."""

import numpy as np
import pytest
import torch

from swaram.audio.pitch import UNKNOWN
from swaram.config.config import parse_config
from swaram.text.symbols import SymbolTable
from swaram.training.batches import BatchOrder, ahead, collate, endless_batches, shared_out
from swaram.training.dataset import load_dataset
from tests.training.runs import trainer_of


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


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("ending", ["", "_per_utterance"])
def test_processes_share_a_batch_out_whole_with_shares_that_add_up(config, count, processes, ending):
    setattr(config.train, f"segments{ending}", 2)
    setattr(config.train, f"discriminator_segments{ending}", 1)
    dataset = load_dataset(config.data.training_files, config, SymbolTable.for_languages("ml"))
    frames = np.array([clip.samples // 256 for clip in dataset.clips])
    order = BatchOrder(frames, 8, None, 0, processes)
    parts = [shared_out(dataset, order, list(range(count)), rank, config.train) for rank in range(processes)]
    at_work = [(mine, shares) for mine, shares in parts if shares.frames]
    assert sorted(index for mine, _ in at_work for index in mine) == list(range(count))
    assert all(mine for mine, _ in parts)
    for name in ("symbols", "frames", "segments", "judged"):
        assert sum(getattr(shares, name) for _, shares in parts) == pytest.approx(1)


def test_processes_pad_alike(config):
    dataset = load_dataset(config.data.training_files, config, SymbolTable.for_languages("ml"))
    frames = np.array([clip.samples // 256 for clip in dataset.clips])
    order = BatchOrder(frames, 4, None, 0, 2)
    both = [next(endless_batches(dataset, order, {"low": 0, "high": 1}, 256, 0, 0, rank))[2] for rank in (0, 1)]
    assert both[0].audio.shape[1] == both[1].audio.shape[1]
    assert both[0].symbols.shape[1] == both[1].symbols.shape[1]
    assert not set(both[0].clips) & set(both[1].clips)


def test_a_budget_of_frames_holds_in_each_process():
    frames = np.random.default_rng(0).integers(40, 800, 100)
    for batch in BatchOrder(frames, 16, 1600, 7, processes=2).epoch(0):
        assert len(batch) <= 2 or -(-len(batch) // 2) * frames[batch].max() <= 1600


def test_balanced_epochs_hold_as_many_clips_of_each_speaker_and_none_twice_before_all_once():
    speakers = np.array([0] * 90 + [1] * 8 + [2] * 3)
    order = BatchOrder(np.arange(40, 141), 8, None, 3, speakers=speakers)
    drawn = [index for batch in order.epoch(4) for index in batch]
    assert sorted(np.bincount(speakers[drawn]).tolist()) == [33, 34, 34]
    times = np.bincount(drawn, minlength=101)
    assert times[:90].max() == 1 and np.ptp(times[90:98]) <= 1 and np.ptp(times[98:]) <= 1
    assert order.epoch(4) == order.epoch(4) != order.epoch(5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_balanced_epochs_work_with_very_few_clips(count):
    order = BatchOrder(np.full(count, 50), 8, None, 3, speakers=np.arange(count))
    assert sorted(index for batch in order.epoch(0) for index in batch) == list(range(count))


def test_the_digest_tells_orders_apart():
    frames = np.arange(40, 60)
    orders = [
        BatchOrder(frames, 8, None, 1),
        BatchOrder(frames[1:], 8, None, 1),
        BatchOrder(frames, 9, None, 1),
        BatchOrder(frames, 8, 400, 1),
        BatchOrder(frames, 8, None, 2),
        BatchOrder(frames, 8, None, 1, 2),
        BatchOrder(frames, 8, None, 1, speakers=np.zeros(20, int)),
    ]
    assert len({order.digest for order in orders}) == len(orders)
    assert orders[0].digest == BatchOrder(frames.copy(), 8, None, 1).digest


def test_batches_made_ahead_are_the_same_and_an_error_comes_in_its_place():
    def source():
        yield from range(20)
        raise ValueError("the disk is gone")

    seen, batches = [], ahead(source(), depth=3)
    with pytest.raises(ValueError, match="disk is gone"):
        for item in batches:
            seen.append(item)
    assert seen == list(range(20))


HARMONIC = {"type": "harmonic", "channels": 16, "blocks": 2}
HOP = 256


def test_a_batch_has_the_pitch_of_each_clip_and_the_usual_one_where_it_is_padded(raw_config):
    raw_config["model"]["decoder"] = HARMONIC
    _, batch = trainer_of(parse_config(raw_config))
    assert batch.pitch.shape == (4, 2, batch.audio.shape[1] // HOP)
    for row, expected in enumerate((110, 110, 210, 210)):
        length = int(batch.frame_lengths[row])
        hertz, voiced = batch.pitch[row, :, :length]
        assert float(hertz[voiced > 0].median()) == pytest.approx(expected, rel=0.08)
        assert (batch.pitch[row, 0, length:] == UNKNOWN).all() and not batch.pitch[row, 1, length:].any()
