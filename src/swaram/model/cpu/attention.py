"""The text encoder's two kinds of layer for CPUs, each as one operation with its gradient written by hand.

Both compute what ``text_encoder`` computes. Channels of a symbol lie together in memory (B, S, C); the relative
positions of all pairs lie on diagonals, which are seen and written through strides instead of being gathered.
"""

from typing import Any

import torch
from torch import Tensor

from swaram.model.cpu.dropout import dropout_scales
from swaram.model.cpu.wavenet import convolved, convolved_backward

once_differentiable = torch.autograd.function.once_differentiable


def number_format(x: Tensor) -> torch.dtype:
    """The format of products: that of autocast, or of x."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


class AttentionStep(torch.autograd.Function):
    """x [batch, time, channels], bias [batch, 1, 1, time] to add to the scores, and weights as RelativeAttention has
    them (weight [channels, channels, 1] and bias of query, key, value, output; keys and values [1, 2 window + 1, size]
    of the relative positions), to [batch, time, channels]. ``dropout`` is the probability of the attention's.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor, heads: int, dropout: float, *weights: Tensor) -> Tensor:
        kind, (batch, time, channels) = number_format(x), x.shape
        size = channels // heads
        joined = torch.cat([w.detach() for w in weights[0:6:2]]).squeeze(2).to(kind)
        joined_bias = torch.cat([w.detach() for w in weights[1:6:2]]).to(kind)
        out, out_bias = weights[6].detach().squeeze(2).to(kind), weights[7].detach().to(kind)
        near_keys, near_values = (w.detach()[0].to(kind) for w in weights[8:])
        window = len(near_keys) // 2
        rows = x.detach().to(kind).view(-1, channels)
        parts = torch.addmm(joined_bias, rows, joined.T).view(batch, time, 3, heads, size)
        query, key, value = parts.permute(2, 0, 3, 1, 4).reshape(3, batch * heads, time, size)
        query = query * size**-0.5
        scores = query @ key.mT
        scores += _on_diagonals(query @ near_keys.T, window)
        precise = scores.to(torch.promote_types(kind, torch.float32))
        precise.view(batch, heads, time, time).add_(bias)
        attention = torch.softmax(precise, dim=-1)
        scales = dropout_scales(attention.shape, dropout, kind) if dropout else None
        kept = attention.to(kind)
        padded = kept.new_zeros(batch * heads, time, time + 2 * window)
        used = padded[..., window : window + time]
        used.copy_(kept if scales is None else kept.mul_(scales))
        near = _diagonals(padded, window).contiguous()
        mixed = torch.baddbmm(near @ near_values, used, value)
        # (B * H, T, C / H) -> (B * T, C)
        mixed = mixed.view(batch, heads, time, size).transpose(1, 2).reshape(-1, channels)
        ctx.save_for_backward(
            rows, joined, out, near_keys, near_values, query, key, value, attention, scales, used, near, mixed
        )
        ctx.sizes, ctx.kinds = (batch, time, heads, size, window), (x.dtype, [w.dtype for w in weights])
        return torch.addmm(out_bias, mixed, out.T).view(batch, time, channels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, joined, out, near_keys, near_values, query, key, value, attention, scales, used, near, mixed = (
            ctx.saved_tensors
        )
        batch, time, heads, size, window = ctx.sizes
        g = gradient.to(rows.dtype).reshape(-1, heads * size)
        given = [g.T @ mixed, g.sum(0)]
        g_mixed = (g @ out).view(batch, time, heads, size).transpose(1, 2).reshape(-1, time, size)
        g_value = used.mT @ g_mixed
        g_near_values = near.flatten(0, 1).T @ g_mixed.flatten(0, 1)
        g_attention = g_mixed @ value.mT
        g_attention += _on_diagonals(g_mixed @ near_values.T, window)
        if scales is not None:
            g_attention.mul_(scales)
        g_scores = torch._softmax_backward_data(g_attention.to(attention.dtype), attention, -1, attention.dtype)
        padded = g_attention.new_zeros(len(key), time, time + 2 * window)
        g_scores = padded[..., window : window + time].copy_(g_scores)
        g_near = _diagonals(padded, window).contiguous()
        g_query = torch.baddbmm(g_near @ near_keys, g_scores, key) * size**-0.5
        g_near_keys = g_near.flatten(0, 1).T @ query.flatten(0, 1)
        g_parts = torch.stack([g_query, g_scores.mT @ query, g_value]).view(3, batch, heads, time, size)
        # (3, B, H, T, C / H) -> (B * T, 3 C)
        g_parts = g_parts.permute(1, 3, 0, 2, 4).reshape(len(rows), -1)
        g_weights, g_biases = (g_parts.T @ rows).chunk(3), g_parts.sum(0).chunk(3)
        order = [value for pair in zip(g_weights, g_biases, strict=True) for value in pair] + given
        order = [value.unsqueeze(2) if value.dim() == 2 else value for value in order]
        order += [g_near_keys.unsqueeze(0), g_near_values.unsqueeze(0)]
        x_kind, kinds = ctx.kinds
        g_x = (g_parts @ joined).view(batch, time, -1).to(x_kind)
        return g_x, None, None, None, *(value.to(kind) for value, kind in zip(order, kinds, strict=True))


class FeedForwardStep(torch.autograd.Function):
    """x [batch, time, channels], mask [batch, time, 1], and weights as FeedForward has them (weight [outputs, channels,
    kernel] and bias of both convolutions), to [batch, time, channels]. ``dropout`` is the probability of that between.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, dropout: float, *weights: Tensor) -> Tensor:
        kind = number_format(x)
        first, second = (w.detach().to(kind).unsqueeze(2) for w in weights[::2])
        inside = mask.to(kind)
        seen = x.detach().to(kind) * inside
        hidden = convolved(seen, first, weights[1].detach().to(kind)).relu_()
        scales = dropout_scales(hidden.shape, dropout, kind).mul_(inside) if dropout else inside
        hidden = hidden * scales
        ctx.save_for_backward(first, second, inside, seen, scales, hidden)
        ctx.kinds = (x.dtype, [w.dtype for w in weights])
        return convolved(hidden, second, weights[3].detach().to(kind)) * inside

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        first, second, inside, seen, scales, hidden = ctx.saved_tensors
        learns = ctx.needs_input_grad[3]
        g_hidden, g_second, g_second_bias = convolved_backward(
            gradient.to(inside.dtype) * inside, hidden, second, learns=learns
        )
        g_hidden = torch.ops.aten.threshold_backward(g_hidden * scales, hidden, 0)
        g_x, g_first, g_first_bias = convolved_backward(g_hidden, seen, first, learns=learns)
        x_kind, kinds = ctx.kinds
        given = (g_first, g_first_bias, g_second, g_second_bias)
        in_order = (
            None if value is None else torch.empty(value.shape, dtype=kind).copy_(value)
            for value, kind in zip(given, kinds, strict=True)
        )
        return (g_x * inside).to(x_kind), None, None, *in_order


def _diagonals(padded: Tensor, window: int) -> Tensor:
    """padded [n, time, window + time + window] seen as [n, time, 2 window + 1]: what is around each row's own place."""
    n, time, width = padded.shape
    return padded.as_strided((n, time, 2 * window + 1), (time * width, width + 1, 1))


def _on_diagonals(x: Tensor, window: int) -> Tensor:
    """x [n, time, 2 window + 1] around each row's own place, zeros elsewhere: [n, time, time]."""
    n, time, _ = x.shape
    padded = x.new_zeros(n, time, time + 2 * window)
    _diagonals(padded, window).copy_(x)
    return padded[..., window : window + time]
