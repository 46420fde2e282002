"""Exponential moving average of the generator, used for validation and export."""

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class MovingAverage(Generic[Network]):
    """A copy of a module whose parameters follow it slowly.

    The decay rises with the steps, (1 + step) / (10 + step), until it reaches ``decay``, so that the first
    average is not the untrained network. ``every``: only each so many steps, then by the decay of
    as many; when that is follows from the step's number alone.
    """

    def __init__(self, module: Network, decay: float, every: int = 1):
        self.decay, self.every = decay, every
        self.module: Network = copy.deepcopy(module).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, module: nn.Module, step: int, left_out: Tensor | None = None) -> None:
        """Move the copy towards the module, after optimizer step number ``step``.

        ``left_out``: scalar on the module's device, 1 where that step was none and the copy stays; nobody waits for it.
        """
        if (step + 1) % self.every:
            return
        weight = 1 - min(self.decay, (1 + step) / (10 + step)) ** self.every
        ours: list[Tensor] = list(self.module.parameters())
        weights = [weight if left_out is None else weight * (1 - left_out)] * len(ours)
        torch._foreach_lerp_(ours, list(module.parameters()), weights)  # type: ignore[arg-type]
