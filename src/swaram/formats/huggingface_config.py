"""The configuration of Hugging Face's VitsModel in our terms, and ours in its terms, from one table."""

from math import prod
from pathlib import Path
from typing import Any

from swaram.config.config import Config, parse_config
from swaram.config.model import HifiganConfig
from swaram.formats.exchange import FormatError
from swaram.formats.layouts import DECODER_KEYS

# What our model has built in, as the published one: another value is another architecture.
FIXED: dict[str, Any] = {
    "hidden_act": "relu",
    "layer_norm_eps": 1e-5,
    "leaky_relu_slope": 0.1,
    "depth_separable_channels": 2,
    "depth_separable_num_layers": 3,
    "duration_predictor_flow_bins": 10,
    "duration_predictor_tail_bound": 5.0,
    "duration_predictor_kernel_size": 3,
    "duration_predictor_num_flows": 4,
    "wavenet_dilation_rate": 1,
}
# Our key of the section model, theirs, and what theirs is where the file does not say it.
_MODEL = (
    ("latent_channels", "flow_size", 192),
    ("hidden_channels", "hidden_size", 192),
    ("filter_channels", "ffn_dim", 768),
    ("text_layers", "num_hidden_layers", 6),
    ("text_heads", "num_attention_heads", 2),
    ("text_kernel", "ffn_kernel_size", 3),
    ("attention_window", "window_size", 4),
    ("posterior_layers", "posterior_encoder_num_wavenet_layers", 16),
    ("posterior_kernel", "wavenet_kernel_size", 5),
    ("flow_couplings", "prior_encoder_num_flows", 4),
    ("flow_layers", "prior_encoder_num_wavenet_layers", 4),
    ("flow_kernel", "wavenet_kernel_size", 5),
)


def our_config(given: dict[str, Any], languages: tuple[str, ...], where: Path, styles: tuple[str, ...] = ()) -> Config:
    """Our configuration of theirs. Raises FormatError or ConfigError naming the key that our model has no place for."""
    for key, value in FIXED.items():
        if given.get(key, value) != value:
            raise FormatError(f"{where}: {key} is {given[key]!r}, and swaram's VITS has {value!r} there")
    bins = number(given, "spectrogram_bins", 513, where)
    model: dict[str, Any] = {ours: given.get(theirs, default) for ours, theirs, default in _MODEL}
    decoder = {ours: given.get(theirs, default) for ours, theirs, default in DECODER_KEYS}
    if given.get("use_stochastic_duration_prediction", True):
        model |= {"duration_predictor": "stochastic", "duration_channels": model["hidden_channels"]}
    else:
        channels = given.get("duration_predictor_filter_channels", 256)
        model |= {"duration_predictor": "plain", "duration_channels": channels}
    speakers = number(given, "num_speakers", 1, where)
    if speakers > 1 or styles:
        model["speaker_channels"] = number(given, "speaker_embedding_size", 0, where)
    rates = decoder["upsample_rates"]
    if not isinstance(rates, list) or not all(type(rate) is int for rate in rates):
        raise FormatError(f"{where}: upsample_rates must be a list of whole numbers, not {rates!r}")
    data = {
        "languages": list(languages),
        "styles": list(styles),
        "sample_rate": given.get("sampling_rate", 16_000),
        "n_fft": 2 * (bins - 1),
        "win_length": 2 * (bins - 1),
        "hop_length": prod(rates),
    }
    model["decoder"] = {"type": "hifigan", **decoder}
    return parse_config({"data": data, "model": model}, f"{where}, in swaram's names")


def their_config(config: Config, decoder: HifiganConfig, symbols: int, speakers: int) -> dict[str, Any]:
    """Their configuration of ours, for a voice of the published parts. Raises FormatError where it has no place."""
    model, data = config.model, config.data
    stochastic = model.duration_predictor == "stochastic"
    for fault, words in (
        (model.posterior_kernel != model.flow_kernel, "kernels of posterior encoder and flow differ"),
        (stochastic and model.duration_channels != model.hidden_channels, "duration_channels are not hidden_channels"),
        (model.duration_sums, "durations are rounded by their sum"),
        (decoder.residual_block != "paired", "residual blocks are single, not paired"),
    ):
        if fault:
            raise FormatError(f"a Hugging Face VitsModel has no place for this voice: its {words}")
    return {
        "model_type": "vits",
        "architectures": ["VitsModel"],
        "dtype": "float32",
        "vocab_size": symbols,
        "num_speakers": speakers,
        "speaker_embedding_size": model.speaker_channels if speakers > 1 else 0,
        "sampling_rate": data.sample_rate,
        "spectrogram_bins": data.n_fft // 2 + 1,
        "use_bias": True,
        "use_stochastic_duration_prediction": stochastic,
        "duration_predictor_filter_channels": 256 if stochastic else model.duration_channels,
        "hidden_dropout": model.text_dropout,
        "attention_dropout": model.text_dropout,
        "activation_dropout": model.text_dropout,
        **{theirs: getattr(model, ours) for ours, theirs, _ in _MODEL},
        **{theirs: getattr(decoder, ours) for ours, theirs, _ in DECODER_KEYS},
        **FIXED,
    }


def number(given: dict[str, Any], key: str, default: int, where: Path) -> int:
    """A whole number of a foreign file, 0 to a million. Raises FormatError."""
    value = given.get(key, default)
    if type(value) is not int or not 0 <= value <= 1 << 20:
        raise FormatError(f"{where}: {key} must be a whole number, not {value!r}")
    return value
