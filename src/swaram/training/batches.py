"""Batches of like length, in an order that is a function of seed and epoch alone, so that a run can resume exactly."""

import hashlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from swaram.audio.pitch import UNKNOWN
from swaram.config.config import TrainConfig
from swaram.model.spectra import Spectra
from swaram.model.vits import Inputs
from swaram.training.dataset import Dataset
from swaram.training.spans import Span, draw_spans, whole_span

SHAPE_STEP = 32


@dataclass(frozen=True)
class Shares:
    """How much of the global batch's symbols, frames and decoded segments this process holds, each 0..1."""

    symbols: float = 1.0
    frames: float = 1.0
    segments: float = 1.0
    judged: float = 1.0  # of the segments that the discriminators see


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
    pitch: Tensor | None = None  # float32 [batch, 2, frames]: Hz, 1 where voiced; where the decoder needs it
    clips: tuple[int, ...] = ()  # numbers of the clips in the dataset
    shares: Shares = Shares()

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        moved: dict[str, Any] = {name: value.to(device, non_blocking=True) for name, value in tensors.items()}
        return replace(self, **moved)

    def inputs(self, spectra: Spectra, aligned: bool = False) -> Inputs:
        """What the generator takes, with spectra made on the batch's device; ``aligned``: with the known durations."""
        return Inputs(
            symbols=self.symbols,
            symbol_lengths=self.symbol_lengths,
            spectrogram=spectra.linear(self.audio),
            frame_lengths=self.frame_lengths,
            speaker=self.speaker,
            language=self.language,
            style=self.style,
            durations=self.durations if aligned else None,
            pitch=None if self.pitch is None else self.pitch[:, 0],
        )


