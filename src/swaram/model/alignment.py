"""Monotonic alignment search (section 2.2.1, equation 6; Kim et al. 2020) without a compile step at install time.

On a CPU it is a compiled loop over the table; on other devices whole rows at once, so that no score leaves the device.
"""

from collections.abc import Callable

import numba
import numpy as np
import torch
from torch import Tensor

from swaram.model import cpu


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile a function, and keep what was compiled where some folder for it can be written."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither beside this file nor in a home folder: a container with a read-only root
        return numba.njit(nogil=True)(function)


@_compiled
def _search(score: np.ndarray, symbols: np.ndarray, frames: np.ndarray, durations: np.ndarray) -> None:
    for item in range(score.shape[0]):
        table = score[item]
        n_symbols, n_frames = symbols[item], frames[item]
        # Forward: table[s, t] becomes the best sum of a path that ends at symbol s in frame t.
        for t in range(n_frames):
            lowest = max(0, n_symbols + t - n_frames)
            highest = min(n_symbols - 1, t)
            for s in range(highest, lowest - 1, -1):
                if t == 0:
                    continue  # the only path there is has begun: its score stands
                stay = table[s, t - 1] if s < t else -np.inf
                move = table[s - 1, t - 1] if s > 0 else -np.inf
                table[s, t] += max(stay, move)
        # Backward: where the best path changes from one symbol to the next.
        s = n_symbols - 1
        for t in range(n_frames - 1, -1, -1):
            durations[item, s] += 1
            if s > 0 and (s == t or table[s, t - 1] < table[s - 1, t - 1]):
                s -= 1


def maximum_path(score: Tensor, symbols: Tensor, frames: Tensor) -> Tensor:
    """Durations of the best monotonic path without skips.

    score float [batch, symbols, frames]: log-likelihood of each frame under each symbol; symbols, frames
    int64 [batch]: the lengths. Every symbol gets at least one frame, so frames must be at least symbols
    (ValueError otherwise, on a CPU; a GPU would have to be waited for, and ``load_dataset`` leaves such clips out).
    Returns durations int64 [batch, symbols], in frames, on the device of ``score``.
    """
    if not cpu.by_hand(score):
        return batched_path(score, symbols, frames)
    if bool((frames < symbols).any()):
        raise ValueError("an item has fewer frames than symbols: no monotonic path exists")
    table = score.detach().to("cpu", torch.float32).contiguous().clone().numpy()
    durations = np.zeros(table.shape[:2], dtype=np.int64)
    _search(table, symbols.cpu().numpy(), frames.cpu().numpy(), durations)
    return torch.from_numpy(durations).to(score.device)


@torch.no_grad()
def batched_path(score: Tensor, symbols: Tensor, frames: Tensor) -> Tensor:
    """The same as ``maximum_path`` by operations on all items and frames at once, for any device.

    The best path that is at symbol s in frame t entered it in some frame u <= t, so its score is that of the best path
    up to u - 1 plus a difference of running sums: one running maximum over frames for each symbol. The sums are
    float64, since differences of long sums decide.
    """
    running = score.detach().double().cumsum(2)  # (B, S, T)
    before = torch.nn.functional.pad(running, (1, 0))[..., :-1]  # sums up to the frame before
    best = torch.full_like(running[:, 0], -torch.inf)
    best[:, 0] = 0  # nothing comes before the first symbol's first frame
    entered = []
    for s in range(score.shape[1]):
        reached, frame = torch.cummax(best - before[:, s], dim=1)
        entered.append(frame)
        best = torch.nn.functional.pad((reached + running[:, s])[:, :-1], (1, 0), value=-torch.inf)
    durations = torch.zeros(score.shape[:2], dtype=torch.int64, device=score.device)
    symbols, last = symbols.to(score.device), frames.to(score.device) - 1
    for s in reversed(range(score.shape[1])):
        present = s < symbols
        first = entered[s].gather(1, last[:, None]).squeeze(1)
        durations[:, s] = torch.where(present, last - first + 1, 0)
        last = torch.where(present, first - 1, last).clamp(min=0)
    return durations


def expand(x: Tensor, durations: Tensor, frames: int) -> Tensor:
    """Repeat each column of x [batch, channels, symbols] by its duration: [batch, channels, frames].

    Frames beyond the sum of an item's durations repeat its last symbol; mask them.
    """
    ends = durations.cumsum(1)
    position = torch.arange(frames, device=x.device)
    index = (position[None, :, None] >= ends[:, None, :]).sum(2)
    index = torch.minimum(index, torch.full_like(index, x.shape[2] - 1))
    return x.gather(2, index[:, None, :].expand(x.shape[0], x.shape[1], frames))
