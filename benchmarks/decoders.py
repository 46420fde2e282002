"""What each decoder costs to train and to run, on one core: ``python benchmarks/decoders.py``.

Training: forward and backward of ``--segments`` segments of 40 frames of 192 channels, float32 and bfloat16.
Running: the exported decoder by onnxruntime, ``--seconds`` at 16 kHz in one pass, and in the windows in which a server
decodes them, each with its margins. Seconds are processor time of this process, so that other work on the machine
counts little; each is the least of several.
"""

import argparse
import io
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from swaram.config.config import parse_config
from swaram.config.model import DECODERS
from swaram.model.decoders.base import Decoder, Source
from swaram.model.decoders.build import build_decoder
from swaram.voice.windows import windows

LATENT, HOP, RATE = 192, 256, 16_000
SEGMENTS, FRAMES = 16, 40
SECONDS = 20.0


def least(repeats: int, action: Callable[[], object]) -> float:
    """Processor seconds of the fastest of several runs, after one that is not counted."""
    times = []
    for _ in range(repeats + 1):
        begun = time.process_time()
        action()
        times.append(time.process_time() - begun)
    return min(times[1:])


class Driven(torch.nn.Module):
    """A decoder whose source, where it takes one, comes as three more inputs, as in a voice."""

    def __init__(self, decoder: Decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, latent: torch.Tensor, *source: torch.Tensor) -> torch.Tensor:
        return self.decoder(latent, None, Source(*source) if source else None)


def inputs(decoder: Decoder, frames: int, batch: int = 1) -> dict[str, np.ndarray]:
    """What a decoder takes, by name; the last axis is that of the frames."""
    random = np.random.default_rng(0)
    given = {"latent": random.standard_normal((batch, LATENT, frames))}
    if decoder.noise_channels:
        given["pitch"] = random.uniform(100, 300, (batch, frames))
        given["phase"] = random.uniform(0, 1, (batch, frames))
        given["noise"] = random.standard_normal((batch, decoder.noise_channels, frames))
    return {name: value.astype(np.float32) for name, value in given.items()}


def training_seconds(decoder: Decoder, repeats: int, precision: torch.dtype, segments: int) -> float:
    """Forward and backward of ``segments`` segments."""
    latent, *source = (torch.from_numpy(value) for value in inputs(decoder, FRAMES, segments).values())
    latent.requires_grad_()
    driven = Driven(decoder)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            audio = driven(latent, *source)
        audio.square().mean().backward()

    return least(repeats, step)


def exported(decoder: Decoder) -> onnxruntime.InferenceSession:
    """The decoder as it stands in a voice: one thread."""
    buffer = io.BytesIO()
    axes = {"latent": {2: "frames"}, "audio": {1: "samples"}}
    for module in decoder.modules():
        if torch.nn.utils.parametrize.is_parametrized(module, "weight"):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
    given = inputs(decoder, 24)
    axes |= {name: {value.ndim - 1: "frames"} for name, value in given.items()}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Driven(decoder).eval(),
            tuple(torch.from_numpy(value) for value in given.values()),
            buffer,  # type: ignore[arg-type]
            input_names=list(given),
            output_names=["audio"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])


def measure(name: str, repeats: int, segments: int, seconds: float) -> dict[str, float | int | str]:
    """One decoder's row."""
    torch.manual_seed(0)
    decoder = build_decoder(parse_config({"model": {"decoder": name}}).model.decoder, LATENT, HOP, RATE)
    parameters = sum(parameter.numel() for parameter in decoder.parameters())
    full = training_seconds(decoder, repeats, torch.float32, segments)
    half = training_seconds(decoder, repeats, torch.bfloat16, segments)
    session = exported(decoder)
    frames = round(seconds * RATE / HOP)
    given = inputs(decoder, frames)

    def decode_windows() -> None:
        for window in windows(frames, HOP, RATE, decoder.left_margin, decoder.right_margin):
            session.run(None, {name: value[..., window.low : window.high] for name, value in given.items()})

    first = next(windows(frames, HOP, RATE, decoder.left_margin, decoder.right_margin))
    return {
        "decoder": name,
        "parameters_millions": round(parameters / 1e6, 2),
        "segments": segments,
        "left_margin": decoder.left_margin,
        "right_margin": decoder.right_margin,
        "train_seconds": round(full, 3),
        "train_seconds_bfloat16": round(half, 3),
        "real_time_factor": round(least(repeats, lambda: session.run(None, given)) / seconds, 4),
        "real_time_factor_windows": round(least(repeats, decode_windows) / seconds, 4),
        "first_window_milliseconds": round(
            1000 * least(repeats, lambda: session.run(None, {n: v[..., : first.high] for n, v in given.items()})), 1
        ),
    }


def main() -> None:
    """Print a row for each decoder; with ``--json`` also write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("decoders", nargs="*", default=list(DECODERS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--segments", type=int, default=SEGMENTS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in arguments.decoders:
        rows.append(measure(name, arguments.repeats, arguments.segments, arguments.seconds))
        print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
