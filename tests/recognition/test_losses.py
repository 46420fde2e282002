"""Two views of the same rows: the same is said at the same moments, and what they hear differently costs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from swaram.recognition.losses import disagreement
from swaram.recognition.training import Trainer
from tests.recognition.toy import BY_HEART, TINY


@pytest.fixture
def trainer(selection, tmp_path):
    plan = replace(BY_HEART, augment_from=0.0, paces=(0.85, 1.15), consistency=0.2)
    return Trainer(selection, "ml", tmp_path, plan, TINY)


def test_views_say_the_same_at_the_same_moments_and_sound_different(trainer):
    rows = trainer.rows.epoch(0)[0]
    for step in range(4):
        batch = trainer.rows.batch(rows, step, views=2)
        assert batch.views == 2 and len(batch.mel) == 2 * len(rows) == len(batch.lengths)
        first, second = np.split(batch.targets, 2)
        assert np.array_equal(first, second)
        one, other = batch.mel[: len(rows)], batch.mel[len(rows) :]
        assert not np.array_equal(one, other)
        for left, right in zip(one.mean(2), other.mean(2), strict=True):
            alike = [
                np.corrcoef(left[10 : len(left) - 10], np.roll(right, lag)[10:-10])[0, 1] for lag in range(-10, 11)
            ]
            assert abs(int(np.argmax(alike)) - 10) <= 1  # an echo trails; else the moments are the same


def test_one_view_is_the_first_of_two(trainer):
    rows = trainer.rows.epoch(0)[0]
    one, two = trainer.rows.batch(rows, 3), trainer.rows.batch(rows, 3, views=2)
    assert np.array_equal(one.mel, two.mel[: len(rows)])


def test_disagreement_is_the_divergence_of_either_view_from_the_other_one():
    torch.manual_seed(0)
    heard = torch.randn(4, 7, 5).log_softmax(-1).requires_grad_()
    one, other = heard.detach()[:2], heard.detach()[2:]
    expected = (other.exp() * (other - one)).sum() + (one.exp() * (one - other)).sum()
    loss = disagreement(heard, 2)
    torch.testing.assert_close(loss, expected)
    assert disagreement(torch.cat([one, one]), 2).abs() < 1e-6
    loss.backward()
    torch.testing.assert_close(heard.grad, -torch.cat([other.exp(), one.exp()]))  # the other view stands still


def test_training_makes_two_views_agree(trainer):
    rows = trainer.rows.epoch(0)[0]
    batch = trainer.rows.batch(rows, 0, views=2)

    def apart() -> float:
        trainer.network.eval()
        with torch.no_grad():
            heard = trainer.network(torch.from_numpy(batch.mel))
        return float(disagreement(heard, 2)) / heard[..., 0].numel()

    learnt = {}
    start = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    for weight in (0.0, 0.5):
        trainer.network.load_state_dict(start)
        trainer.plan = replace(trainer.plan, consistency=weight)
        trainer._restart()
        for trainer.step in range(25):
            trainer._learn(batch)
        learnt[weight] = apart()
    assert learnt[0.5] < 0.7 * learnt[0.0]
