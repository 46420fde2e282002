"""Rows mixed into each other: what sounds by a share is to be said by that share."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from swaram.recognition.losses import ctc
from swaram.recognition.training import Trainer
from tests.recognition.toy import BY_HEART, TINY


@pytest.fixture
def trainer(selection, tmp_path):
    plan = replace(BY_HEART, augment_from=0.0, consistency=0.2, mixed=0.6)
    return Trainer(selection, "ml", tmp_path, plan, TINY)


def mixed_batch(trainer, views=2):
    rows = trainer.rows.epoch(0)[0]
    for step in range(20):
        batch = trainer.rows.batch(rows, step, views=views, mixed=0.6)
        if 0 < np.count_nonzero(batch.shares) < len(batch.shares):
            return rows, step, batch
    raise AssertionError("no batch in twenty has mixed rows and others")


def test_a_mixed_row_is_itself_and_its_partner_by_their_shares(trainer):
    rows, step, batch = mixed_batch(trainer)
    pure = trainer.rows.batch(rows, step, views=2)
    assert np.array_equal(batch.targets, pure.targets) and batch.shares.max() <= 0.5
    for row, share in enumerate(batch.shares):
        partner = batch.partner(row)
        assert partner != row and partner // len(rows) == row // len(rows)  # another row of the same view
        expected = (1 - share) * pure.mel[row] + share * pure.mel[partner]
        np.testing.assert_allclose(batch.mel[row], expected, atol=1e-5)


def test_all_views_of_a_row_are_mixed_alike_and_the_same_again(trainer):
    rows, step, batch = mixed_batch(trainer)
    first, second = np.split(batch.shares, 2)
    assert np.array_equal(first, second)
    again = trainer.rows.batch(rows, step, views=2, mixed=0.6)
    assert np.array_equal(batch.mel, again.mel) and np.array_equal(batch.shares, again.shares)


def test_the_share_asked_for_is_mixed(trainer):
    rows = trainer.rows.epoch(0)[0]
    shares = np.concatenate([trainer.rows.batch(rows, step, mixed=0.3).shares for step in range(100)])
    assert 0.2 < np.mean(shares > 0) < 0.4
    assert not trainer.rows.batch(rows, 0).shares.any()


def test_the_cost_of_a_mixed_row_is_that_of_both_texts_by_their_shares(trainer):
    _, _, batch = mixed_batch(trainer)
    torch.manual_seed(0)
    heard = torch.randn(len(batch.mel), 200, len(trainer.units)).log_softmax(-1)
    texts = np.split(batch.targets, np.cumsum(batch.lengths)[:-1])

    def cost(row, text):
        return F.ctc_loss(heard[row], torch.from_numpy(texts[text]), (200,), (len(texts[text]),), reduction="sum")

    parts = [(1 - s) * cost(r, r) + s * cost(r, batch.partner(r)) for r, s in enumerate(batch.shares.tolist())]
    torch.testing.assert_close(ctc(heard, batch), sum(parts) / int(batch.lengths.sum()))
    batch.shares[:] = 0
    plain = sum(cost(r, r) for r in range(len(texts))) / int(batch.lengths.sum())
    torch.testing.assert_close(ctc(heard, batch), plain)
