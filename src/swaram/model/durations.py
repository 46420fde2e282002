"""Duration predictors: stochastic (section 2.2.2, a flow over dequantised durations) and plain (FastSpeech's)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.model.cpu.dropout import Dropout
from swaram.model.layers import ChannelNorm, TimeConv
from swaram.model.splines import rational_quadratic_spline

SUM_WEIGHT = 10.0


def whole_frames(durations: Tensor, mask: Tensor) -> Tensor:
    """Durations float [batch, 1, symbols] in frames, at least 1 each, to whole ones int64 [batch, symbols].

    The ends of the symbols are rounded, so the sum is right to half a frame; each still has at least one.
    """
    ends = torch.cumsum(durations.clamp(min=1) * mask, dim=2)
    ends = torch.floor(ends + 0.5)
    return (ends - F.pad(ends, (1, 0))[:, :, :-1]).squeeze(1).long()


class DepthwiseStack(nn.Module):
    """Dilated depth-separable convolutions with residuals, the conditioning network of each spline flow."""

    def __init__(self, channels: int, kernel: int, layers: int, dropout: float = 0.0):
        super().__init__()
        self.convs_sep = nn.ModuleList(
            nn.Conv1d(
                channels,
                channels,
                kernel,
                groups=channels,
                dilation=kernel**i,
                padding=(kernel - 1) * kernel**i // 2,
            )
            for i in range(layers)
        )
        self.convs_1x1 = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in range(layers))
        self.norms_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.norms_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """x [batch, channels, symbols], conditioning of the same shape or None, to the same shape."""
        if conditioning is not None:
            x = x + conditioning
        for sep, point, norm_1, norm_2 in zip(self.convs_sep, self.convs_1x1, self.norms_1, self.norms_2, strict=True):
            y = F.gelu(norm_1(sep(x * mask)))
            x = x + self.dropout(F.gelu(norm_2(point(y))))
        return x * mask


class Affine(nn.Module):
    """Learnt shift and scale of each channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.m = nn.Parameter(torch.zeros(channels, 1))
        self.logs = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return (self.m + self.logs.exp() * x) * mask, (self.logs * mask).sum((1, 2))

    def reverse(self, x: Tensor, mask: Tensor) -> Tensor:
        return (x - self.m) * torch.exp(-self.logs) * mask


class SplineCoupling(nn.Module):
    """One channel moves the other through a rational-quadratic spline."""

    def __init__(self, hidden: int, kernel: int, layers: int = 3, bins: int = 10, bound: float = 5.0):
        super().__init__()
        self.bins, self.bound, self.hidden = bins, bound, hidden
        self.pre = nn.Conv1d(1, hidden, 1)
        self.convs = DepthwiseStack(hidden, kernel, layers)
        self.proj = nn.Conv1d(hidden, 3 * bins - 1, 1)
        for parameter in self.proj.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, mask: Tensor, conditioning: Tensor, reverse: bool = False) -> tuple[Tensor, Tensor]:
        """x [batch, 2, symbols] to the same shape and the log determinant [batch]."""
        fixed, moved = x[:, :1], x[:, 1:]
        hidden = self.proj(self.convs(self.pre(fixed), mask, conditioning)) * mask
        table = hidden.float().transpose(-1, -2).unsqueeze(1)  # (B, 3 bins - 1, S) -> (B, 1, S, 3 bins - 1)
        scale = 1 / math.sqrt(self.hidden)
        moved, log_derivative = rational_quadratic_spline(
            moved.float(),
            table[..., : self.bins] * scale,
            table[..., self.bins : 2 * self.bins] * scale,
            table[..., 2 * self.bins :],
            self.bound,
            reverse,
        )
        return torch.cat([fixed, moved], dim=1) * mask, (log_derivative * mask).sum((1, 2))


