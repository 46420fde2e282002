"""Acoustic models of sounds, made from recordings and their texts alone.

Three states a sound with mixtures of Gaussians over cepstra. ``seed_models`` are those that ship: they know the sounds
of five languages coarsely, and are where every alignment begins. ``adapt`` brings them to the recordings at hand
(maximum a posteriori, Gauvain and Lee 1994, section III), ``train_models`` makes such models from nothing by Viterbi
training from a flat start (Rabiner 1989, section V).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

from swaram.alignment.search import STATES, Chain, Prices, best_path, chain_of
from swaram.alignment.words import Word

ROUNDS = (1, 1, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 16, 16)  # Gaussians of a state at most, round by round
FRAMES_EACH = 60  # frames that a Gaussian needs
PRIOR_FRAMES = 20.0  # weight of the distribution of all speech in each Gaussian: rare sounds stay broad
SEED_FRAMES = 30.0  # weight of the seed's Gaussian in each adapted one
VARIANCE_FLOOR = 0.08
QUIET = -6.0  # nats below the loud frames: taken for silence at the flat start
TRAINING_PRICES = Prices(filler=3.5, missing=2.5, absence=100.0)
SEED = "seed.npz"


@dataclass(frozen=True)
class SoundModels:
    """Mixtures of Gaussians with diagonal covariance for silence (column 0) and three states of each of ``units``.

    ``mean``, ``precision``: float32 [mixtures, columns, 39]; ``weight``: float32 [mixtures, columns], logarithms with
    the Gaussians' constants, -inf where a column has fewer mixtures.
    """

    units: str
    mean: np.ndarray
    precision: np.ndarray
    weight: np.ndarray

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Log-likelihood of each frame under each column: float32 [frames, 39] -> float32 [frames, columns]."""
        mixtures, columns, size = self.mean.shape
        flat = np.concatenate([self.mean * self.precision, -0.5 * self.precision], axis=2).reshape(-1, 2 * size)
        constant = np.maximum(self.weight - 0.5 * (self.mean**2 * self.precision).sum(2), -1e30).reshape(-1)
        total = np.empty((len(features), columns), dtype=np.float32)
        for start in range(0, len(features), 2048):  # a long recording in parts: memory stays small
            part = features[start : start + 2048]
            each = (np.concatenate([part, part * part], axis=1) @ flat.T + constant).reshape(-1, mixtures, columns)
            most = each.max(1)
            each -= most[:, None]
            total[start : start + 2048] = most + np.log(np.exp(each, out=each).sum(1))
        return total


@dataclass(frozen=True)
class Spoken:
    """Something to learn from: features float32 [frames, 39], level float32 [frames] in nats, and its words."""

    features: np.ndarray
    level: np.ndarray
    words: Sequence[Word]


@lru_cache(maxsize=1)
def seed_models() -> SoundModels:
    """The models that ship. Made by ``benchmarks/alignment.py seed``; data and licences are named there."""
    with resources.files("swaram.alignment").joinpath(SEED).open("rb") as file, np.load(file) as arrays:
        values = {name: arrays[name].astype(np.float32) for name in ("mean", "precision", "weight")}
        return SoundModels(str(arrays["units"]), **values)


def save_models(models: SoundModels, path: str) -> None:
    """Write models as ``seed_models`` reads them: half precision, compressed."""
    values = {name: getattr(models, name).astype(np.float16) for name in ("mean", "precision")}
    np.savez_compressed(path, units=models.units, weight=models.weight.astype(np.float32), **values)


def adapt(recordings: Sequence[Spoken], seed: SoundModels, rounds: int = 3) -> SoundModels:
    """The seed brought to the voices and sounds of recordings; what they do not hold stays the seed's.

    From the second round on, what a text does not hold, or holds too much, teaches nothing (``TRAINING_PRICES``);
    recordings too short for their text are passed by. The result depends on the recordings and their order alone.
    """
    models = seed
    chains = [chain_of(recording.words, seed.units) for recording in recordings]
    for turn in range(rounds):
        parts = []
        for recording, chain in zip(recordings, chains, strict=True):
            scores = models.scores(recording.features)
            scores -= scores.max(1, keepdims=True)
            path = best_path(scores, chain, TRAINING_PRICES if turn else None)
            if path is not None:
                columns = chain.columns[path]
                known = (columns > 0) | (scores[:, 0] >= -TRAINING_PRICES.filler)
                parts.append((recording.features[known], columns[known]))
        models = _adapted(seed, models, parts)
    return models


def _adapted(seed: SoundModels, models: SoundModels, parts: list[tuple[np.ndarray, np.ndarray]]) -> SoundModels:
    """Sums over the frames of each column, with the seed's Gaussians as so many frames more."""
    count, first, second = (np.zeros(shape) for shape in (seed.weight.shape, seed.mean.shape, seed.mean.shape))
    for features, columns in _batches(parts):
        order = np.argsort(columns, kind="stable")
        edges = np.searchsorted(columns[order], np.arange(seed.weight.shape[1] + 1))
        for column in np.unique(columns):
            own = features[order[edges[column] : edges[column + 1]]]
            mean, precision = models.mean[:, column], models.precision[:, column]
            log = models.weight[:, column, None] - 0.5 * (
                (mean * mean * precision).sum(1)[:, None] - 2 * (mean * precision) @ own.T + precision @ (own * own).T
            )
            share = np.exp(log - np.logaddexp.reduce(log, axis=0))
            count[:, column] += share.sum(1)
            first[:, column] += share @ own
            second[:, column] += share @ (own * own)
    weight = (count + SEED_FRAMES)[:, :, None]
    mean = (first + SEED_FRAMES * seed.mean) / weight
    variance = (second + SEED_FRAMES * (1 / seed.precision + seed.mean**2)) / weight - mean**2
    variance = np.maximum(variance, VARIANCE_FLOOR)
    size = mean.shape[2] * np.log(2 * np.pi)
    prior = seed.weight - 0.5 * (np.log(seed.precision).sum(2) - size)  # the logarithm of the mixture's weight alone
    mixed = count + SEED_FRAMES * np.exp(prior)
    mixed = np.log(np.maximum(mixed, 1e-9) / mixed.sum(0))
    constant = mixed - 0.5 * (np.log(variance).sum(2) + size)
    return SoundModels(
        seed.units, mean.astype(np.float32), (1 / variance).astype(np.float32), constant.astype(np.float32)
    )


