"""Flat-start alignment: which frames each symbol takes, found before any network is trained.

The alignment search needs a text encoder that knows letters, and the text encoder needs an alignment to learn them:
from random weights that takes thousands of steps. Viterbi training of one Gaussian for each symbol (and one for the
blank after it) on cepstra, beginning with equal durations as speech recognisers do (Rabiner 1989, section V), takes
seconds. The first ``train.bootstrap_steps`` steps use its durations in place of the search.

The durations are kept in a ``FeatureCache`` under a key of everything they depend on, so that the next start with the
same data and settings reads them.
"""

import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from swaram.files import whole_file
from swaram.model.alignment import maximum_path
from swaram.model.spectra import Spectra
from swaram.model.vits import gaussian_scores
from swaram.training.dataset import Dataset

VERSION = 2  # of what is computed here: to be raised with every change to it, so that kept durations are made anew

CEPSTRA = 13
ITERATIONS = 16
# Weight, in frames, of the distribution of all speech in each Gaussian: rare symbols stay broad.
PRIOR_FRAMES = 20.0
VARIANCE_FLOOR = 0.05
KEPT = 4  # files of each name; older ones belong to data or settings that have changed


def content_key(*parts: object) -> str:
    """A digest of values that JSON can hold: equal only where all of them are."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


class FeatureCache:
    """Arrays by name and content key under ``directory``, which is made when something is put."""

    def __init__(self, directory: Path):
        self.directory = directory

    def get(self, name: str, key: str) -> dict[str, np.ndarray] | None:
        """What was put under this name and key; None when there is nothing, or the file is damaged."""
        path = self.directory / f"{name}-{key}.safetensors"
        try:
            arrays = load_file(path)
            os.utime(path)
            return arrays
        except (OSError, SafetensorError):
            return None

    def put(self, name: str, key: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep arrays; a file appears under its name only when it is whole."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{name}-{key}.safetensors"
        with whole_file(path) as partial:
            save_file(arrays, partial)
        by_age = sorted(self.directory.glob(f"{name}-*.safetensors"), key=lambda file: file.stat().st_mtime_ns)
        for old in by_age[:-KEPT]:
            old.unlink(missing_ok=True)


def flat_start_durations(
    dataset: Dataset,
    spectra: Spectra,
    table_size: int,
    log: Callable[[str], None] = lambda text: None,
    cache: FeatureCache | None = None,
) -> list[np.ndarray]:
    """Durations int64 [symbols] in frames, of every clip; each symbol and blank gets at least one frame.

    ``table_size``: number of symbols in the table. The result depends on the data alone. ``log`` is
    called once: with how the likelihood rose, or that ``cache`` had the durations of these recordings and settings.
    """
    sizes = [len(clip.symbols) for clip in dataset.clips]
    key = durations_key(dataset, spectra, table_size) if cache else ""
    kept = cache.get("flat-start", key) if cache else None
    if kept is not None:
        log("flat start: durations of the same recordings and settings were kept from before")
        return np.split(kept["durations"], np.cumsum(sizes)[:-1])
    durations = _train(dataset, spectra, table_size, log)
    if cache:
        cache.put("flat-start", key, {"durations": np.concatenate(durations)})
    return durations


def durations_key(dataset: Dataset, spectra: Spectra, table_size: int) -> str:
    """Digest of all that flat-start durations depend on: bytes of the audio, symbols, speakers, every parameter."""
    clips = [(dataset.content(number), clip.symbols, clip.speaker) for number, clip in enumerate(dataset.clips)]
    filters = hashlib.sha256(spectra.filters.numpy().tobytes()).hexdigest()  # bands, lowest and highest frequency
    sound = (spectra.sample_rate, spectra.n_fft, spectra.hop, spectra.win, filters)
    own = (VERSION, CEPSTRA, ITERATIONS, PRIOR_FRAMES, VARIANCE_FLOOR, table_size)
    return content_key(clips, sound, own)


def _train(dataset: Dataset, spectra: Spectra, table_size: int, log: Callable[[str], None]) -> list[np.ndarray]:
    features = _features(dataset, spectra)
    states = [_states(clip.symbols, table_size) for clip in dataset.clips]
    durations = [_equal(len(s), f.shape[1]) for s, f in zip(states, features, strict=True)]
    likelihoods = []
    for _ in range(ITERATIONS):
        mean, log_deviation = _estimate(features, states, durations, 2 * table_size)
        total = 0.0
        for number, (state, feature) in enumerate(zip(states, features, strict=True)):
            score = gaussian_scores(feature[None], mean[None, :, state], log_deviation[None, :, state])
            lengths = torch.tensor([len(state)]), torch.tensor([feature.shape[1]])
            durations[number] = maximum_path(score, *lengths)[0].numpy()
            path = torch.from_numpy(np.repeat(np.arange(len(state)), durations[number]))
            total += float(score[0, path, torch.arange(feature.shape[1])].sum())
        likelihoods.append(total / sum(feature.shape[1] for feature in features))
    log(f"flat start: log-likelihood a frame from {likelihoods[0]:.2f} to {likelihoods[-1]:.2f}")
    return durations


def _features(dataset: Dataset, spectra: Spectra) -> list[Tensor]:
    """Cepstra with first and second differences, [39, frames], normalised for each speaker."""
    cepstra: list[np.ndarray] = []
    for number in range(len(dataset.clips)):
        audio = torch.from_numpy(dataset.audio(number))
        mel = spectra(audio[None, : len(audio) // spectra.hop * spectra.hop])[0].numpy()
        static = cosine_transform(len(mel)) @ mel
        first = np.gradient(static, axis=1)
        cepstra.append(np.concatenate([static, first, np.gradient(first, axis=1)]))
    normalised: list[Tensor] = [torch.empty(0)] * len(cepstra)
    for speaker in dataset.speakers:
        own = [number for number, clip in enumerate(dataset.clips) if clip.speaker == speaker]
        frames = np.concatenate([cepstra[number] for number in own], axis=1)
        mean, deviation = frames.mean(1, keepdims=True), frames.std(1, keepdims=True) + 1e-3
        for number in own:
            normalised[number] = torch.from_numpy(((cepstra[number] - mean) / deviation).astype(np.float32))
    return normalised


def _states(symbols: tuple[int, ...], table_size: int) -> np.ndarray:
    """A Gaussian for each position: the symbol's own, or, at a blank, the second one of the symbol before it."""
    states = np.array(symbols)
    blanks = np.flatnonzero(states == 0)
    states[blanks] = table_size + np.where(blanks > 0, states[blanks - 1], 0)
    return states


