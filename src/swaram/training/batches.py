"""Batches of like length, in an order that is a function of seed and epoch alone, so that a run can resume exactly."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from swaram.training.dataset import Dataset

SHAPE_STEP = 32


@dataclass
class Batch:
    """Padded utterances on one device."""

    symbols: Tensor  # int64 [batch, symbols], padded with the blank
    symbol_lengths: Tensor  # int64 [batch]
    audio: Tensor  # float32 [batch, frames * hop], -1..1, padded with zeros
    frame_lengths: Tensor  # int64 [batch]
    speaker: Tensor  # int64 [batch]
    durations: Tensor | None = None  # int64 [batch, symbols], in frames; where an alignment is known beforehand
    language: Tensor | None = None  # int64 [batch], places in data.languages
    style: Tensor | None = None  # int64 [batch], 0 for none

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        own = (self.symbols, self.symbol_lengths, self.audio, self.frame_lengths, self.speaker)
        more = (self.durations, self.language, self.style)
        moved = (value if value is None else value.to(device) for value in more)
        return Batch(*(value.to(device) for value in own), *moved)


@dataclass
class BatchOrder:
    """Every clip once an epoch, in batches of similar length; works with any number of clips from one up.

    ``frames``: length of each clip in frames; a batch has at most ``batch_size`` clips and, where given,
    at most ``batch_frames`` frames after padding (a longer clip stands alone).
    """

    frames: np.ndarray
    batch_size: int
    batch_frames: int | None
    seed: int

    def epoch(self, number: int) -> list[list[int]]:
        """The batches of one epoch as clip numbers."""
        random = np.random.default_rng((self.seed, number))
        # Lengths are blurred by a tenth so that the same clips do not always meet.
        order = np.argsort(self.frames * random.uniform(0.9, 1.1, len(self.frames)), kind="stable")
        batches: list[list[int]] = [[]]
        longest = 0
        for index in order.tolist():
            longest = max(longest, int(self.frames[index]))
            size = len(batches[-1]) + 1
            too_long = self.batch_frames is not None and size * longest > self.batch_frames
            if batches[-1] and (size > self.batch_size or too_long):
                batches.append([])
                longest = int(self.frames[index])
            batches[-1].append(index)
        return [batches[i] for i in random.permutation(len(batches))]


def collate(dataset: Dataset, indices: list[int], speakers: dict[str, int], hop: int) -> Batch:
    """Load and pad clips; audio is cut to whole frames of ``hop`` samples."""
    clips = [dataset.clips[i] for i in indices]
    waves = [dataset.audio(i) for i in indices]
    frames = torch.tensor([len(wave) // hop for wave in waves])
    lengths = torch.tensor([len(clip.symbols) for clip in clips])
    audio = torch.zeros(len(clips), _round_up(int(frames.max())) * hop)
    symbols = torch.zeros(len(clips), _round_up(int(lengths.max())), dtype=torch.int64)
    durations = torch.zeros_like(symbols) if dataset.durations else None
    for row, (clip, wave) in enumerate(zip(clips, waves, strict=True)):
        size = int(frames[row]) * hop
        audio[row, :size] = torch.from_numpy(wave[:size])
        symbols[row, : len(clip.symbols)] = torch.tensor(clip.symbols)
        if durations is not None:
            durations[row, : len(clip.symbols)] = torch.from_numpy(dataset.durations[indices[row]])
    speaker = torch.tensor([speakers[clip.speaker] for clip in clips])
    language, style = (torch.tensor([getattr(clip, name) for clip in clips]) for name in ("language", "style"))
    return Batch(symbols, lengths, audio, frames, speaker, durations, language, style)


def _round_up(size: int) -> int:
    # Few different shapes: CPU and CUDA kernels are chosen and compiled for each new one.
    return -(-size // SHAPE_STEP) * SHAPE_STEP


def endless_batches(
    dataset: Dataset, order: BatchOrder, speakers: dict[str, int], hop: int, epoch: int, position: int
) -> Iterator[tuple[int, int, Batch]]:
    """Batches from a place in the order on, without end, each with the place (epoch, position) that follows it."""
    while True:
        batches = order.epoch(epoch)
        for number in range(position, len(batches)):
            last = number == len(batches) - 1
            after = (epoch + 1, 0) if last else (epoch, number + 1)
            yield *after, collate(dataset, batches[number], speakers, hop)
        epoch, position = epoch + 1, 0
