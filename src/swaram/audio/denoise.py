"""Background taken out of speech by RNNoise (Valin 2018), with the package pyrnnoise, which ships its model."""

import importlib
import importlib.util
from typing import Any

import numpy as np

from swaram.audio.resample import resample
from swaram.errors import SwaramError
from swaram.extras import install_command

RATE = 48_000


class DenoiseError(SwaramError):
    """Denoising was asked for and its package is not there."""


def denoiser_name() -> str:
    """What did it, for the record: package and version. Raises DenoiseError where it is not installed."""
    from importlib.metadata import version

    if importlib.util.find_spec("pyrnnoise") is None:
        raise DenoiseError(f"--denoise needs pyrnnoise, which is not installed: {install_command('denoise')}")
    return f"pyrnnoise {version('pyrnnoise')}"


def denoise(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """``audio``: float32 [samples], -1..1, mono, at ``sample_rate`` Hz -> the same shape, at the same place in time.

    What is above 1 is clamped. Raises DenoiseError.
    """
    denoiser_name()
    rnnoise: Any = importlib.import_module("pyrnnoise.rnnoise")
    frame = int(rnnoise.FRAME_SIZE)
    wide = np.clip(resample(audio, sample_rate, RATE), -1.0, 1.0)
    # The network is two frames late (20 ms): two more go in, and the first two that come out are dropped.
    padded = np.concatenate([wide, np.zeros(3 * frame - len(wide) % frame, dtype=np.float32)])
    state = rnnoise.create()
    try:
        parts = [
            np.asarray(rnnoise.process_mono_frame(state, (padded[at : at + frame] * 32767).astype(np.int16))[0])
            for at in range(0, len(padded) - frame + 1, frame)
        ]
    finally:
        rnnoise.destroy(state)
    clean = (np.concatenate(parts).astype(np.float32) / 32767)[2 * frame : 2 * frame + len(wide)]
    narrow = resample(np.pad(clean, (0, len(wide) - len(clean))), RATE, sample_rate)
    return np.pad(narrow, (0, max(0, len(audio) - len(narrow))))[: len(audio)]
