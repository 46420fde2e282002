"""The average follows the generator slowly."""

import torch

from swaram.training.ema import MovingAverage
from tests.training.runs import trainer_of


def test_the_average_follows_the_generator(config):
    trainer, batch = trainer_of(config)
    start = trainer.generator.enc_p.emb.weight.detach().clone()
    for _ in range(20):
        trainer.step(batch)
    now, average = trainer.generator.enc_p.emb.weight, trainer.average.module.enc_p.emb.weight
    assert 0 < (average - now).norm() < (start - now).norm()


def test_an_average_of_every_few_steps_moves_by_the_decay_of_all_of_them():
    module, average = torch.nn.Linear(2, 1), MovingAverage(torch.nn.Linear(2, 1), 0.5, 3)
    start = average.module.weight.clone()
    for step in (30, 31):
        average.update(module, step)
        assert torch.equal(average.module.weight, start)
    average.update(module, 32)
    assert torch.allclose(average.module.weight, 0.5**3 * start + (1 - 0.5**3) * module.weight)