def _equal(symbols: int, frames: int) -> np.ndarray:
    edges = np.linspace(0, frames, symbols + 1).astype(np.int64)
    return np.diff(edges)


def _estimate(
    features: list[Tensor], states: list[np.ndarray], durations: list[np.ndarray], count: int
) -> tuple[Tensor, Tensor]:
    """Mean and log deviation [39, count] of each state, drawn towards those of all frames."""
    rows = torch.from_numpy(np.concatenate([np.repeat(s, d) for s, d in zip(states, durations, strict=True)]))
    frames = torch.cat(features, dim=1).double()  # (39, N)
    everywhere, spread = frames.mean(1, keepdim=True), frames.var(1, keepdim=True)

    def sums(values: Tensor) -> Tensor:
        return torch.zeros(values.shape[0], count, dtype=torch.float64).index_add_(1, rows, values)

    weight = sums(torch.ones(1, frames.shape[1], dtype=torch.float64)) + PRIOR_FRAMES
    mean = (sums(frames) + PRIOR_FRAMES * everywhere) / weight
    square = (sums(frames.square()) + PRIOR_FRAMES * (spread + everywhere.square())) / weight
    variance = (square - mean.square()).clamp(min=VARIANCE_FLOOR)
    return mean.float(), (0.5 * variance.log()).float()


@cache
def cosine_transform(bands: int) -> np.ndarray:
    """float32 [CEPSTRA, bands]: the first rows of the orthonormal DCT-II, which makes cepstra of log mel bands."""
    angle = np.pi / bands * np.outer(np.arange(CEPSTRA), np.arange(bands) + 0.5)
    scale = np.full((CEPSTRA, 1), np.sqrt(2 / bands))
    scale[0] = np.sqrt(1 / bands)
    return (scale * np.cos(angle)).astype(np.float32)
