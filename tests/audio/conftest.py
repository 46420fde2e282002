"""Speech for the tests of audio."""

import io
import shutil
import subprocess

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    """int16 [n], mono: espeak-ng's Malayalam where it is installed, else a voice-like sound made here."""
    if shutil.which("espeak-ng"):
        text = "എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും."
        command = ["espeak-ng", "-v", "ml", "--stdout", text]
        spoken = subprocess.run(command, capture_output=True, check=True).stdout
        samples, _ = soundfile.read(io.BytesIO(spoken), dtype="int16")
        return samples
    time = np.arange(45_000) / 22_050
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / 22_050
    voiced = sum(np.sin(n * phase) / n for n in range(1, 25)) * np.abs(np.sin(2 * np.pi * 2.3 * time))
    breath = np.random.default_rng(0).standard_normal(len(time)) * 0.02
    return (8000 * (voiced + breath)).clip(-32768, 32767).astype(np.int16)
