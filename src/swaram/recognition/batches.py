"""Rows of one length filled with several clips: hardly any padding, one shape for the machine, no sentence alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from swaram.audio.resample import resample
from swaram.prepare.manifest import Clip
from swaram.recognition.augmentation import SILENCE, Cut, hiss, mask, shuffled, stretch, vary
from swaram.recognition.decoding import SPACE
from swaram.recognition.features import FeatureSettings, loud_frames, spectra
from swaram.recognition.units import UnitTable

SPLICED = 0.35  # share of rows whose clips are cut and mixed, once it is known where
PACES = (0.85, 1.15)  # range of the length of a clip over what it was, its pitch kept
SPEEDS = (0.88, 0.94, 1.0, 1.07, 1.14)


class Place(NamedTuple):
    """A clip in a row: its number, which copy of it, frames of silence before it, its length over what it was."""

    clip: int
    copy: int
    gap: int
    pace: float = 1.0


@dataclass
class Batch:
    """Rows of several clips, each as often as there are ``views``: all rows, then all rows once more.

    ``mel``: float32 [R, frames, n_mels]; ``targets``: int64 [units of all R]; ``lengths``: int64 [R]; ``shares``:
    float32 [R], how much of ``mel`` is the row's ``partner``.
    """

    mel: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray
    shares: np.ndarray
    views: int = 1

    def partner(self, row: int) -> int:
        """The row that is mixed into this one: the one before it, of the same view."""
        rows = len(self.lengths) // self.views
        return row // rows * rows + (row - 1) % rows


@dataclass
class Corpus:
    """The clips of a training run as frames in memory (half precision), at several speeds."""

    features: FeatureSettings
    units: UnitTable
    stride: int
    clips: list[Clip] = field(default_factory=list)
    frames: list[list[np.ndarray]] = field(default_factory=list)
    targets: list[list[int]] = field(default_factory=list)
    needed: list[int] = field(default_factory=list)  # frames that the units of a clip take at least
    cuts: dict[str, list[Cut]] = field(default_factory=dict)  # of clips by id, in frames of speed 1

    def add(self, clips: Sequence[Clip], speeds: Sequence[float] = SPEEDS, longest: int = 1000) -> list[Clip]:
        """Read clips in; those that do not fit into a row of ``longest`` frames or say too much are given back."""
        refused = []
        for clip in clips:
            audio = clip.audio(self.features.sample_rate)
            ids = self.units.encode(clip.text)
            needed = (len(ids) + sum(a == b for a, b in pairwise(ids)) + 1) * self.stride
            copies = []
            for speed in speeds:
                spoken = resample(audio, round(self.features.sample_rate * speed), self.features.sample_rate)
                mel = spectra(spoken, self.features).astype(np.float16)
                if needed <= len(mel) <= longest - 20:
                    copies.append(mel)
            if copies and ids:
                self.clips.append(clip)
                self.frames.append(copies)
                self.targets.append(ids)
                self.needed.append(needed)
            else:
                refused.append(clip)
        return refused

    def length(self, place: Place) -> int:
        """Frames of a clip at its place in a row."""
        return round(len(self.frames[place.clip][place.copy]) * place.pace)

    def place_cuts(self, place: Place) -> list[Cut]:
        """Where a clip may be cut: the places of speed 1 at the length that it has here."""
        clip = place.clip
        cuts = self.cuts.get(self.clips[clip].id, [])
        if not cuts:
            return []
        ratio = self.length(place) / (self.clips[clip].seconds / self.features.frame_seconds)
        return [(unit, round(frame * ratio)) for unit, frame in cuts]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each band: float32 [n_mels] both."""
        everything = np.concatenate([copies[len(copies) // 2] for copies in self.frames]).astype(np.float32)
        return everything.mean(0), everything.std(0) + 1e-3


def typical_of(clips: Sequence[Clip], at_most: int = 300) -> FeatureSettings:
    """The settings whose ``typical`` is the mean loud frame of some of these clips, evenly chosen."""
    plain = FeatureSettings()
    chosen = clips[:: max(1, len(clips) // at_most)]
    spectra_of = (spectra(clip.audio(plain.sample_rate), plain) for clip in chosen)
    means = [mel[loud_frames(mel)].mean(0) for mel in spectra_of if len(mel) and loud_frames(mel).any()]
    return replace(plain, typical=tuple(np.mean(means, axis=0))) if means else plain


class RowMaker:
    """Deals the clips of a corpus into rows, a new order every epoch, and makes batches of them.

    Everything that is drawn depends on the seed and the place in the run alone, so that a run can go on where it was.
    """

    def __init__(
        self, corpus: Corpus, row_frames: int, rows: int, seed: int, paces: tuple[float, float] = PACES
    ) -> None:
        self.corpus, self.row_frames, self.rows, self.seed, self.paces = corpus, row_frames, rows, seed, paces
        self._fill = corpus.moments()[0]

    def epoch(self, number: int) -> list[list[list[Place]]]:
        """Batches of rows of clips."""
        rng = np.random.default_rng([self.seed, 1, number])
        open_rows: list[tuple[list[Place], int]] = []
        done: list[list[Place]] = []
        for clip in map(int, rng.permutation(len(self.corpus.clips))):
            place = self._draw(clip, rng)
            length = place.gap + self.corpus.length(place)
            for slot, (row, used) in enumerate(open_rows):
                if used + length <= self.row_frames:
                    row.append(place)
                    open_rows[slot] = (row, used + length)
                    break
            else:
                open_rows.append(([place._replace(gap=min(place.gap, 3))], length))
                if len(open_rows) > 24:
                    open_rows.sort(key=lambda item: item[1])
                    done.append(open_rows.pop()[0])
        done += [row for row, _ in open_rows]
        order = rng.permutation(len(done))
        whole = len(done) - len(done) % self.rows
        return [[done[i] for i in order[k : k + self.rows]] for k in range(0, whole, self.rows)] or [done]

    def _draw(self, clip: int, rng: np.random.Generator) -> Place:
        place = Place(clip, int(rng.integers(len(self.corpus.frames[clip]))), int(rng.integers(3, 40)))
        paced = place._replace(pace=float(rng.uniform(*self.paces)))
        fits = self.corpus.needed[clip] <= self.corpus.length(paced) <= self.row_frames - 20
        return paced if fits else place

    def batch(
        self, rows: list[list[Place]], step: int, augment: bool = True, views: int = 1, mixed: float = 0.0
    ) -> Batch:
        """The frames and targets of one batch; with ``augment``, varied by what ``step`` draws.

        The ``views`` of a row hold the same clips, cuts and lengths, each with other colour, noise and masks. Into the
        share ``mixed`` of the rows up to a half of another row is mixed, the same in all views.
        """
        shape = (views * len(rows), self.row_frames, self.corpus.features.n_mels)
        mel = np.full(shape, SILENCE, dtype=np.float32)
        targets: list[int] = []
        lengths = []
        for number in range(views * len(rows)):
            row = number % len(rows)
            rng = np.random.default_rng([self.seed, 2, step, row])
            ids = self._fill_row(
                mel[number], rows[row], rng, np.random.default_rng([self.seed, 3, step, number]), augment
            )
            targets += ids
            lengths.append(len(ids))
        rng = np.random.default_rng([self.seed, 4, step])
        shares = np.where(rng.random(len(rows)) < mixed, rng.uniform(0.0, 0.5, len(rows)), 0.0).astype(np.float32)
        batch = Batch(mel, np.asarray(targets), np.asarray(lengths), np.tile(shares, views), views)
        pure = mel.copy() if shares.any() else mel
        for row in np.flatnonzero(batch.shares).tolist():
            mel[row] += batch.shares[row] * (pure[batch.partner(row)] - pure[row])
        return batch

    def _fill_row(
        self, mel: np.ndarray, row: list[Place], rng: np.random.Generator, colour: np.random.Generator, augment: bool
    ) -> list[int]:
        """One row in place, and its units: ``rng`` draws what lies where, ``colour`` how it sounds."""
        spliced = augment and bool(self.corpus.cuts) and rng.random() < SPLICED
        ids: list[int] = []
        start = 0
        parts = []
        for place in row:
            frames = self.corpus.frames[place.clip][place.copy].astype(np.float32)
            frames = stretch(frames, self.corpus.length(place))
            if augment:
                frames = vary(frames, colour)
            if spliced:
                parts.append((frames, self.corpus.targets[place.clip], self.corpus.place_cuts(place)))
                continue
            gap = place.gap
            start += gap
            if gap > 12 and rng.random() < 0.5:  # a pause of the same room, not of a muted microphone
                quiet = frames[np.argsort(frames.mean(1))[: max(3, len(frames) // 20)]]
                mel[start - gap : start] = quiet[rng.integers(len(quiet), size=gap)]
            mel[start : start + len(frames)] = frames
            start += len(frames)
            ids += ([SPACE] if ids else []) + self.corpus.targets[place.clip]
        if parts:
            frames, ids = shuffled(parts, rng)
            mel[row[0].gap : row[0].gap + len(frames)] = frames
        if augment and colour.random() < 0.3:  # hiss goes on while nobody speaks
            mel[:] = np.logaddexp(mel, hiss(mel, colour))
        if augment:
            mask(mel, self._fill, colour)
        return ids
