"""Who seems to speak: embeddings of a speaker encoder, and how similar two of them are.

The encoder is the one the package Resemblyzer ships (Wan et al. 2018: three LSTM layers trained with the generalised
end-to-end loss, on English). Only its weights are read, never as a pickle: the package itself would bring
webrtcvad, librosa and more. Its trimming of silence is left out; prepared clips are trimmed already.
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from swaram.audio.mel import slaney_filters
from swaram.audio.resample import resample
from swaram.evaluation.errors import NotMeasured
from swaram.extras import install_command

RATE, WINDOW, STEP, BANDS = 16_000, 400, 160, 40
PARTIAL_FRAMES, PARTIAL_STEP = 160, 77  # windows of 1.6 s, 1.3 of them a second, as the package has it
TARGET_DB = -30.0


class SpeakerEncoder:
    """Raises NotMeasured where Resemblyzer or PyTorch is missing."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("resemblyzer")
        if found is None or found.origin is None:
            raise NotMeasured("the package Resemblyzer is missing; pip install --no-deps Resemblyzer==0.1.4")
        try:
            import torch
        except ImportError:
            raise NotMeasured(
                f"PyTorch is missing, which the speaker encoder needs; {install_command('train')}"
            ) from None
        self._torch: Any = torch
        stored = torch.load(Path(found.origin).parent / "pretrained.pt", map_location="cpu", weights_only=True)
        weights = stored["model_state"]
        with torch.random.fork_rng(devices=[]):  # a training that is listened to keeps its random numbers
            self._lstm = torch.nn.LSTM(BANDS, 256, 3, batch_first=True)
            self._linear = torch.nn.Linear(256, 256)
        for name, module in (("lstm", self._lstm), ("linear", self._linear)):
            own = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
            module.load_state_dict(own)
        self._filters = slaney_filters(RATE, WINDOW, BANDS)

    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """float32 [256], length 1, of one clip: float32 [samples], -1..1, mono."""
        sound = resample(audio, sample_rate, RATE)
        level = 10 * np.log10(max(float(np.mean(sound.astype(np.float64) ** 2)), 1e-12))
        sound = sound * np.float32(10 ** (max(0.0, TARGET_DB - level) / 20))  # only ever louder
        mel = self._mel(sound)
        starts = list(range(0, max(1, len(mel) - PARTIAL_FRAMES + PARTIAL_STEP + 1), PARTIAL_STEP))
        if len(starts) > 1 and (len(mel) - starts[-1]) / PARTIAL_FRAMES < 0.75:
            starts.pop()
        mel = np.pad(mel, ((0, max(0, starts[-1] + PARTIAL_FRAMES - len(mel))), (0, 0)))
        parts = np.stack([mel[start : start + PARTIAL_FRAMES] for start in starts])
        with self._torch.no_grad():
            _, (hidden, _) = self._lstm(self._torch.from_numpy(parts))
            raw = self._torch.relu(self._linear(hidden[-1])).numpy()
        raw /= np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9)
        return average(list(raw))

    def _mel(self, sound: np.ndarray) -> np.ndarray:
        """float32 [frames, 40]: mel power spectrogram, not logarithmic, frames centred."""
        padded = np.pad(sound, WINDOW // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
        power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
        return (power @ self._filters.T).astype(np.float32)


def average(embeddings: list[np.ndarray]) -> np.ndarray:
    """The direction of the mean of embeddings: float32 [256], length 1."""
    mean = np.mean(embeddings, axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine, 0..1 here, since the encoder's values are never negative."""
    return float(one @ other)
