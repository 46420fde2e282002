"""Streaming: the decoder over windows of latent frames, whose joined samples equal one pass over all of them.

A decoder that carries its state goes on where the window before has stopped, and looks a few frames ahead. Any other is
given as many frames more on either side as its output can depend on (the margins in ``voice.json``), and these are cut
off again. The schedule depends on the number of frames only, so that the same speech has the same samples however it is
served.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swaram.audio.flac import BLOCK_SAMPLES

# With margins of half a second on either side a first window twice as long costs a seventh more, and gives the
# listener twice the time until the second one is due.
FIRST_WINDOW_SECONDS = 0.512
LAST_WINDOW_SECONDS = 2.048
_MAX_UNIT_SECONDS = 0.25
# onnxruntime adds up a convolution's products in another order where it makes 64 outputs or fewer. Phases are sums of a
# pitch over all frames, so its last bit would come out as three steps of 16 bits.
_LEAST_PIECE = 65
# The weights are fetched from memory once for each piece: of 128 frames it costs a tenth more than of 256.
_LATER_PIECE = 256


@dataclass(frozen=True)
class Window:
    """Frames ``start`` to ``end`` (exclusive) of a passage, decoded from frames ``low`` to ``high``."""

    start: int
    end: int
    low: int
    high: int

    def cut(self, hop_length: int) -> slice:
        """The window's own samples among those that the decoder makes of ``low`` to ``high``."""
        return slice((self.start - self.low) * hop_length, (self.end - self.low) * hop_length)


def window_unit(hop_length: int, sample_rate: int) -> int:
    """Frames that make a whole number of FLAC blocks, or 1 where that would be too many."""
    unit = BLOCK_SAMPLES // math.gcd(BLOCK_SAMPLES, hop_length)
    return unit if unit * hop_length / sample_rate <= _MAX_UNIT_SECONDS else 1


def windows(frames: int, hop_length: int, sample_rate: int, left: int, right: int) -> Iterator[Window]:
    """Windows over ``frames``: small at first, then doubling, the last as long as what is left."""
    unit = window_unit(hop_length, sample_rate)
    size = _units(FIRST_WINDOW_SECONDS, hop_length, sample_rate, unit)
    largest = _units(LAST_WINDOW_SECONDS, hop_length, sample_rate, unit)
    start = 0
    while start < frames:
        end = start + size
        if frames - end < size // 2:  # a crumb would cost its margins once more
            end = frames
        yield Window(start, end, max(0, start - left), min(frames, end + right))
        start = end
        size = min(2 * size, largest)


def flow_edges(frames: int, first: int, left: int, right: int) -> tuple[int, ...]:
    """Where the pieces end in which the flow goes over a passage that somebody waits for.

    The ``first`` frames alone, which is what the first window needs, then all others; everything at once where the
    margins of two pieces would cost as much as the wait that they save.
    """
    return (first, frames) if frames - first > 2 * (left + right) else (frames,)


def flow_pieces(frames: int, highs: Iterable[int], ahead: int) -> tuple[int, ...]:
    """Where the pieces end in which a flow that carries its state goes over a passage: one for each of the frames
    ``highs`` that windows wait for, but the first is not so small that it would be computed in another order than the
    whole, and the others are longer.
    """
    edges: list[int] = []
    done = 0
    for high in highs:
        if high > done:
            done = max(high, done + (_LATER_PIECE if edges else _LEAST_PIECE))
            if frames - done - ahead < _LEAST_PIECE:
                done = frames
            edges.append(done)
    return tuple(edges)


def _units(seconds: float, hop_length: int, sample_rate: int, unit: int) -> int:
    return max(1, round(seconds * sample_rate / hop_length / unit)) * unit
