"""Normalizing flow between the prior and the posterior: mean-only affine couplings (section 2.1.2, equation 4)."""

import torch
from torch import Tensor, nn

from swaram.model.layers import WaveNet


class Coupling(nn.Module):
    """Shifts one half of the channels by a function of the other half; volume preserving, so no Jacobian."""

    def __init__(self, channels: int, hidden: int, kernel: int, layers: int, condition: int = 0):
        super().__init__()
        self.pre = nn.Conv1d(channels // 2, hidden, 1)
        self.enc = WaveNet(hidden, kernel, layers, condition)
        self.post = nn.Conv1d(hidden, channels // 2, 1)
        for parameter in self.post.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, mask: Tensor, conditioning: Tensor | None, reverse: bool) -> Tensor:
        fixed, moved = x.chunk(2, dim=1)
        shift = (self.post(self.enc(self.pre(fixed) * mask, mask, conditioning)) * mask).float()
        moved = (moved - shift) * mask if reverse else (moved + shift) * mask
        return torch.cat([fixed, moved], dim=1)


class Flow(nn.Module):
    """Couplings with the channels flipped after each one. x [batch, latent, frames] to the same shape.

    ``margin``: an output frame depends on at most so many frames on either side.
    """

    def __init__(self, channels: int, hidden: int, kernel: int, layers: int, couplings: int, condition: int = 0):
        super().__init__()
        self.margin = couplings * layers * (kernel // 2)
        self.couplings = nn.ModuleList(Coupling(channels, hidden, kernel, layers, condition) for _ in range(couplings))

    def forward(self, x: Tensor, mask: Tensor, conditioning: Tensor | None = None, reverse: bool = False) -> Tensor:
        if reverse:
            for coupling in reversed(self.couplings):
                x = coupling(x.flip(1), mask, conditioning, reverse=True)
            return x
        for coupling in self.couplings:
            x = coupling(x, mask, conditioning, reverse=False).flip(1)
        return x
