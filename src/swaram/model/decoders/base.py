"""What every decoder is: its shapes, and how far its output looks (section 2.1.3)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class Source:
    """What drives a decoder with a harmonic source, frame by frame."""

    pitch: Tensor  # float32 [batch, frames], Hz, above 0, through voiceless frames too
    phase: Tensor  # float32 [batch, frames], turns 0..1, of the fundamental where each frame begins
    noise: Tensor  # float32 [batch, noise channels, frames], standard normal


class Decoder(nn.Module, ABC):
    """Latent frames to samples.

    ``left_margin`` and ``right_margin``: an output frame (``hop`` samples) depends on at most so many latent frames
    before and after it, so that windows decoded with these margins join to exactly what one pass gives.
    ``noise_channels``: of the source that drives it, 0 in decoders that take none.
    """

    left_margin: int
    right_margin: int
    noise_channels: int = 0

    @property
    def margin(self) -> int:
        """The larger of the two margins, in frames."""
        return max(self.left_margin, self.right_margin)

    @abstractmethod
    def forward(self, latent: Tensor, conditioning: Tensor | None = None, source: Source | None = None) -> Tensor:
        """latent [batch, latent, frames], conditioning [batch, condition, 1] or None (one speaker, no styles).

        Returns audio float32 [batch, frames * hop], about -1..1.
        """


class Reach:
    """How far the samples of a frame look back and ahead through the layers that are told to it, first layer first."""

    def __init__(self) -> None:
        self.layers: list[tuple[int, int, int]] = []  # stride, and what an output adds below and above
        self.rate = 1

    def convolution(self, back: int, ahead: int) -> None:
        """A layer whose output n takes the inputs n - back to n + ahead."""
        self.layers.append((1, back, ahead))

    def upsampling(self, stride: int, kernel: int, padding: int) -> None:
        """A transposed convolution, or overlapping frames: output n takes the inputs i for which
        n + padding - i * stride lies in 0 .. kernel - 1.
        """
        self.layers.append((stride, kernel - 1 - padding, padding))
        self.rate *= stride

    def margins(self) -> tuple[int, int]:
        """Frames back and ahead that the samples of one frame depend on, exactly."""
        low, high = 0, self.rate - 1
        for stride, back, ahead in reversed(self.layers):
            low, high = -((back - low) // stride), (high + ahead) // stride
        return -low, high
