"""The flat start finds where symbols lie from the sound alone; what it keeps is never stale."""

import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from swaram.model.spectra import Spectra
from swaram.text.symbols import SymbolTable
from swaram.training import flat_start
from swaram.training.dataset import load_dataset
from swaram.training.flat_start import FeatureCache, content_key, durations_key, flat_start_durations

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


SOUND = {"sample_rate": 16000, "n_fft": 1024, "hop": 256, "win": 1024, "n_mels": 80, "fmin": 0.0, "fmax": None}


SOUND = {"sample_rate": 16000, "n_fft": 1024, "hop": 256, "win": 1024, "n_mels": 80, "fmin": 0.0, "fmax": None}


def key(config, table: int = 200, **sound) -> str:
    return durations_key(load_dataset(config.data.training_files, config, SYMBOLS), Spectra(**SOUND | sound), table)


@pytest.mark.parametrize(
    "change",
    [
        {"sample_rate": 16001},
        {"n_fft": 2048},
        {"hop": 128},
        {"win": 512},
        {"n_mels": 40},
        {"fmin": 60.0},
        {"fmax": 7000.0},
        {"table": 201},
    ],
)
def test_every_parameter_is_in_the_key(config, change):
    assert key(config, **change) != key(config) == key(config)


@pytest.mark.parametrize("name", ["VERSION", "CEPSTRA", "ITERATIONS", "PRIOR_FRAMES", "VARIANCE_FLOOR"])
def test_every_constant_is_in_the_key(config, monkeypatch, name):
    before = key(config)
    monkeypatch.setattr(flat_start, name, getattr(flat_start, name) + 1)
    assert key(config) != before


def test_other_audio_under_the_same_name_size_and_time_is_other_content(config, corpus):

    before, path = key(config), corpus / "audio_files" / "low-0.flac"
    audio, rate = soundfile.read(path, dtype="int16")
    audio[1000] += 1
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    soundfile.write(path, audio, rate, subtype="PCM_16")
    os.utime(path, ns=times)
    assert key(config) != before


@pytest.mark.parametrize("what", ["symbols", "speaker", "order"])
def test_transcripts_speakers_and_order_are_in_the_key(config, what):
    dataset, spectra = load_dataset(config.data.training_files, config, SYMBOLS), Spectra(**SOUND)
    before = durations_key(dataset, spectra, 200)
    first = dataset.clips[0]
    if what == "symbols":
        dataset.clips[0] = replace(first, symbols=(*first.symbols[:-1], first.symbols[-1] + 1))
    elif what == "speaker":
        dataset.clips[0] = replace(first, speaker="high")
    else:
        dataset.clips.reverse()
    assert durations_key(dataset, spectra, 200) != before


def test_the_second_start_takes_what_the_first_made_and_a_change_makes_it_anew(config, corpus, tmp_path, monkeypatch):
    cache, spectra, said = FeatureCache(tmp_path / "cache"), Spectra(**SOUND), []

    def durations():
        dataset = load_dataset(config.data.training_files, config, SYMBOLS)
        return flat_start_durations(dataset, spectra, 200, said.append, cache)

    made, kept = durations(), durations()
    assert "likelihood" in said[0] and "kept" in said[1]
    assert len(made) == len(kept) == 12
    assert all(np.array_equal(a, b) for a, b in zip(made, kept, strict=True))
    audio, rate = soundfile.read(corpus / "audio_files" / "low-0.flac", dtype="int16")
    soundfile.write(corpus / "audio_files" / "low-0.flac", audio[:-2560], rate, subtype="PCM_16")
    anew = durations()
    assert "likelihood" in said[2]
    assert anew[0].sum() == made[0].sum() - 10


def test_a_missing_or_damaged_file_is_made_anew(tmp_path):
    cache = FeatureCache(tmp_path)
    assert cache.get("durations", "00") is None
    cache.put("durations", "00", {"durations": np.arange(3)})
    assert cache.get("durations", "00")["durations"].tolist() == [0, 1, 2]
    (tmp_path / "durations-00.safetensors").write_bytes(b"cut sh")
    assert cache.get("durations", "00") is None


def test_old_files_go(tmp_path):
    cache = FeatureCache(tmp_path)
    for number in range(9):
        cache.put("durations", content_key(number), {"durations": np.arange(3)})
    assert len(list(tmp_path.iterdir())) == 4
    assert cache.get("durations", content_key(8)) is not None