@dataclass
class BatchOrder:
    """Every clip once an epoch, in batches of similar length; works with any number of clips from one up.

    ``frames``: length of each clip in frames. A batch has at most ``batch_size`` clips and, where given, at most
    ``batch_frames`` frames after padding (a longer clip stands alone), for each of the ``processes`` that share it.
    ``speakers``: the speaker's number of each clip, where an epoch is to hold as many clips of each speaker: it then
    draws as many clips as there are, each speaker's in turn without repeating one before all others of that speaker.
    """

    frames: np.ndarray
    batch_size: int
    batch_frames: int | None
    seed: int
    processes: int = 1
    speakers: np.ndarray | None = None

    def epoch(self, number: int) -> list[list[int]]:
        """The batches of one epoch as clip numbers."""
        random = np.random.default_rng((self.seed, number))
        clips = np.arange(len(self.frames)) if self.speakers is None else self._balanced(random)
        # Lengths are blurred by a tenth so that the same clips do not always meet.
        order = clips[np.argsort(self.frames[clips] * random.uniform(0.9, 1.1, len(clips)), kind="stable")]
        batches: list[list[int]] = [[]]
        longest = 0
        for index in order.tolist():
            longest = max(longest, int(self.frames[index]))
            size = -(-(len(batches[-1]) + 1) // self.processes)  # of the process that gets most
            too_long = self.batch_frames is not None and size * longest > self.batch_frames
            if batches[-1] and (size > self.batch_size or too_long):
                batches.append([])
                longest = int(self.frames[index])
            batches[-1].append(index)
        return [batches[i] for i in random.permutation(len(batches))]

    def _balanced(self, random: np.random.Generator) -> np.ndarray:
        assert self.speakers is not None
        groups = [np.flatnonzero(self.speakers == speaker) for speaker in np.unique(self.speakers)]
        # What does not divide evenly goes to other speakers in each epoch.
        counts = np.full(len(groups), len(self.frames) // len(groups))
        counts[random.permutation(len(groups))[: len(self.frames) % len(groups)]] += 1
        drawn = []
        for group, count in zip(groups, counts, strict=True):
            rounds = [random.permutation(group) for _ in range(-(-int(count) // len(group)))]
            drawn.append(np.concatenate([*rounds, group[:0]])[:count])
        return np.concatenate(drawn)

    @property
    def digest(self) -> str:
        """Equal only for orders that give the same batches: a place in one means nothing in another."""
        parts = (self.frames.tolist(), self.batch_size, self.batch_frames, self.seed, self.processes)
        speakers = None if self.speakers is None else self.speakers.tolist()
        return hashlib.sha256(repr((parts, speakers)).encode()).hexdigest()[:32]


def shared_out(
    dataset: Dataset,
    order: BatchOrder,
    batch: list[int],
    rank: int,
    train: TrainConfig | None = None,
    spans: dict[int, Span] | None = None,
) -> tuple[list[int], Shares]:
    """This process's clips of a global batch, and what shares of it they are: ``train`` says how many segments are
    decoded and judged, one of every clip where it is None; ``spans`` what is taken of each clip, all where it is None.

    A process for which no clip is left gets the first one with no share: it computes along and changes nothing.
    """
    parts = [batch[number :: order.processes] for number in range(order.processes)]
    mine = parts[rank]
    if not mine:
        return batch[:1], Shares(0.0, 0.0, 0.0, 0.0)
    symbols = {i: spans[i].symbol_count if spans else len(dataset.clips[i].symbols) for i in batch}
    frames = {i: spans[i].frame_count if spans else int(order.frames[i]) for i in batch}
    train = train or TrainConfig()
    decoded = [train.decoded(len(part)) if part else 0 for part in parts]
    seen = [train.judged(len(part)) if part else 0 for part in parts]
    return mine, Shares(
        sum(symbols[i] for i in mine) / sum(symbols.values()),
        sum(frames[i] for i in mine) / sum(frames.values()),
        decoded[rank] / sum(decoded),
        seen[rank] / sum(seen),
    )


def collate(
    dataset: Dataset,
    indices: list[int],
    speakers: dict[str, int],
    hop: int,
    longest: tuple[int, int] = (0, 0),
    shares: Shares | None = None,
    spans: dict[int, Span] | None = None,
) -> Batch:
    """Load and pad clips; audio is cut to whole frames of ``hop`` samples.

    ``longest``: symbols and frames to pad to at least, so that all processes pad alike. ``spans``: what is taken of
    each clip, all of it where it is None.
    """
    clips = [dataset.clips[i] for i in indices]
    taken = [spans[i] if spans else whole_span(clip, hop) for i, clip in zip(indices, clips, strict=True)]
    frames = torch.tensor([span.frame_count for span in taken])
    lengths = torch.tensor([span.symbol_count for span in taken])
    audio = torch.zeros(len(clips), _round_up(max(int(frames.max()), longest[1])) * hop)
    symbols = torch.zeros(len(clips), _round_up(max(int(lengths.max()), longest[0])), dtype=torch.int64)
    durations = torch.zeros_like(symbols) if dataset.durations else None
    pitch = None
    if dataset.pitch_hop:
        pitch = torch.tensor([UNKNOWN, 0.0])[None, :, None].repeat(len(clips), 1, audio.shape[1] // hop)
    for row, (index, clip, span) in enumerate(zip(indices, clips, taken, strict=True)):
        wave = dataset.audio(index)[span.frames.start * hop : span.frames.stop * hop]
        audio[row, : len(wave)] = torch.from_numpy(wave)
        symbols[row, : lengths[row]] = torch.tensor(clip.symbols[span.symbols])
        if durations is not None:
            durations[row, : lengths[row]] = torch.from_numpy(dataset.durations[index][span.symbols])
        if pitch is not None:
            pitch[row, :, : frames[row]] = torch.from_numpy(dataset.pitch(index)[:, span.frames])
    speaker = torch.tensor([speakers[clip.speaker] for clip in clips])
    language, style = (torch.tensor([getattr(clip, name) for clip in clips]) for name in ("language", "style"))
    own = (symbols, lengths, audio, frames, speaker, durations, language, style, pitch)
    return Batch(*own, tuple(indices), shares or Shares())


def _round_up(size: int) -> int:
    # Few different shapes: CPU and CUDA kernels are chosen and compiled for each new one.
    return -(-size // SHAPE_STEP) * SHAPE_STEP


def endless_batches(
    dataset: Dataset,
    order: BatchOrder,
    speakers: dict[str, int],
    hop: int,
    epoch: int,
    position: int,
    rank: int = 0,
    train: TrainConfig | None = None,
) -> Iterator[tuple[int, int, Batch]]:
    """This process's part of each batch, from a place in the order on, without end.

    Each comes with the place (epoch, position) that follows it. ``train`` as in ``shared_out``.
    """
    while True:
        batches = order.epoch(epoch)
        for number in range(position, len(batches)):
            last = number == len(batches) - 1
            after = (epoch + 1, 0) if last else (epoch, number + 1)
            whole = batches[number]
            share, shortest = (train.spans, train.segment_frames) if train else (0.0, 0)
            spans = draw_spans(dataset, whole, hop, share, shortest, (order.seed, epoch, number))
            mine, shares = shared_out(dataset, order, whole, rank, train, spans)
            longest = max(s.symbol_count for s in spans.values()), max(s.frame_count for s in spans.values())
            yield *after, collate(dataset, mine, speakers, hop, longest, shares, spans)
        epoch, position = epoch + 1, 0


def ahead(batches: Iterator[tuple[int, int, Batch]], depth: int = 4) -> Iterator[tuple[int, int, Batch]]:
    """The same batches, made up to ``depth`` ahead by a thread, so that a GPU does not wait for the disk.

    What goes wrong in the thread is raised here, in its place in the order. The thread ends with this generator.
    """
    ready: queue.Queue[tuple[int, int, Batch] | BaseException] = queue.Queue(depth)
    over = threading.Event()

    def hand_over(item: tuple[int, int, Batch] | BaseException) -> None:
        while not over.is_set():
            try:
                return ready.put(item, timeout=0.2)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in batches:
                hand_over(item)
                if over.is_set():
                    return
        except BaseException as error:
            hand_over(error)

    threading.Thread(target=work, name="batches", daemon=True).start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        over.set()
