"""Normalizing flow between the prior and the posterior: mean-only affine couplings (section 2.1.2, equation 4)."""

import torch
from torch import Tensor, nn

from swaram.model.layers import TimeConv, WaveNet


class Coupling(nn.Module):
    """Shifts one half of the channels by a function of the other half; volume preserving, so no Jacobian."""

    def __init__(self, channels: int, hidden: int, kernel: int, layers: int, condition: int = 0):
        super().__init__()
        self.pre = TimeConv(channels // 2, hidden, 1)
        self.enc = WaveNet(hidden, kernel, layers, condition)
        self.post = TimeConv(hidden, channels // 2, 1)
        for parameter in self.post.parameters():
            nn.init.zeros_(parameter)

    def forward(self, fixed: Tensor, mask: Tensor, conditioning: Tensor | None) -> Tensor:
        """The shift float32 [batch, channels / 2, frames], from the half that stays, of the same shape."""
        return (self.post(self.enc(self.pre(fixed) * mask, mask, conditioning)) * mask).float()


class Flow(nn.Module):
    """Couplings with the channels flipped after each one. x [batch, latent, frames] to the same shape.

    ``margin``: an output frame depends on at most so many frames on either side.
    """

    def __init__(self, channels: int, hidden: int, kernel: int, layers: int, couplings: int, condition: int = 0):
        super().__init__()
        self.margin = couplings * layers * (kernel // 2)
        self.couplings = nn.ModuleList(Coupling(channels, hidden, kernel, layers, condition) for _ in range(couplings))

    def forward(self, x: Tensor, mask: Tensor, conditioning: Tensor | None = None, reverse: bool = False) -> Tensor:
        # Two flips are none, so every other coupling sees its channels flipped and the halves stay where they are.
        odd = len(self.couplings) % 2 == 1
        halves = list(((x.flip(1) if reverse and odd else x) * mask).chunk(2, dim=1))
        for index in reversed(range(len(self.couplings))) if reverse else range(len(self.couplings)):
            flipped = index % 2 == 1
            fixed, moved = (halves[1].flip(1), halves[0]) if flipped else halves
            shift = self.couplings[index](fixed, mask, conditioning)
            shift = shift.flip(1) if flipped else shift
            halves[0 if flipped else 1] = moved - shift if reverse else moved + shift
        out = torch.cat(halves, dim=1)
        return out.flip(1) if odd and not reverse else out
