"""The recogniser's network: convolutions over log mel frames that see about half a second to each side.

Narrow on purpose: a corpus of a few hundred sentences read by many teaches a network with wide context the sentences
instead of the sounds.
"""

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor, nn


class NetworkSettings(BaseModel):
    """Sizes of the network."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    channels: int = Field(default=256, ge=8, description="width of every block")
    expansion: int = Field(default=4, ge=1, description="inner width of a block over the outer one")
    kernels: tuple[int, ...] = Field(
        default=(7, 7, 7, 5, 5, 5, 3, 3), min_length=1, description="odd frames of symbols; one block each"
    )
    stride: int = Field(default=3, ge=1, le=4, description="mel frames for each frame of symbols")
    band_window: int = Field(default=8, ge=2, description="mel bands that the entrance sees at once")
    band_step: int = Field(default=4, ge=1, description="mel bands from one such window to the next")
    band_channels: tuple[int, int] = Field(default=(64, 96), description="of a window, and of three neighbours")
    dropout: float = Field(default=0.1, ge=0, lt=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1, description="share of blocks skipped, for each row of a batch")

    @field_validator("kernels")
    @classmethod
    def _odd(cls, kernels: tuple[int, ...]) -> tuple[int, ...]:
        if any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
            raise ValueError("kernels are odd and above 0, so that each frame lies in the middle of what it sees")
        return kernels

    def widens(self, other: "NetworkSettings") -> bool:
        """Whether weights of ``other`` fit once its kernels are padded: what is equal, but for wider kernels."""
        return (
            self.shape == other.model_copy(update={"kernels": self.kernels}).shape
            and len(self.kernels) == len(other.kernels)
            and all(wide >= narrow for wide, narrow in zip(self.kernels, other.kernels, strict=True))
        )

    @property
    def shape(self) -> tuple[object, ...]:
        """What must be equal for weights to fit: everything but the dropout, which may change within a run."""
        bands = self.band_window, self.band_step, self.band_channels
        return self.channels, self.expansion, self.kernels, self.stride, *bands

    @property
    def reach(self) -> int:
        """Frames of symbols that an output depends on, to each side."""
        return 1 + sum(kernel // 2 for kernel in self.kernels)


class Dropout(nn.Module):
    """Dropout whose masks are cut from one drawn pool at random places: drawing each anew costs a third of a step."""

    POOL = 1 << 22

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self._pool: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Any shape; the same in evaluation."""
        if not self.training or not self.share:
            return x
        if self._pool is None or self._pool.device != x.device or self._pool.dtype != x.dtype:
            generator = torch.Generator().manual_seed(1)
            kept = torch.rand(self.POOL, generator=generator) >= self.share
            self._pool = (kept / (1 - self.share)).to(x)
        pool, count = self._pool, x.numel()
        start = int(torch.randint(self.POOL, ()))
        if start + count > self.POOL:  # wrap around, as often as it takes
            pool = torch.cat([pool[start:], pool.repeat(count // self.POOL + 1)])[:count]
        else:
            pool = pool[start : start + count]
        return x * pool.view(x.shape)


class Entrance(nn.Module):
    """The same weights at every height of the spectrum, twice, then one layer over all (Abdel-Hamid et al. 2014).

    A formant is the same shape a little higher in a shorter vocal tract; a layer over all bands at once has to learn
    that for every height anew. Bands above the last whole group are not seen: none of 80 with windows of
    eight, the highest two with windows of ten.
    """

    NEIGHBOURS, APART = 3, 2  # windows that the second layer sees, and its step

    def __init__(self, settings: NetworkSettings, frames: int, n_mels: int) -> None:
        super().__init__()
        self.frames, self.window, self.step = frames, settings.band_window, settings.band_step
        windows = (n_mels + 2 * self.step - self.window) // self.step + 1
        heights = (windows - self.NEIGHBOURS) // self.APART + 1
        if heights < 1:
            raise ValueError(f"{n_mels} bands are too few for windows of {self.window} by steps of {self.step}")
        near, far = settings.band_channels
        self.first, self.norm = nn.Linear(frames * self.window, near), nn.LayerNorm(near)
        self.second = nn.Linear(self.NEIGHBOURS * near, far)
        self.third = nn.Linear(heights * far, settings.channels)
        self.dropouts = nn.ModuleList(Dropout(settings.dropout / 2) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """float [B, T, frames * n_mels] -> [B, T, channels]."""
        x = F.pad(x.unflatten(2, (self.frames, -1)), (self.step, self.step))
        x = _windows(x, 3, self.window, self.step).transpose(2, 3).flatten(3)  # (B, T, windows, frames * window)
        x = self.dropouts[0](self.norm(F.gelu(self.first(x))))
        x = _windows(x, 2, self.NEIGHBOURS, self.APART).flatten(3)  # (B, T, heights, near * neighbours)
        x = self.dropouts[1](F.gelu(self.second(x)))
        return cast(Tensor, self.dropouts[2](self.third(x.flatten(2))))


def _windows(x: Tensor, dim: int, size: int, step: int) -> Tensor:
    """``x.unfold(dim, size, step)`` in operations that ONNX has too."""
    count = (x.shape[dim] - size) // step + 1
    parts = (x.narrow(dim, place, step * (count - 1) + 1) for place in range(size))
    each = (slice(None),) * dim + (slice(None, None, step),)
    return torch.stack([part[each] for part in parts], dim=-1)


class Block(nn.Module):
    """Depthwise convolution over time, then two layers on each frame (Liu et al. 2022, ConvNeXt, section 2.6)."""

    def __init__(self, settings: NetworkSettings, kernel: int) -> None:
        super().__init__()
        channels = settings.channels
        self.depthwise = nn.Conv2d(channels, channels, (1, kernel), padding=(0, kernel // 2), groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, channels * settings.expansion)
        self.narrow = nn.Linear(channels * settings.expansion, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.1))
        self.inner, self.outer = Dropout(settings.dropout), Dropout(settings.dropout)
        self.drop_path = settings.drop_path

    def forward(self, x: Tensor) -> Tensor:
        """float [B, T, C] -> the same."""
        y = (
            self.depthwise(x.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)
        )  # (B, T, C) -> (B, C, 1, T) -> back
        y = self.narrow(self.inner(F.gelu(self.widen(self.norm(y)))))
        scale: Tensor = self.scale
        if self.training and self.drop_path:
            kept = torch.rand(len(x), 1, 1, device=x.device) >= self.drop_path
            scale = scale * (kept / (1 - self.drop_path))
        return x + scale * self.outer(y)


class Network(nn.Module):
    """Log mel frames to log probabilities of units.

    Args:
        settings: sizes.
        n_mels: bands of a mel frame.
        n_units: units, the blank included.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, settings: NetworkSettings, n_mels: int, n_units: int) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("mean", torch.zeros(n_mels))
        self.register_buffer("deviation", torch.ones(n_mels))
        self.enter = Entrance(settings, 3 * settings.stride, n_mels)
        self.blocks = nn.ModuleList(Block(settings, kernel) for kernel in settings.kernels)
        self.norm = nn.LayerNorm(settings.channels)
        self.leave = nn.Linear(settings.channels, n_units)

    def load_narrower(self, weights: dict[str, Tensor]) -> None:
        """Take the weights of a network that differs by narrower kernels: with zeros around them they do the same."""
        padded = dict(weights)
        for number, kernel in enumerate(self.settings.kernels):
            name = f"blocks.{number}.depthwise.weight"
            edge = (kernel - weights[name].shape[-1]) // 2
            padded[name] = F.pad(weights[name], (edge, edge))
        self.load_state_dict(padded)

    def forward(self, mel: Tensor) -> Tensor:
        """``mel``: float [B, F, n_mels], F a multiple of the stride -> log probabilities [B, F / stride, n_units]."""
        return self.both(mel)[0]

    def both(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """The log probabilities, and those that the middle of the network already gives (Lee and Watanabe 2021)."""
        stride = self.settings.stride
        x = (mel - self.mean) / self.deviation
        x = x.reshape(x.shape[0], -1, stride * x.shape[2])  # (B, F, M) -> (B, T, stride * M)
        edged = F.pad(x, (0, 0, 1, 1))
        x = self.enter(torch.cat([edged[:, :-2], x, edged[:, 2:]], dim=2))
        middle = x
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number == len(self.blocks) // 2:
                middle = x
        return self._classify(x), self._classify(middle)

    def _classify(self, x: Tensor) -> Tensor:
        return F.log_softmax(self.leave(self.norm(x)).float(), dim=-1)


@torch.no_grad()
def listen(network: nn.Module, mel: np.ndarray, stride: int) -> Tensor:
    """Log probabilities of one clip of any length: float [F, n_mels] -> float32 [ceil(F / stride), n_units]."""
    padded = np.pad(mel.astype(np.float32), ((0, -len(mel) % stride), (0, 0)), mode="edge")
    return cast(Tensor, network(torch.from_numpy(padded)[None])[0])
