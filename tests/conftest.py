"""What every test shares: one computing thread, so that tests and other work do not wait for each other; voices."""

import os
from pathlib import Path

import pytest

from swaram.voice.engine import Engine
from swaram.voice.library import list_packages
from swaram.voice.voice import Voice
from tests.voice.toy_voice import write_toy_voice

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

# float32 or bfloat16: what "auto" and the tiny trainings choose, whatever this processor computes in.
PRECISION = os.environ.get("SWARAM_TEST_PRECISION")
SHIPPED = Path(__file__).resolve().parents[1] / "voices"


@pytest.fixture(autouse=True)
def _forced_precision(monkeypatch):
    if PRECISION:
        import torch

        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
            monkeypatch.setattr(torch.cpu, name, lambda: PRECISION == "bfloat16")


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory) -> Path:
    """A folder of voices that holds only the toy voice, named ``toy``."""
    folder = tmp_path_factory.mktemp("voices")
    write_toy_voice(folder / "toy")
    return folder


@pytest.fixture(scope="session")
def toy(toy_folder) -> Engine:
    """The toy voice's engine."""
    return Engine(Voice.open(toy_folder / "toy"))


@pytest.fixture(scope="session")
def single_toy(tmp_path_factory) -> Engine:
    """A toy voice with one, unlisted speaker and a hop that no FLAC block is a multiple of."""
    folder = write_toy_voice(tmp_path_factory.mktemp("single"), speakers=1, hop_length=240, sample_rate=24_000)
    return Engine(Voice.open(folder))


@pytest.fixture(scope="session")
def flowing_toy(tmp_path_factory) -> Engine:
    """A toy voice whose flow is a model of its own."""
    return Engine(Voice.open(write_toy_voice(tmp_path_factory.mktemp("flowing"), flow=True)))


@pytest.fixture(scope="session")
def shipped() -> Engine:
    """The voice that ships."""
    packages = list_packages(SHIPPED)
    if not packages:
        pytest.skip("voices/ holds no voice yet")
    return Engine(Voice.open(next(iter(packages.values()))))
