"""Rows of one length filled with several clips: hardly any padding, one shape for the machine, no sentence alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from swaram.audio.resample import resample
from swaram.evaluation.recognizer.augmentation import SILENCE, hiss, mask, vary
from swaram.evaluation.recognizer.clips import Clip
from swaram.evaluation.recognizer.decoding import SPACE
from swaram.evaluation.recognizer.features import FeatureSettings, at_level, log_mel
from swaram.evaluation.recognizer.splicing import Cut, shuffled
from swaram.evaluation.recognizer.units import UnitTable

SPLICED = 0.35  # share of rows whose clips are cut and mixed, once it is known where
SPEEDS = (0.88, 0.94, 1.0, 1.07, 1.14)


@dataclass
class Batch:
    """``mel``: float32 [rows, frames, n_mels]; ``targets``: int64 [units of all rows]; ``lengths``: int64 [rows]."""

    mel: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray


@dataclass
class Corpus:
    """The clips of a training run as frames in memory (half precision), at several speeds."""

    features: FeatureSettings
    units: UnitTable
    stride: int
    clips: list[Clip] = field(default_factory=list)
    frames: list[list[np.ndarray]] = field(default_factory=list)
    targets: list[list[int]] = field(default_factory=list)
    cuts: dict[str, list[Cut]] = field(default_factory=dict)  # of clips by id, in frames of speed 1

    def add(self, clips: Sequence[Clip], speeds: Sequence[float] = SPEEDS, longest: int = 1000) -> list[Clip]:
        """Read clips in; those that do not fit into a row of ``longest`` frames or say too much are given back."""
        refused = []
        for clip in clips:
            audio = at_level(clip.audio(self.features.sample_rate), self.features)
            ids = self.units.encode(clip.text)
            needed = (len(ids) + sum(a == b for a, b in pairwise(ids)) + 1) * self.stride
            copies = []
            for speed in speeds:
                spoken = resample(audio, round(self.features.sample_rate * speed), self.features.sample_rate)
                mel = log_mel(spoken, self.features).astype(np.float16)
                if needed <= len(mel) <= longest - 20:
                    copies.append(mel)
            if copies and ids:
                self.clips.append(clip)
                self.frames.append(copies)
                self.targets.append(ids)
            else:
                refused.append(clip)
        return refused

    def copy_cuts(self, clip: int, copy: int) -> list[Cut]:
        """Where one copy of a clip may be cut: the places of speed 1 at its own length."""
        cuts = self.cuts.get(self.clips[clip].id, [])
        if not cuts:
            return []
        ratio = len(self.frames[clip][copy]) / (self.clips[clip].seconds / self.features.frame_seconds)
        return [(unit, round(frame * ratio)) for unit, frame in cuts]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each band: float32 [n_mels] both."""
        everything = np.concatenate([copies[len(copies) // 2] for copies in self.frames]).astype(np.float32)
        return everything.mean(0), everything.std(0) + 1e-3


class RowMaker:
    """Deals the clips of a corpus into rows, a new order every epoch, and makes batches of them.

    Everything that is drawn depends on the seed and the place in the run alone, so that a run can go on where it was.
    """

    def __init__(self, corpus: Corpus, row_frames: int, rows: int, seed: int) -> None:
        self.corpus, self.row_frames, self.rows, self.seed = corpus, row_frames, rows, seed
        self._fill = corpus.moments()[0]

    def epoch(self, number: int) -> list[list[list[tuple[int, int, int]]]]:
        """Batches of rows of (clip, copy, frames of silence before it)."""
        rng = np.random.default_rng([self.seed, 1, number])
        open_rows: list[tuple[list[tuple[int, int, int]], int]] = []
        done: list[list[tuple[int, int, int]]] = []
        for clip in rng.permutation(len(self.corpus.clips)):
            copy = int(rng.integers(len(self.corpus.frames[clip])))
            gap = int(rng.integers(3, 40))
            length = gap + len(self.corpus.frames[clip][copy])
            for place, (row, used) in enumerate(open_rows):
                if used + length <= self.row_frames:
                    row.append((int(clip), copy, gap))
                    open_rows[place] = (row, used + length)
                    break
            else:
                open_rows.append(([(int(clip), copy, min(gap, 3))], length))
                if len(open_rows) > 24:
                    open_rows.sort(key=lambda item: item[1])
                    done.append(open_rows.pop()[0])
        done += [row for row, _ in open_rows]
        order = rng.permutation(len(done))
        whole = len(done) - len(done) % self.rows
        return [[done[i] for i in order[k : k + self.rows]] for k in range(0, whole, self.rows)] or [done]

    def batch(self, rows: list[list[tuple[int, int, int]]], step: int, augment: bool = True) -> Batch:
        """The frames and targets of one batch; with ``augment``, varied by what ``step`` draws."""
        rng = np.random.default_rng([self.seed, 2, step])
        n_mels = self.corpus.features.n_mels
        mel = np.full((len(rows), self.row_frames, n_mels), SILENCE, dtype=np.float32)
        targets: list[int] = []
        lengths = []
        for number, row in enumerate(rows):
            spliced = augment and bool(self.corpus.cuts) and rng.random() < SPLICED
            ids: list[int] = []
            place = 0
            parts = []
            for clip, copy, gap in row:
                frames = self.corpus.frames[clip][copy].astype(np.float32)
                if augment:
                    frames = vary(frames, rng)
                if spliced:
                    parts.append((frames, self.corpus.targets[clip], self.corpus.copy_cuts(clip, copy)))
                    continue
                place += gap
                if gap > 12 and rng.random() < 0.5:  # a pause of the same room, not of a muted microphone
                    quiet = frames[np.argsort(frames.mean(1))[: max(3, len(frames) // 20)]]
                    mel[number, place - gap : place] = quiet[rng.integers(len(quiet), size=gap)]
                mel[number, place : place + len(frames)] = frames
                place += len(frames)
                ids += ([SPACE] if ids else []) + self.corpus.targets[clip]
            if parts:
                frames, ids = shuffled(parts, rng)
                mel[number, row[0][2] : row[0][2] + len(frames)] = frames
            if augment and rng.random() < 0.3:  # hiss goes on while nobody speaks
                mel[number] = np.logaddexp(mel[number], hiss(mel[number], rng))
            if augment:
                mask(mel[number], self._fill, rng)
            targets += ids
            lengths.append(len(ids))
        return Batch(mel, np.asarray(targets), np.asarray(lengths))
