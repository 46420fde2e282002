"""What each process of ``test_processes`` does: a few updates on the configuration given, and what came out of them.

torchrun --standalone --nproc-per-node 2 -m tests.training.two_processes config.json out
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import save_file

from swaram.config.config import Config, load_config
from swaram.training.batches import endless_batches
from swaram.training.logger import Logger
from swaram.training.loop import assemble, batch_order

UPDATES = 3


def without_chance(trainer) -> ExitStack:
    """Every random number its mean, no dropout: processes draw noise of their own, one process would draw other."""
    for module in trainer.generator.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    stack = ExitStack()
    for name, value in (("randn_like", 0.0), ("randn", 0.0), ("rand", 0.5)):
        make = torch.full_like if name == "randn_like" else torch.full

        def constant(size, *more, make=make, value=value, generator=None, **options):
            if more:  # torch.randn(2, 3) as well as torch.randn((2, 3))
                size = (size, *more)
            return make((size,) if isinstance(size, int) else size, value, **options)

        stack.enter_context(patch(f"torch.{name}", constant))
    return stack


def updates(config: Config) -> tuple[dict, dict[str, torch.Tensor]]:
    """Losses of each step and of validation, and the weights after a few steps and text steps.

    The second batch is spoilt in the last process alone.
    """
    with patch("swaram.training.gradient_sums.BUCKET_ELEMENTS", 4_000):  # several messages of a network this small
        trainer, training, validating = assemble(config, overfit=9)
    order = batch_order(trainer, training)
    numbers = {name: i for i, name in enumerate(trainer.speakers)}
    rank = trainer.processes.rank
    batches = endless_batches(training, order, numbers, config.data.hop_length, 0, 0, rank)
    told: dict = {"steps": [], "clips": []}
    with without_chance(trainer):
        for number in range(2 * UPDATES):
            _, _, batch = next(batches)
            told["clips"].append(len(batch.clips))
            if number % 2:
                trainer.text_step(batch)
                continue
            told["steps"].append(trainer.step(batch))
            if number == 2:
                if rank == trainer.processes.size - 1:
                    batch.audio[0, 0] = float("nan")
                told["spoilt"] = trainer.step(batch)
        told["validation"] = trainer.validate(Logger(Path(), silent=True), validating)
    told["early"] = [sums.early for sums in trainer._sums.values()]
    told["any"] = trainer.processes.any(rank == trainer.processes.size - 1)
    weights = {f"g.{name}": p.detach() for name, p in trainer.generator.named_parameters()}
    weights |= {f"d.{name}": p.detach() for name, p in trainer.discriminators.named_parameters()}
    return told, {name: value.clone().contiguous() for name, value in weights.items()}


if __name__ == "__main__":
    import os

    torch.set_num_threads(1)
    told, weights = updates(load_config(sys.argv[1]))
    folder, rank = Path(sys.argv[2]), os.environ["RANK"]
    (folder / f"told-{rank}.json").write_text(json.dumps(told))
    save_file(weights, folder / f"weights-{rank}.safetensors")
