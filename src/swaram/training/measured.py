"""The figures of one update, which a GPU hands over while it is at the next one."""

import torch
from torch import Tensor

from swaram.training.batches import Batch


class Measured:
    """Losses and gradient norms of one update, by name.

    ``left_out``: scalar on the device, 1 where one of them is not finite, else 0. ``batch`` is what it learnt from,
    ``kind`` is step or text, ``learning_rate`` the generator's.
    """

    def __init__(self, names: list[str], numbers: Tensor, batch: Batch, kind: str, learning_rate: float):
        self.batch, self.kind, self.learning_rate = batch, kind, learning_rate
        self.left_out = 1.0 - torch.isfinite(numbers).all().float()
        self._names, self._numbers, self._copied = names, numbers, None
        if numbers.is_cuda:
            self._numbers = torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True)
            self._numbers.copy_(numbers, non_blocking=True)
            self._copied = torch.cuda.Event()
            self._copied.record()

    def values(self) -> dict[str, float]:
        """Wait for the device, where it is not there yet; not finite ones too."""
        if self._copied is not None:
            self._copied.synchronize()
        return dict(zip(self._names, self._numbers.tolist(), strict=True))