def _batches(parts: list[tuple[np.ndarray, np.ndarray]], frames: int = 40_000) -> Iterator[tuple[np.ndarray, ...]]:
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for number, part in enumerate(parts):
        held.append(part)
        if sum(len(columns) for _, columns in held) >= frames or number == len(parts) - 1:
            yield np.concatenate([features for features, _ in held]), np.concatenate([c for _, c in held])
            held = []


def train_models(
    recordings: Sequence[Spoken], rounds: Sequence[int] = ROUNDS, progress: Callable[[int, float], None] | None = None
) -> SoundModels:
    """Models of all sounds in the words of the recordings, from a flat start.

    ``progress`` is called after each round with its number and the log-likelihood of a frame.
    """
    units = "".join(sorted({unit for recording in recordings for word in recording.words for unit in word.sounds}))
    chains = [chain_of(recording.words, units) for recording in recordings]
    paths: list[np.ndarray | None] = [_flat(r.level, chain) for r, chain in zip(recordings, chains, strict=True)]
    models = _estimate(recordings, chains, paths, units, 1)
    for number, mixtures in enumerate(rounds):
        total, frames = 0.0, 0
        for place, (recording, chain) in enumerate(zip(recordings, chains, strict=True)):
            scores = models.scores(recording.features)
            path = best_path(scores, chain)
            paths[place] = path
            if path is not None:
                total += float(scores[np.arange(len(path)), chain.columns[path]].sum())
                frames += len(path)
        if progress:
            progress(number, total / max(1, frames))
        models = _estimate(recordings, chains, paths, units, mixtures)
    return models


def _flat(level: np.ndarray, chain: Chain) -> np.ndarray | None:
    """States for the flat start: quiet frames are silence, the others are shared evenly by all sounds."""
    sounding = np.flatnonzero(level > QUIET)
    speech = np.flatnonzero(chain.word >= 0)
    if len(sounding) < len(speech):
        sounding = np.arange(len(level))
    if len(sounding) < len(speech) or not len(speech):
        return None
    path = np.zeros(len(level), dtype=np.int64)  # state 0 is a gap: silence
    path[sounding] = speech[np.arange(len(sounding)) * len(speech) // len(sounding)]
    return path


def _estimate(
    recordings: Sequence[Spoken],
    chains: Sequence[Chain],
    paths: Sequence[np.ndarray | None],
    units: str,
    mixtures: int,
) -> SoundModels:
    used = [(r, c, p) for r, c, p in zip(recordings, chains, paths, strict=True) if p is not None]
    if not used:
        raise ValueError("no recording holds as many frames as its text has states")
    frames = np.concatenate([recording.features for recording, _, _ in used])
    columns = np.concatenate([chain.columns[path] for _, chain, path in used])
    count = STATES * len(units) + 1
    order = np.argsort(columns, kind="stable")
    edges = np.searchsorted(columns[order], np.arange(count + 1))
    everywhere, power = frames.mean(0), (frames * frames).mean(0)
    mean = np.tile(everywhere, (mixtures, count, 1)).astype(np.float32)
    variance = np.tile(power - everywhere**2, (mixtures, count, 1)).astype(np.float32)
    weight = np.full((mixtures, count), -np.inf)
    weight[0] = 0.0
    for column in range(count):
        own = frames[order[edges[column] : edges[column + 1]]]
        several = max(1, min(mixtures, len(own) // FRAMES_EACH))
        if not len(own):
            continue
        share = _clusters(own, several)
        middle, square = (own.mean(0), (own * own).mean(0)) if several > 1 else (everywhere, power)
        for mixture in range(several):
            part = own[share == mixture]
            total = len(part) + PRIOR_FRAMES
            centre = (part.sum(0) + PRIOR_FRAMES * middle) / total
            mean[mixture, column] = centre
            spread = ((part * part).sum(0) + PRIOR_FRAMES * square) / total - centre**2
            variance[mixture, column] = np.maximum(spread, VARIANCE_FLOOR)
            weight[mixture, column] = np.log(max(len(part), 1) / len(own))
    constant = weight - 0.5 * (np.log(variance).sum(2) + frames.shape[1] * np.log(2 * np.pi))
    return SoundModels(units, mean, 1.0 / variance, constant.astype(np.float32))


def _clusters(frames: np.ndarray, several: int) -> np.ndarray:
    """The cluster of each frame by k-means, begun with quantiles along the direction of most spread."""
    if several == 1:
        return np.zeros(len(frames), dtype=np.int64)
    along = frames[:, int(frames.var(0).argmax())]
    share = np.argsort(np.argsort(along, kind="stable"), kind="stable") * several // len(along)
    for _ in range(4):
        middles = np.stack(
            [frames[share == k].mean(0) if (share == k).any() else frames.mean(0) for k in range(several)]
        )
        share = ((middles**2).sum(1)[None] - 2 * frames @ middles.T).argmin(1)
    return share
