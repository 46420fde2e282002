"""Operations of the model for CPUs, with gradients by hand, each beside its plain twin."""

import torch
from torch import Tensor


def by_hand(x: Tensor) -> bool:
    """Whether these operations take ``x``: it lies on a CPU, and no graph is being traced. Others take the plain twins.

    The one place where that is decided, so that the way of a GPU can be walked on a CPU.
    """
    return x.device.type == "cpu" and not torch.jit.is_tracing()
