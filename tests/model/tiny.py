"""Models small enough for tests, their configurations, and a batch for them."""

import torch

from swaram.config.config import Config, parse_config
from swaram.config.model import ModelConfig
from swaram.model.vits import Inputs

TINY = {
    "train": {"segment_frames": 16},
    "data": {"sample_rate": 16000, "min_frames": 16},
    "model": {
        "latent_channels": 8,
        "hidden_channels": 16,
        "filter_channels": 32,
        "text_layers": 2,
        "posterior_layers": 2,
        "flow_couplings": 2,
        "flow_layers": 2,
        "duration_channels": 16,
        "speaker_channels": 4,
        "decoder": {"type": "vocos", "channels": 16, "blocks": 2},
        "discriminator": {
            "periods": [2, 3],
            "period_channels": [4, 8],
            "scale": False,
            "resolutions": [256],
            "resolution_channels": [4, 4],
        },
    },
}


def tiny(**model: object) -> Config:
    return parse_config({**TINY, "model": {**TINY["model"], **model}})


HIFIGAN = {
    "type": "hifigan",
    "initial_channels": 32,
    "upsample_rates": [8, 8, 4],
    "upsample_kernels": [16, 16, 8],
    "residual_kernels": [3, 5],
    "residual_dilations": [[1, 3], [1, 2]],
}


# Each decoder as small as it can be and still have all of its layers.
DECODERS = {
    "vocos": TINY["model"]["decoder"],
    "vocos-causal": {**TINY["model"]["decoder"], "lookahead": 3},
    "harmonic": {**TINY["model"]["decoder"], "type": "harmonic"},
    "harmonic-short": {**TINY["model"]["decoder"], "type": "harmonic", "frames": 4, "n_fft": 256},
    "hifigan": HIFIGAN,
    "hifigan-single": {**HIFIGAN, "residual_block": "single"},
    "multiband": {
        "type": "multiband",
        "initial_channels": 32,
        "residual_kernels": [3, 5],
        "residual_dilations": [[1, 3], [1, 2]],
    },
}


def stir(module: torch.nn.Module, deviation: float = 0.1) -> None:
    """Make every parameter random: some layers begin at zero and would hide the ones before them."""
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, 0.0, deviation)


def batch(speakers: int, **changes: torch.Tensor | None) -> Inputs:
    return Inputs(
        torch.randint(0, 30, (3, 11)),
        torch.tensor([11, 9, 4]),
        torch.rand(3, 513, 40),
        torch.tensor([40, 33, 20]),
        torch.arange(3) % speakers,
        **changes,
    )


PITCH = 100 + 200 * torch.rand(3, 40, generator=torch.Generator().manual_seed(1))


def text_settings(**changes: object) -> ModelConfig:
    """Of a text encoder of 12 channels."""
    sizes = {"latent_channels": 6, "hidden_channels": 12, "filter_channels": 20, "text_heads": 2, "text_layers": 2}
    return ModelConfig(**{**sizes, **changes})


def stirred(module: torch.nn.Module) -> torch.nn.Module:
    """The module with every parameter random, so that layers which begin at zero count too."""
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.1)
    return module.eval()
