"""Tensor names: ours, those of the original VITS code, and those of Hugging Face's VitsModel, part by part.

Each function maps one of our names (those of ``model.vits.Vits.state_dict()``) to the other system's name of the same
tensor. A weight-normalised weight is named by its two parts: magnitude ``original0``, direction ``original1``.
"""

import re

MAGNITUDE, DIRECTION = ".parametrizations.weight.original0", ".parametrizations.weight.original1"

# Of the HiFi-GAN decoder: our key, the one that the original and Hugging Face share, and the published value.
DECODER_KEYS = (
    ("initial_channels", "upsample_initial_channel", 512),
    ("upsample_rates", "upsample_rates", [8, 8, 2, 2]),
    ("upsample_kernels", "upsample_kernel_sizes", [16, 16, 4, 4]),
    ("residual_kernels", "resblock_kernel_sizes", [3, 7, 11]),
    ("residual_dilations", "resblock_dilation_sizes", [[1, 3, 5], [1, 3, 5], [1, 3, 5]]),
)

_WAVENET = {"gates": "in_layers", "outputs": "res_skip_layers", "condition": "cond_layer"}
_ORIGINAL_TEXT = {
    "attention": "encoder.attn_layers",
    "attention_norm": "encoder.norm_layers_1",
    "feed_forward": "encoder.ffn_layers",
    "feed_forward_norm": "encoder.norm_layers_2",
}
_ORIGINAL_DURATIONS = {"affine": "flows.0", "post_affine": "post_flows.0"}

_NORM = {"gamma": "weight", "beta": "bias"}
_HUGGINGFACE_TOP = {
    "enc_p": "text_encoder",
    "enc_q": "posterior_encoder",
    "dec": "decoder",
    "dp": "duration_predictor",
    "emb_g": "embed_speaker",
}
_HUGGINGFACE_LAYER = {
    "attention": "attention",
    "attention_norm": "layer_norm",
    "feed_forward": "feed_forward",
    "feed_forward_norm": "final_layer_norm",
}
_HUGGINGFACE_PARTS = {
    "enc_p": {"emb": "embed_tokens", "proj": "project", **_NORM}
    | {f"conv_{ours}": f"{theirs}_proj" for ours, theirs in zip("qkvo", ("q", "k", "v", "out"), strict=True)},
    "enc_q": {"pre": "conv_pre", "proj": "conv_proj", "enc": "wavenet", **_WAVENET},
    "flow": {"couplings": "flows", "pre": "conv_pre", "post": "conv_post", "enc": "wavenet", **_WAVENET},
    "dec": {"ups": "upsampler"},
}
_HUGGINGFACE_STOCHASTIC = {
    "affine": "flows.0",
    "post_affine": "post_flows.0",
    "m": "translate",
    "logs": "log_scale",
    "pre": "conv_pre",
    "proj": "conv_proj",
    "convs": "conv_dds",
    "post_pre": "post_conv_pre",
    "post_proj": "post_conv_proj",
    "post_convs": "post_conv_dds",
    "convs_sep": "convs_dilated",
    "convs_1x1": "convs_pointwise",
    **_NORM,
}


def original_name(name: str) -> str:
    """The name that the original VITS code gives our tensor; its flows are numbered with the flips between them."""
    top, *parts = _split_weight(name, "weight_g", "weight_v").split(".")
    if top == "enc_p":
        parts[0] = _ORIGINAL_TEXT.get(parts[0], parts[0])
    elif top == "flow":
        parts[:2] = ["flows", str(2 * int(parts[1]))]
    elif top == "dp" and parts[0] in ("flows", "post_flows"):
        parts[1] = str(2 * int(parts[1]) + 1)
    elif top == "dp":
        parts[0] = _ORIGINAL_DURATIONS.get(parts[0], parts[0])
    if "enc" in parts:
        parts = [_WAVENET.get(part, part) for part in parts]
    return ".".join([top, *parts])


def huggingface_name(name: str, *, plain: bool = False) -> str:
    """The name that VitsModel gives our tensor; ``plain``: the duration predictor is the plain one."""
    top, *parts = name.split(".")
    if top == "enc_p" and parts[0] in _HUGGINGFACE_LAYER:
        parts[:2] = ["encoder", "layers", parts[1], _HUGGINGFACE_LAYER[parts[0]]]
    if top == "dp":
        table = _NORM if plain else _HUGGINGFACE_STOCHASTIC
        if parts[0] in ("flows", "post_flows"):
            parts[1] = str(int(parts[1]) + 1)
    else:
        table = _HUGGINGFACE_PARTS.get(top, {})
    return ".".join([_HUGGINGFACE_TOP.get(top, top), *(table.get(part, part) for part in parts)])


def discriminator_name(name: str) -> str:
    """The name that the original code gives a tensor of ``model.discriminators.Discriminators``."""
    return _split_weight(name, "weight_g", "weight_v")


def _split_weight(name: str, magnitude: str, direction: str) -> str:
    return re.sub(r"parametrizations\.weight\.original1$", direction, name).replace(
        "parametrizations.weight.original0", magnitude
    )
