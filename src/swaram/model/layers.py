"""The two small layers that several parts share, and the masks they work under."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.model import cpu
from swaram.model.cpu.wavenet import GatedStack


def sequence_mask(lengths: Tensor, size: int) -> Tensor:
    """Lengths int64 [batch] to a mask float32 [batch, 1, size]: 1 inside, 0 in the padding."""
    positions = torch.arange(size, device=lengths.device)
    return (positions[None, :] < lengths[:, None]).unsqueeze(1).float()


class TimeConv(nn.Conv1d):
    """A convolution over time, x [batch, channels, time] to [batch, outputs, time].

    On CPUs it leaves the channels of each moment together in memory, (B, T, C) seen as (B, C, T): as the matrix units
    take them, and as normalisation and attention do, so that little is copied from one order to the other.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not cpu.by_hand(x):
            return super().forward(x)
        x = x.transpose(-1, -2).contiguous()
        if self.weight.shape[2] == 1 and self.groups == 1:
            return F.linear(x, self.weight.squeeze(2), self.bias).transpose(-1, -2)
        x, weight, padding = x.transpose(-1, -2).unsqueeze(2), self.weight.unsqueeze(2), (0, int(self.padding[0]))
        if self.groups == 1:
            return F.conv2d(x, weight, self.bias, 1, padding).squeeze(2)
        # Without products of matrices bfloat16 gains nothing, and takes twice as long on the way back.
        with torch.autocast("cpu", enabled=False):
            return F.conv2d(x.to(weight.dtype), weight, self.bias, 1, padding, 1, self.groups).squeeze(2)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of [batch, channels, time]."""

    def __init__(self, channels: int, epsilon: float = 1e-5):
        super().__init__()
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        # (B, C, T) -> (B, T, C) -> (B, C, T)
        return F.layer_norm(x.transpose(-1, -2), self.gamma.shape, self.gamma, self.beta, self.epsilon).transpose(
            -1, -2
        )


class WaveNet(nn.Module):
    """Gated dilated convolutions with residual and skip paths (van den Oord et al. 2016), as WaveGlow has them.

    x [batch, hidden, time], mask [batch, 1, time], conditioning [batch, condition, 1] or None
    to [batch, hidden, time].
    """

    def __init__(self, hidden: int, kernel: int, layers: int, condition: int = 0, dilation: int = 1):
        super().__init__()
        self.hidden, self.dilation = hidden, dilation
        self.gates = nn.ModuleList()
        self.outputs = nn.ModuleList()
        for index in range(layers):
            step = dilation**index
            gate = nn.Conv1d(hidden, 2 * hidden, kernel, dilation=step, padding=(kernel - 1) * step // 2)
            last = index == layers - 1
            out = nn.Conv1d(hidden, hidden if last else 2 * hidden, 1)
            self.gates.append(nn.utils.parametrizations.weight_norm(gate))
            self.outputs.append(nn.utils.parametrizations.weight_norm(out))
        self.condition = None
        if condition:
            self.condition = nn.utils.parametrizations.weight_norm(nn.Conv1d(condition, 2 * hidden * layers, 1))

    def forward(self, x: Tensor, mask: Tensor, conditioning: Tensor | None = None) -> Tensor:
        if cpu.by_hand(x):
            return self._as_one(x, mask, conditioning)
        skip = torch.zeros_like(x)
        biases = None
        if self.condition is not None and conditioning is not None:
            biases = self.condition(conditioning).chunk(len(self.gates), dim=1)
        for index, (gate, output) in enumerate(zip(self.gates, self.outputs, strict=True)):
            pair = gate(x)
            if biases is not None:
                pair = pair + biases[index]
            signal, sigma = pair.chunk(2, dim=1)
            result = output(torch.tanh(signal) * torch.sigmoid(sigma))
            if index == len(self.gates) - 1:
                skip = skip + result
            else:
                residual, part = result.chunk(2, dim=1)
                x = (x + residual) * mask
                skip = skip + part
        return skip * mask

    def _as_one(self, x: Tensor, mask: Tensor, conditioning: Tensor | None) -> Tensor:
        """The same, faster on CPUs (docs/benchmarks.md)."""
        biases = None
        if self.condition is not None and conditioning is not None:
            biases = self.condition(conditioning).transpose(-1, -2)
        weights = [
            value
            for gate, output in zip(self.gates, self.outputs, strict=True)
            for value in (gate.weight, gate.bias, output.weight, output.bias)
        ]
        # (B, C, T) -> (B, T, C) -> (B, C, T)
        x = x.transpose(-1, -2).contiguous()
        return GatedStack.apply(x, mask.transpose(-1, -2), biases, self.dilation, *weights).transpose(-1, -2)
