"""DistillMOS: a second model's guess of how people would rate a recording; compare sides of one table only.

Stahl and Gamper 2025, "Distillation and Pruning for Scalable Self-Supervised Representation-Based Speech Quality
Assessment": a small network that learnt the scores of a large one. The package ``distillmos`` holds its weights; only
these are read, never as a pickle, since the package itself would bring torchaudio.
"""

import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from swaram.audio.resample import resample
from swaram.evaluation.errors import NotMeasured
from swaram.extras import install_command

if TYPE_CHECKING:
    from torch import Tensor

RATE, WINDOW, STEP = 16_000, 320, 160
SAMPLES, LARGEST_STEP = 122_880, 16_000  # 7.68 s are heard at once, long clips in steps of at most 1 s
COMPRESSION, QUIETEST = 0.3, 1e-12
CONVOLUTIONS, BLOCKS, HEADS, SLOPE = 6, 7, 8, 0.1
INSTALL = "pip install --no-deps distillmos==0.9.1"


class DistillMos:
    """The network of ``distillmos`` (variant 7). Raises NotMeasured where the package or PyTorch is missing."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("distillmos")
        if found is None or found.origin is None:
            raise NotMeasured(f"the package distillmos is missing; {INSTALL}")
        weights = Path(found.origin).parent / "weights" / "distill_mos_v7.pt"
        if not weights.is_file():
            raise NotMeasured(f"the package distillmos holds no distill_mos_v7.pt; {INSTALL}")
        try:
            import torch
        except ImportError:
            raise NotMeasured(f"PyTorch is missing, which DistillMOS needs; {install_command('train')}") from None
        self._torch: Any = torch
        self._weights: dict[str, Tensor] = torch.load(weights, map_location="cpu", weights_only=True)["model"]

    def __call__(self, audio: np.ndarray, sample_rate: int) -> float:
        """The score, 1 to 5, the mean over windows of 7.68 s; a shorter clip is followed by silence.

        ``audio``: float32 [samples], -1..1, mono.
        """
        torch = self._torch
        sound = resample(audio, sample_rate, RATE).astype(np.float32)
        sound = np.pad(sound, (0, max(0, SAMPLES - len(sound))))
        spare = len(sound) - SAMPLES
        places = np.linspace(0, 1, math.ceil(spare / LARGEST_STEP) + 1)
        windows = np.stack([sound[int(place * spare) :][:SAMPLES] for place in places])
        windows = windows / (np.abs(windows).max(axis=1, keepdims=True) + np.float32(1e-8))
        with torch.no_grad():
            # One after the other: the first convolutions of a minute at once would take gigabytes.
            scores = [self._score(torch.from_numpy(window)) for window in windows]
        return 1 + 4 * float(np.mean(scores))

    def _score(self, window: "Tensor") -> float:
        """0..1, of float32 [SAMPLES], scaled to a largest value of 1."""
        torch = self._torch
        x = self._spectrogram(window)
        for number in range(CONVOLUTIONS):
            weight, bias = self._pair(f"cnn.cnn.{2 * number}")
            # Bands are halved by all but the first layer, frames by the last one.
            stride = (1 if number == 0 else 2, 2 if number == CONVOLUTIONS - 1 else 1)
            x = torch.nn.functional.leaky_relu(torch.conv2d(x, weight, bias, stride, (0, 1)), SLOPE)
        rows = x[0].flatten(0, 1).T  # (1, C, bands, frames) -> (frames, C * bands)
        name = "transformer_pool_attn"
        rows = self._normalised(self._normalised(rows, f"{name}.norm_input"), f"{name}.transformer.norm")
        rows = self._linear(rows, f"{name}.transformer.linear_proj")
        rows = rows + self._weights[f"{name}.transformer.position_encoding.pe"][0]
        for number in range(BLOCKS):
            rows = self._block(rows, f"{name}.transformer.transformer_encoder.layers.{number}")
        rows = self._normalised(rows, f"{name}.norm_trans")
        hidden = torch.relu(self._linear(rows, f"{name}.pool.linear1"))
        attention = torch.softmax(self._linear(hidden, f"{name}.pool.linear2"), dim=0)
        pooled = (attention * rows).sum(0)
        return float(torch.sigmoid(self._linear(pooled, f"{name}.pool.linear3")))

    def _spectrogram(self, window: "Tensor") -> "Tensor":
        """Real and imaginary parts [1, 2, 161 bands, frames], magnitudes raised to the power of 0.3."""
        torch = self._torch
        edge = (WINDOW - STEP) // 2
        padded = torch.nn.functional.pad(window[None], (edge, edge), mode="reflect")
        frames = padded[0].unfold(0, WINDOW, STEP) * torch.hann_window(WINDOW)
        spectrum = torch.view_as_real(torch.fft.rfft(frames))
        magnitude = spectrum.square().sum(-1, keepdim=True).sqrt().clamp(min=QUIETEST)
        return (spectrum * magnitude ** (COMPRESSION - 1)).permute(2, 1, 0)[None]

    def _block(self, rows: "Tensor", name: str) -> "Tensor":
        """One layer of the transformer over [frames, channels]: attention, then two linear layers, norms after each."""
        torch = self._torch
        weight, bias = (
            self._weights[f"{name}.self_attn.in_proj_weight"],
            self._weights[f"{name}.self_attn.in_proj_bias"],
        )
        frames, channels = rows.shape
        # (frames, 3 C) -> (3, heads, frames, C / heads)
        query, key, value = (rows @ weight.T + bias).view(frames, 3, HEADS, -1).permute(1, 2, 0, 3)
        attention = torch.softmax(query @ key.mT / math.sqrt(channels / HEADS), dim=-1)
        heard = self._linear((attention @ value).transpose(0, 1).flatten(1), f"{name}.self_attn.out_proj")
        rows = torch.layer_norm(rows + heard, (channels,), *self._pair(f"{name}.norm1"))
        between = torch.relu(self._linear(rows, f"{name}.linear1"))
        return torch.layer_norm(
            rows + self._linear(between, f"{name}.linear2"), (channels,), *self._pair(f"{name}.norm2")
        )

    def _pair(self, name: str) -> tuple["Tensor", "Tensor"]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]

    def _linear(self, rows: "Tensor", name: str) -> "Tensor":
        weight, bias = self._pair(name)
        return rows @ weight.T + bias

    def _normalised(self, rows: "Tensor", name: str) -> "Tensor":
        """Batch norm of [frames, channels] with the statistics of its training."""
        mean, variance = self._weights[f"{name}.running_mean"], self._weights[f"{name}.running_var"]
        weight, bias = self._pair(name)
        return (rows - mean) * (variance + 1e-5).rsqrt() * weight + bias
