"""Monotonic rational-quadratic splines (Durkan et al. 2019), the coupling of the stochastic duration predictor.

Always in float32: the bins are normalised by softmax and cumulative sums, where half precision loses monotony.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

MIN_WIDTH = MIN_HEIGHT = MIN_DERIVATIVE = 1e-3


def _edges(raw: Tensor, minimum: float, bound: float) -> tuple[Tensor, Tensor]:
    """Unnormalised sizes [..., bins] to edges [..., bins + 1] over -bound..bound, and the sizes between them."""
    bins = raw.shape[-1]
    sizes = minimum + (1 - minimum * bins) * torch.softmax(raw, dim=-1)
    inner = 2 * bound * torch.cumsum(sizes, dim=-1)[..., :-1] - bound
    ends = torch.full_like(raw[..., :1], bound)
    edges = torch.cat([-ends, inner, ends], dim=-1)
    return edges, edges[..., 1:] - edges[..., :-1]


def rational_quadratic_spline(
    x: Tensor, widths: Tensor, heights: Tensor, derivatives: Tensor, bound: float, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Map x through a spline inside -bound..bound, and through the identity (linear tails) outside.

    x [...], widths and heights [..., bins], derivatives [..., bins - 1], all unnormalised, float32.
    Returns the mapped values and the log of the absolute derivative, both [...].
    """
    inside = (x >= -bound) & (x <= bound)
    value = x.clamp(-bound, bound)
    x_edges, x_sizes = _edges(widths, MIN_WIDTH, bound)
    y_edges, y_sizes = _edges(heights, MIN_HEIGHT, bound)
    # Slope 1 at both ends, so that the tails join smoothly.
    slopes = F.pad(MIN_DERIVATIVE + F.softplus(derivatives), (1, 1), value=1.0)

    edges = y_edges if reverse else x_edges
    bin_index = (value.unsqueeze(-1) >= edges[..., 1:-1]).sum(-1, keepdim=True)

    def at(table: Tensor) -> Tensor:
        return table.gather(-1, bin_index).squeeze(-1)

    x0, width = at(x_edges), at(x_sizes)
    y0, height = at(y_edges), at(y_sizes)
    slope0, slope1 = at(slopes), at(slopes[..., 1:])
    delta = height / width
    curve = slope0 + slope1 - 2 * delta

    if reverse:
        y = value - y0
        a = height * (delta - slope0) + y * curve
        b = height * slope0 - y * curve
        c = -delta * y
        root = 2 * c / (-b - torch.sqrt((b.square() - 4 * a * c).clamp(min=0)))
    else:
        root = (value - x0) / width
    between = root * (1 - root)
    denominator = delta + curve * between
    forth = y0 + height * (delta * root.square() + slope0 * between) / denominator
    mapped = root * width + x0 if reverse else forth
    gradient = delta.square() * (slope1 * root.square() + 2 * delta * between + slope0 * (1 - root).square())
    log_derivative = torch.log(gradient) - 2 * torch.log(denominator)
    if reverse:
        log_derivative = -log_derivative
    return torch.where(inside, mapped, x), torch.where(inside, log_derivative, torch.zeros_like(x))
