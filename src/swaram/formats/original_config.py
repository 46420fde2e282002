"""The ``config.json`` of the original VITS code in our terms, and ours in its terms."""

from math import prod
from pathlib import Path
from typing import Any

from swaram.config.config import Config, parse_config
from swaram.config.model import HifiganConfig
from swaram.formats.exchange import FormatError
from swaram.formats.layouts import DECODER_KEYS
from swaram.training.checkpoints import CheckpointInfo

# What the original code has built in, by our keys of the section model; it has no place for other values.
BUILT_IN = {
    "attention_window": 4,
    "posterior_layers": 16,
    "posterior_kernel": 5,
    "flow_couplings": 4,
    "flow_layers": 4,
    "flow_kernel": 5,
}
PLAIN_CHANNELS = 256
# Our key, theirs and the published value where the file does not say it.
_MODEL = (
    ("latent_channels", "inter_channels", 192),
    ("hidden_channels", "hidden_channels", 192),
    ("filter_channels", "filter_channels", 768),
    ("text_heads", "n_heads", 2),
    ("text_layers", "n_layers", 6),
    ("text_kernel", "kernel_size", 3),
    ("text_dropout", "p_dropout", 0.1),
)
_DATA = (
    ("sample_rate", "sampling_rate", 22050),
    ("n_fft", "filter_length", 1024),
    ("hop_length", "hop_length", 256),
    ("win_length", "win_length", 1024),
    ("n_mel_channels", "n_mel_channels", 80),
    ("mel_fmin", "mel_fmin", 0.0),
    ("mel_fmax", "mel_fmax", None),
)
_RESBLOCKS = {"1": "paired", "2": "single"}
_DILATIONS = {"paired": 3, "single": 2}


def our_config(given: dict[str, Any], languages: tuple[str, ...], where: Path) -> Config:
    """Our configuration of theirs. Raises FormatError or ConfigError naming the key that is wrong."""
    model, data = given.get("model"), given.get("data")
    if not isinstance(model, dict) or not isinstance(data, dict):
        raise FormatError(f"{where}: has no sections model and data; it is no configuration of the original VITS")
    block = _RESBLOCKS.get(str(model.get("resblock", "1")))
    if block is None:
        raise FormatError(f"{where}: model.resblock is {model['resblock']!r}; VITS has 1 or 2")
    if model.get("use_spectral_norm"):
        raise FormatError(f"{where}: model.use_spectral_norm is on, which swaram's discriminators do not have")
    ours: dict[str, Any] = {key: model.get(theirs, default) for key, theirs, default in _MODEL}
    decoder = {key: model.get(theirs, default) for key, theirs, default in DECODER_KEYS}
    stochastic = model.get("use_sdp", True) is not False
    ours |= {
        **BUILT_IN,
        "duration_predictor": "stochastic" if stochastic else "plain",
        "duration_channels": ours["hidden_channels"] if stochastic else PLAIN_CHANNELS,
        "decoder": {"type": "hifigan", "residual_block": block, **decoder},
    }
    if model.get("gin_channels"):
        ours["speaker_channels"] = model["gin_channels"]
    section = {key: data.get(theirs, default) for key, theirs, default in _DATA}
    rates = decoder["upsample_rates"]
    if isinstance(rates, list) and all(type(rate) is int for rate in rates) and prod(rates) != section["hop_length"]:
        raise FormatError(f"{where}: the product of model.upsample_rates is not data.hop_length")
    tree = {"data": {"languages": list(languages), **section}, "model": ours}
    return parse_config(tree, f"{where}, in swaram's names")


def their_config(info: CheckpointInfo, decoder: HifiganConfig, speakers: int) -> dict[str, Any]:
    """Their configuration of a voice of the published parts. Raises FormatError where the code has no place for it."""
    config = info.config
    model, train = config.model, config.train
    stochastic = model.duration_predictor == "stochastic"
    wanted = BUILT_IN | {"duration_channels": model.hidden_channels if stochastic else PLAIN_CHANNELS}
    for key, value in wanted.items():
        if getattr(model, key) != value:
            raise FormatError(
                f"the original VITS has {value} for model.{key} built in, and this voice has {getattr(model, key)}"
            )
    if model.duration_sums:
        raise FormatError("the original VITS rounds each duration upwards, and this voice rounds them by their sum")
    count = _DILATIONS[decoder.residual_block]
    if any(len(dilations) != count for dilations in decoder.residual_dilations):
        raise FormatError(
            f"the original VITS has {count} dilations in each {decoder.residual_block} block, and this voice has "
            f"{decoder.residual_dilations}"
        )
    blocks = {ours: theirs for theirs, ours in _RESBLOCKS.items()}
    return {
        "train": {
            "log_interval": train.log_steps,
            "eval_interval": train.validation_steps,
            "seed": train.seed,
            "epochs": 20_000,
            "learning_rate": train.learning_rate,
            "betas": train.betas,
            "eps": train.epsilon,
            "batch_size": train.batch_size,
            "fp16_run": False,
            "lr_decay": train.learning_rate_decay,
            "segment_size": train.segment_frames * config.data.hop_length,
            "init_lr_ratio": 1,
            "warmup_epochs": 0,
            "c_mel": train.weights.mel,
            "c_kl": train.weights.kl,
        },
        "data": {
            "training_files": config.data.training_files,
            "validation_files": config.data.validation_files,
            "text_cleaners": [],
            "max_wav_value": 32768.0,
            **{theirs: getattr(config.data, ours) for ours, theirs, _ in _DATA},
            "add_blank": info.symbols.blank,
            "n_speakers": speakers,
            "cleaned_text": True,
        },
        "model": {
            **{theirs: getattr(model, ours) for ours, theirs, _ in _MODEL},
            **{theirs: getattr(decoder, ours) for ours, theirs, _ in DECODER_KEYS},
            "resblock": blocks[decoder.residual_block],
            "n_layers_q": 3,
            "use_spectral_norm": False,
            "use_sdp": stochastic,
            **({"gin_channels": model.speaker_channels} if speakers else {}),
        },
        "speakers": info.speakers if speakers else [],
        "symbols": info.symbols.symbols,
    }
