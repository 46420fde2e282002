"""The two small layers that several parts share, and the masks they work under."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def sequence_mask(lengths: Tensor, size: int) -> Tensor:
    """Lengths int64 [batch] to a mask float32 [batch, 1, size]: 1 inside, 0 in the padding."""
    positions = torch.arange(size, device=lengths.device)
    return (positions[None, :] < lengths[:, None]).unsqueeze(1).float()


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
        self.hidden = hidden
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
