"""What is kept is never stale: every byte and every parameter it depends on is in its key."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from swaram.model.spectra import Spectra
from swaram.text.symbols import SymbolTable
from swaram.training import flat_start as bootstrap
from swaram.training.dataset import load_dataset
from swaram.training.flat_start import FeatureCache, content_key, durations_key, flat_start_durations

SYMBOLS = SymbolTable.for_languages("ml")
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
    monkeypatch.setattr(bootstrap, name, getattr(bootstrap, name) + 1)
    assert key(config) != before


def test_other_audio_under_the_same_name_size_and_time_is_other_content(config, corpus):
    import os

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
