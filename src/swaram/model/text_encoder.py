"""Text encoder: a transformer with relative positions that gives the prior's mean and deviation (section 2.2).

Relative positions after Shaw et al. 2018, with learnt keys and values for offsets of at most ``window`` symbols.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.config.model import ModelConfig
from swaram.model import cpu
from swaram.model.cpu.attention import AttentionStep, FeedForwardStep
from swaram.model.cpu.dropout import Dropout
from swaram.model.layers import ChannelNorm, TimeConv, sequence_mask


class RelativeAttention(nn.Module):
    """Self-attention over [batch, channels, time] with relative position keys and values shared by the heads."""

    def __init__(self, channels: int, heads: int, window: int, dropout: float):
        super().__init__()
        self.heads, self.window = heads, window
        self.size = channels // heads
        self.conv_q = TimeConv(channels, channels, 1)
        self.conv_k = TimeConv(channels, channels, 1)
        self.conv_v = TimeConv(channels, channels, 1)
        self.conv_o = TimeConv(channels, channels, 1)
        deviation = self.size**-0.5
        self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * window + 1, self.size) * deviation)
        self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * window + 1, self.size) * deviation)
        self.dropout = Dropout(dropout)
        for convolution in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(convolution.weight)

    def _split(self, x: Tensor) -> Tensor:
        # (B, C, T) -> (B, H, T, C / H)
        return x.unflatten(1, (self.heads, self.size)).transpose(-1, -2)

    def forward(self, x: Tensor, attention_mask: Tensor) -> Tensor:
        """x [batch, channels, time], attention_mask bool [batch, 1, time, time] to [batch, channels, time]."""
        if cpu.by_hand(x):
            return self._as_one(x, attention_mask)
        query = self._split(self.conv_q(x)) * self.size**-0.5
        key, value = self._split(self.conv_k(x)), self._split(self.conv_v(x))
        time = x.shape[2]
        position = torch.arange(time, device=x.device)
        offset = position[None, :] - position[:, None] + self.window  # [query, key], 0 .. 2 window inside
        near = ((offset >= 0) & (offset <= 2 * self.window)).to(query.dtype)
        index = offset.clamp(0, 2 * self.window).expand(x.shape[0], self.heads, time, time)

        by_offset = query @ self.emb_rel_k.to(query.dtype).transpose(-1, -2)  # [batch, heads, time, 2 window + 1]
        scores = query @ key.transpose(-1, -2) + by_offset.gather(3, index) * near
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32)).masked_fill(~attention_mask, -1e4)
        weights = self.dropout(torch.softmax(scores, dim=-1)).to(value.dtype)

        # The weight that each query gives to each near offset: [batch, heads, time, 2 window + 1].
        neighbour = position[:, None] + torch.arange(2 * self.window + 1, device=x.device)[None, :] - self.window
        inside = ((neighbour >= 0) & (neighbour < time)).to(weights.dtype)
        neighbour = torch.minimum(neighbour.clamp(min=0), position[-1])
        near_weights = weights.gather(3, neighbour.expand(x.shape[0], self.heads, time, 2 * self.window + 1))
        output = weights @ value + (near_weights * inside) @ self.emb_rel_v.to(weights.dtype)
        # (B, H, T, C / H) -> (B, C, T)
        return self.conv_o(output.transpose(-1, -2).flatten(1, 2))

    def _as_one(self, x: Tensor, attention_mask: Tensor) -> Tensor:
        """The same, faster on CPUs (docs/benchmarks.md); what stands in the padding is another nothing."""
        weights = [
            value
            for convolution in (self.conv_q, self.conv_k, self.conv_v, self.conv_o)
            for value in (convolution.weight, convolution.bias)
        ]
        # Of all queries the first one is never padding, so it says which keys are.
        bias = torch.where(attention_mask[:, :, :1], 0.0, -1e4)
        dropout = self.dropout.p if self.training else 0.0
        rows = x.mT.contiguous()  # (B, C, T) -> (B, T, C)
        return AttentionStep.apply(rows, bias, self.heads, dropout, *weights, self.emb_rel_k, self.emb_rel_v).mT


class FeedForward(nn.Module):
    """Two convolutions with ReLU and dropout between, masked."""

    def __init__(self, channels: int, filters: int, kernel: int, dropout: float):
        super().__init__()
        self.even = kernel % 2 == 0  # looks one symbol further ahead than back
        self.conv_1 = TimeConv(channels, filters, kernel, padding=(kernel - 1) // 2)
        self.conv_2 = TimeConv(filters, channels, kernel, padding=(kernel - 1) // 2)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        if cpu.by_hand(x) and not self.even:
            # As one operation, faster on CPUs; (B, C, T) -> (B, T, C) -> (B, C, T)
            weights = (self.conv_1.weight, self.conv_1.bias, self.conv_2.weight, self.conv_2.bias)
            dropout = self.dropout.p if self.training else 0.0
            return FeedForwardStep.apply(x.mT.contiguous(), mask.mT, dropout, *weights).mT
        x = self.dropout(torch.relu(self.conv_1(self._padded(x * mask))))
        return self.conv_2(self._padded(x * mask)) * mask

    def _padded(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 1)) if self.even else x


class TextEncoder(nn.Module):
    """Symbols to hidden states and to the parameters of the prior before the flow."""

    def __init__(self, symbols: int, config: ModelConfig, languages: int = 1):
        super().__init__()
        hidden, dropout = config.hidden_channels, config.text_dropout
        self.scale = math.sqrt(hidden)
        self.emb = nn.Embedding(symbols, hidden)
        nn.init.normal_(self.emb.weight, 0.0, hidden**-0.5)
        # The same letter is read otherwise in another language, so the language stands with the symbols.
        self.emb_l = nn.Embedding(languages, hidden) if languages > 1 else None
        if self.emb_l is not None:
            nn.init.zeros_(self.emb_l.weight)  # what was learnt of one language stays as it was at first
        heads, window, layers = config.text_heads, config.attention_window, range(config.text_layers)
        filters, kernel = config.filter_channels, config.text_kernel
        self.attention = nn.ModuleList(RelativeAttention(hidden, heads, window, dropout) for _ in layers)
        self.attention_norm = nn.ModuleList(ChannelNorm(hidden) for _ in layers)
        self.feed_forward = nn.ModuleList(FeedForward(hidden, filters, kernel, dropout) for _ in layers)
        self.feed_forward_norm = nn.ModuleList(ChannelNorm(hidden) for _ in layers)
        self.proj = TimeConv(hidden, 2 * config.latent_channels, 1)
        self.dropout = Dropout(dropout)

    def forward(
        self, symbols: Tensor, lengths: Tensor, language: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """symbols int64 [batch, symbols], lengths int64 [batch], language int64 [batch] where there are several.

        Returns hidden [batch, hidden, symbols], mean and log deviation [batch, latent, symbols] in float32,
        and the mask [batch, 1, symbols].
        """
        mask = sequence_mask(lengths, symbols.shape[1])
        x = self.emb(symbols)
        if self.emb_l is not None:
            if language is None:
                raise ValueError("a model of several languages needs language ids")
            x = x + self.emb_l(language).unsqueeze(1)
        x = (x * self.scale).transpose(-1, -2) * mask  # (B, S, C) -> (B, C, S)
        pairs = (mask.unsqueeze(2) * mask.unsqueeze(3)) > 0
        blocks = zip(self.attention, self.attention_norm, self.feed_forward, self.feed_forward_norm, strict=True)
        for attention, attention_norm, feed_forward, feed_forward_norm in blocks:
            x = attention_norm(x + self.dropout(attention(x, pairs)))
            x = feed_forward_norm(x + self.dropout(feed_forward(x, mask)))
        x = x * mask
        mean, log_deviation = (self.proj(x) * mask).float().chunk(2, dim=1)
        return x, mean, log_deviation, mask