class StochasticDurationPredictor(nn.Module):
    """p(d | text) as a flow, trained by variational dequantisation and augmentation (section 2.2.2, appendix B)."""

    def __init__(self, channels: int, hidden: int, kernel: int, dropout: float, flows: int = 4, condition: int = 0):
        super().__init__()
        self.pre = nn.Conv1d(channels, hidden, 1)
        self.convs = DepthwiseStack(hidden, kernel, 3, dropout)
        self.proj = nn.Conv1d(hidden, hidden, 1)
        self.affine = Affine(2)
        self.flows = nn.ModuleList(SplineCoupling(hidden, kernel) for _ in range(flows))
        self.post_pre = nn.Conv1d(1, hidden, 1)
        self.post_convs = DepthwiseStack(hidden, kernel, 3, dropout)
        self.post_proj = nn.Conv1d(hidden, hidden, 1)
        self.post_affine = Affine(2)
        self.post_flows = nn.ModuleList(SplineCoupling(hidden, kernel) for _ in range(flows))
        self.cond = nn.Conv1d(condition, hidden, 1) if condition else None

    def _context(self, x: Tensor, mask: Tensor, conditioning: Tensor | None) -> Tensor:
        x = self.pre(x)
        if self.cond is not None and conditioning is not None:
            x = x + self.cond(conditioning)
        return self.proj(self.convs(x, mask)) * mask

    def forward(self, x: Tensor, mask: Tensor, durations: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """Bound on the negative log-likelihood in nats, [batch], of durations float [batch, 1, symbols] in frames."""
        context = self._context(x, mask, conditioning)
        posterior = self.post_proj(self.post_convs(self.post_pre(durations), mask)) * mask
        noise = torch.randn(durations.shape[0], 2, durations.shape[2], device=x.device) * mask
        z, log_det_q = self.post_affine(noise, mask)
        for flow in self.post_flows:
            z, log_det = flow(z, mask, context + posterior)
            z = z.flip(1)
            log_det_q = log_det_q + log_det
        u_raw, v = z.chunk(2, dim=1)
        u = torch.sigmoid(u_raw) * mask
        log_det_q = log_det_q + ((F.logsigmoid(u_raw) + F.logsigmoid(-u_raw)) * mask).sum((1, 2))
        log_q = _log_normal(noise, mask) - log_det_q

        # Durations minus u in [0, 1) are continuous; their logarithm is what the flow models.
        log_duration = torch.log((durations - u).clamp(min=1e-5)) * mask
        z, log_det_p = self.affine(torch.cat([log_duration, v], dim=1), mask)
        log_det_p = log_det_p - log_duration.sum((1, 2))
        for flow in self.flows:
            z, log_det = flow(z, mask, context)
            z = z.flip(1)
            log_det_p = log_det_p + log_det
        return log_q - _log_normal(z, mask) - log_det_p

    def sample(self, x: Tensor, mask: Tensor, noise: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """Log durations [batch, 1, symbols] from noise [batch, 2, symbols], already scaled."""
        context = self._context(x, mask, conditioning)
        z = noise * mask
        # The first flow only moves the channel that is thrown away, as in the published code.
        for flow in reversed(self.flows[1:]):
            z, _ = flow(z.flip(1), mask, context, reverse=True)
        z = self.affine.reverse(z.flip(1), mask)
        return z[:, :1]


class DurationPredictor(nn.Module):
    """Log durations by two convolutions, trained by squared error.

    The mean of logarithms is below the logarithm of the mean, so speech comes out too fast, and of some speakers more
    than of others. ``sum_weight``: of the squared error of the logarithm of each utterance's sum, as if that stood
    beside every symbol.
    """

    def __init__(
        self, channels: int, hidden: int, kernel: int, dropout: float, condition: int = 0, sum_weight: float = 0.0
    ):
        super().__init__()
        self.sum_weight = sum_weight
        self.conv_1 = TimeConv(channels, hidden, kernel, padding=kernel // 2)
        self.norm_1 = ChannelNorm(hidden)
        self.conv_2 = TimeConv(hidden, hidden, kernel, padding=kernel // 2)
        self.norm_2 = ChannelNorm(hidden)
        self.proj = nn.Conv1d(hidden, 1, 1)
        self.dropout = Dropout(dropout)
        self.cond = nn.Conv1d(condition, channels, 1) if condition else None

    def _predict(self, x: Tensor, mask: Tensor, conditioning: Tensor | None) -> Tensor:
        if self.cond is not None and conditioning is not None:
            x = x + self.cond(conditioning)
        x = self.dropout(self.norm_1(torch.relu(self.conv_1(x * mask))))
        x = self.dropout(self.norm_2(torch.relu(self.conv_2(x * mask))))
        return (self.proj(x * mask) * mask).float()

    def forward(self, x: Tensor, mask: Tensor, durations: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """Squared error of the log durations, summed, [batch]; durations float [batch, 1, symbols] in frames."""
        target = torch.log(durations + 1e-6) * mask
        predicted = self._predict(x, mask, conditioning)
        error = (predicted - target).square().sum((1, 2))
        if self.sum_weight:
            ratio = torch.log((predicted.exp() * mask).sum((1, 2)) / (durations * mask).sum((1, 2)).clamp(min=1))
            error = error + self.sum_weight * mask.sum((1, 2)) * ratio.square()
        return error

    def sample(self, x: Tensor, mask: Tensor, noise: Tensor, conditioning: Tensor | None = None) -> Tensor:
        """Log durations [batch, 1, symbols]; the noise is not used."""
        return self._predict(x, mask, conditioning)


def _log_normal(x: Tensor, mask: Tensor) -> Tensor:
    """Log density of a standard normal, summed over channels and symbols: [batch]."""
    return (-0.5 * (math.log(2 * math.pi) + x.square()) * mask).sum((1, 2))
