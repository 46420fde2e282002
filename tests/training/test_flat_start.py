"""The flat start finds where symbols lie, from the sound alone."""

import numpy as np
import soundfile

from swaram.model.spectra import Spectra
from swaram.text.symbols import SymbolTable
from swaram.training.dataset import load_dataset
from swaram.training.flat_start import flat_start_durations

SYMBOLS = SymbolTable.for_languages("ml")
HOP, RATE = 256, 16000


def vowel(frequencies: tuple[int, int], frames: int, random: np.random.Generator) -> np.ndarray:
    """A buzz of 120 Hz with two formants."""
    time = np.arange(frames * HOP) / RATE
    harmonics = np.arange(1, 40) * 120.0
    gains = sum(1 / (1 + ((harmonics - f) / 120) ** 2) for f in frequencies)
    wave = (gains[:, None] * np.sin(2 * np.pi * harmonics[:, None] * time)).sum(0)
    return (0.05 * wave + 1e-4 * random.standard_normal(len(time))).astype(np.float32)


def test_changes_of_sound_are_found_within_one_analysis_window(corpus, config):
    letters = {"അ": (700, 1200), "ഇ": (300, 2300), "ഉ": (320, 800), "എ": (450, 1900)}
    random = np.random.default_rng(0)
    rows, truth = [], []
    for number in range(24):
        text = "".join(random.permutation(list(letters)))
        frames = random.integers(6, 30, len(text))
        silence = 1e-4 * random.standard_normal(6 * HOP).astype(np.float32)
        parts = [vowel(letters[ch], int(n), random) for ch, n in zip(text, frames, strict=True)]
        path = f"audio_files/vowels-{number}.flac"
        soundfile.write(corpus / path, np.concatenate([silence, *parts, silence]), RATE, subtype="PCM_16")
        rows.append(f"{path}|{text}")
        truth.append(6 + np.cumsum(frames)[:-1])
    (corpus / "train_metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    dataset = load_dataset(config.data.training_files, config, SYMBOLS)
    said: list[str] = []
    durations = flat_start_durations(dataset, Spectra(RATE, 1024, HOP, 1024, 80), len(SYMBOLS.symbols), said.append)
    errors, blind = [], []
    for clip, found, edges in zip(dataset.clips, durations, truth, strict=True):
        assert found.min() >= 1 and found.sum() == clip.samples // HOP
        begins = np.cumsum(found) - found
        letters_at = [i for i, symbol in enumerate(clip.symbols) if SYMBOLS.symbols[symbol] in letters]
        errors.extend(np.abs(begins[letters_at[1:]] - edges))
        even = np.linspace(0, clip.samples // HOP, len(clip.symbols) + 1)[letters_at[1:]]
        blind.extend(np.abs(even - edges))
    # The spectrum is taken over four frames; cutting the clip evenly misses by more than twice as much.
    assert np.median(errors) <= 4
    assert np.mean(errors) < 0.5 * np.mean(blind)
    assert len(said) == 1 and "log-likelihood" in said[0]
