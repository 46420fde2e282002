"""A tiny prepared corpus of real or realistic speech, and a configuration that trains on it in seconds."""

import copy
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swaram.config.config import Config, parse_config
from tests.model.tiny import TINY

SENTENCES = ["നമസ്കാരം.", "അമ്മ വന്നു.", "മഴ പെയ്യുന്നു.", "വീട്ടിൽ ആരുണ്ട്?", "പുഴ ഒഴുകുന്നു.", "അണ്ണാൻ കുഞ്ഞും തന്നാലായത്."]


def voiced(text: str, pitch: float, rate: int = 16000) -> np.ndarray:
    """A harmonic murmur as long as the text would take, with a melody: enough for a network to learn from."""
    random = np.random.default_rng(len(text))
    time = np.arange(int(rate * (0.7 + 0.09 * len(text)))) / rate
    melody = pitch * (1 + 0.1 * np.sin(2 * math.pi * 2 * time))
    phase = 2 * math.pi * np.cumsum(melody) / rate
    wave = sum(np.sin(k * phase) / k for k in range(1, 12))
    envelope = 0.55 + 0.45 * np.sin(2 * math.pi * 4 * time)
    return (0.1 * wave * envelope + 0.001 * random.standard_normal(len(time))).astype(np.float32)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """``data/`` with twelve clips of two speakers, the manifest and the metadata files."""
    import pyarrow
    import pyarrow.parquet

    data = tmp_path / "data"
    (data / "audio_files").mkdir(parents=True)
    rows, manifest = [], []
    for speaker, pitch in (("low", 110.0), ("high", 210.0)):
        for number, text in enumerate(SENTENCES):
            path = f"audio_files/{speaker}-{number}.flac"
            soundfile.write(data / path, voiced(text, pitch), 16000, subtype="PCM_16")
            rows.append(f"{path}|{text}")
            manifest.append({"path": path, "speaker": speaker})
    held_out = []
    for number, row in enumerate(rows[::5]):
        (path, text), speaker = row.split("|"), manifest[5 * number]["speaker"]
        own = f"audio_files/held-out-{number}.flac"
        shutil.copy(data / path, data / own)
        held_out.append(f"{own}|{text}")
        manifest.append({"path": own, "speaker": speaker})
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(manifest), data / "manifest.parquet")
    (data / "train_metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (data / "val_metadata.csv").write_text("\n".join(held_out) + "\n", encoding="utf-8")
    return data


@pytest.fixture
def raw_config(corpus: Path, tmp_path: Path) -> dict:
    """The tiny configuration as it would stand in ``config.json``."""
    raw = copy.deepcopy(TINY)
    raw["train"] |= {
        "output_directory": str(tmp_path / "logs"),
        "device": "cpu",
        "precision": os.environ.get("SWARAM_TEST_PRECISION", "float32"),
        "threads": 1,
        "batch_size": 4,
        "log_steps": 1,
        "validation_steps": 1000,
    }
    raw["data"] |= {
        "training_files": str(corpus / "train_metadata.csv"),
        "validation_files": str(corpus / "val_metadata.csv"),
    }
    return raw


@pytest.fixture
def config(raw_config: dict) -> Config:
    return parse_config(raw_config)


@pytest.fixture
def config_file(raw_config: dict, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(raw_config), encoding="utf-8")
    return path
