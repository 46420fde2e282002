"""Exponential moving average of the generator, used for validation and export."""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

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
    def update(self, module: nn.Module, step: int) -> None:
        """Move the copy towards the module, after optimizer step number ``step``."""
        if (step + 1) % self.every:
            return
        weight = 1 - min(self.decay, (1 + step) / (10 + step)) ** self.every
        torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), weight)
