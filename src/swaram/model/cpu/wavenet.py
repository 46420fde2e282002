"""A WaveNet's layers for CPUs, as one operation with its gradient written by hand: what ``layers.WaveNet`` computes.

Channels of a frame lie together in memory (B, T, C), as the matrix units take them; what all layers add to the skip
path is one matrix product; the residual stream stays float32 while products may be bfloat16.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

convolution_backward = torch.ops.aten.convolution_backward


class GatedStack(torch.autograd.Function):
    """x [batch, time, hidden], mask [batch, time, 1], biases [batch, 1, layers * 2 hidden] or None, and of each layer
    weight and bias of the gate [2 hidden, hidden, kernel], of the output [2 hidden or, last, hidden, hidden, 1],
    to the sum of the skip paths [batch, time, hidden], masked.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, biases: Tensor | None, dilation: int, *weights: Tensor) -> Tensor:
        kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        layers, (batch, time, hidden) = len(weights) // 4, x.shape
        gates = [w.detach().to(kind).unsqueeze(2) for w in weights[::4]]
        outputs = [w.detach().squeeze(2).to(kind) for w in weights[2::4]]
        skips = torch.cat([w[-hidden:] for w in outputs], dim=1)  # [hidden, layers * hidden]
        skip_bias = torch.stack([b.detach()[-hidden:] for b in weights[3::4]]).sum(0).to(kind)
        inside, stream, precise = mask.to(kind), x.detach(), torch.promote_types(kind, torch.float32)
        padding = (mask == 0).flatten().nonzero().squeeze(1)
        gated = x.new_empty(batch * time, layers * hidden, dtype=kind)
        kept: list[tuple[Tensor, Tensor, Tensor]] = []
        for index, gate in enumerate(gates):
            seen = stream.to(kind, copy=True)
            seen.view(-1, hidden).index_fill_(0, padding, 0)
            pair = convolved(seen, gate, weights[4 * index + 1].detach().to(kind), dilation**index)
            if biases is not None:
                pair += biases.detach()[..., 2 * hidden * index : 2 * hidden * (index + 1)]
            signal, sigma = pair.flatten(0, 1).chunk(2, dim=1)
            # The hyperbolic tangent of float32 takes a fifth of the time of that of bfloat16.
            tangent, sigmoid = torch.tanh(signal.to(precise)).to(kind), torch.sigmoid(sigma)
            part = gated[:, hidden * index : hidden * (index + 1)]
            torch.mul(tangent, sigmoid, out=part)
            kept.append((seen, tangent, sigmoid))
            if index < layers - 1:
                residual = F.linear(part, outputs[index][:hidden], weights[4 * index + 3].detach()[:hidden].to(kind))
                stream = stream + residual.view_as(stream)
        ctx.gates, ctx.outputs, ctx.skips, ctx.gated, ctx.kept, ctx.inside = gates, outputs, skips, gated, kept, inside
        ctx.padding, ctx.dilation, ctx.kinds = padding, dilation, [w.dtype for w in weights]
        ctx.conditioned = biases is not None
        return F.linear(gated, skips, skip_bias).view(batch, time, hidden) * inside

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        batch, time, hidden = gradient.shape
        gates, inside, layers = ctx.gates, ctx.inside, len(ctx.gates)
        wanted = ctx.needs_input_grad[4:]
        skip = (gradient.to(inside.dtype) * inside).flatten(0, 1)
        g_gated = skip @ ctx.skips
        g_skips = skip.T @ ctx.gated
        g_skip_bias = skip.sum(0)
        stream = torch.zeros(batch, time, hidden, dtype=torch.promote_types(skip.dtype, torch.float32))
        given: list[Tensor | None] = [None] * (4 * layers)
        g_biases = []
        pair = skip.new_empty(batch * time, 2 * hidden)
        for index in reversed(range(layers)):
            columns = slice(hidden * index, hidden * (index + 1))
            seen, tangent, sigmoid = ctx.kept[index]
            g_part = g_gated[:, columns]
            if index < layers - 1:
                residual = stream.to(skip.dtype).flatten(0, 1)
                g_part = torch.addmm(g_part, residual, ctx.outputs[index][:hidden])
                if wanted[4 * index + 2]:
                    given[4 * index + 2] = torch.cat([residual.T @ ctx.gated[:, columns], g_skips[:, columns]])
                    given[4 * index + 3] = torch.cat([residual.sum(0), g_skip_bias])
            elif wanted[4 * index + 2]:
                given[4 * index + 2], given[4 * index + 3] = g_skips[:, columns], g_skip_bias
            torch.ops.aten.tanh_backward(g_part * sigmoid, tangent, grad_input=pair[:, :hidden])
            torch.ops.aten.sigmoid_backward(g_part * tangent, sigmoid, grad_input=pair[:, hidden:])
            whole = pair.view(batch, time, 2 * hidden)
            if ctx.conditioned:
                g_biases.append(whole.sum(1, keepdim=True))
            g_seen, g_weight, g_bias = convolved_backward(
                whole, seen, gates[index], ctx.dilation**index, wanted[4 * index]
            )
            given[4 * index], given[4 * index + 1] = g_weight, g_bias
            stream += g_seen.reshape(-1, hidden).index_fill_(0, ctx.padding, 0).view_as(stream)
        for index, (kind, value) in enumerate(zip(ctx.kinds, given, strict=True)):
            if value is not None:
                value = torch.empty(value.shape, dtype=kind).copy_(value)  # number format and order in one pass
                given[index] = value.unsqueeze(2) if index % 4 == 2 else value
        conditions = torch.cat(g_biases[::-1], dim=2) if g_biases else None
        return stream, None, conditions, None, *given


def convolved(x: Tensor, weight: Tensor, bias: Tensor, dilation: int = 1) -> Tensor:
    """x [batch, time, channels], weight [outputs, channels, 1, kernel], odd, to [batch, time, outputs]."""
    padding = (weight.shape[3] - 1) * dilation // 2
    image = x.transpose(1, 2).unsqueeze(2)
    return F.conv2d(image, weight, bias, 1, (0, padding), (1, dilation)).squeeze(2).transpose(1, 2)


def convolved_backward(
    gradient: Tensor, x: Tensor, weight: Tensor, dilation: int = 1, learns: bool = True
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Gradients of ``convolved``'s input, weight [outputs, channels, kernel] and bias."""
    padding = (weight.shape[3] - 1) * dilation // 2
    x_image, g_image = (value.transpose(1, 2).unsqueeze(2) for value in (x, gradient))
    g_x, g_weight, g_bias = convolution_backward(
        g_image,
        x_image,
        weight,
        [weight.shape[0]],
        [1, 1],
        [0, padding],
        [1, dilation],
        False,
        [0, 0],
        1,
        [True, learns, learns],
    )
    return g_x.squeeze(2).transpose(1, 2), g_weight.squeeze(2) if learns else None, g_bias if learns else None
