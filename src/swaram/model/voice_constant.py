"""A number for each voice of a model, computed from what the voice conditions everything else on."""

import torch
from torch import Tensor


class VoiceConstant:
    """An affine function of the conditioning that has given values for the voices that a package offers.

    Where there are no more voices than channels of conditioning the values are exact; ``error`` is the largest
    difference that is left. Needs no input of its own in an exported graph.
    """

    def __init__(self, values: Tensor, conditioning: Tensor | None = None):
        """``values`` float32 [voices]; ``conditioning`` float32 [voices, condition], None for a model without."""
        wanted = values.double()
        known = torch.zeros(len(wanted), 0) if conditioning is None else conditioning.detach()
        known = torch.cat([known.double(), torch.ones(len(wanted), 1, dtype=torch.float64)], dim=1)
        solution = torch.linalg.pinv(known) @ wanted
        self.error = float((known @ solution - wanted).abs().max())
        self._weights, self._bias = solution[:-1].float().view(1, -1, 1), solution[-1].float()

    def __call__(self, conditioning: Tensor | None = None) -> Tensor:
        """``conditioning`` [batch, condition, 1] or None, to [batch, 1, 1], or a scalar."""
        if conditioning is None:
            return self._bias
        return self._bias + (self._weights * conditioning).sum(1, keepdim=True)
