"""Freezing by part: what is named in ``train.freeze`` keeps its weights while the rest learns."""

from collections.abc import Sequence

from torch import nn

from swaram.errors import SwaramError
from swaram.model.vits import Vits

# The names of the configuration and those of the generator's parts.
PARTS = {
    "text_encoder": "enc_p",
    "posterior_encoder": "enc_q",
    "flow": "flow",
    "durations": "dp",
    "pitch": "pitch",
    "decoder": "dec",
    "speakers": "emb_g",
    "styles": "emb_s",
}
TEXT_SIDE = ("enc_p", "flow", "dp", "emb_g", "emb_s")


class FreezeError(SwaramError):
    """A choice of frozen parts with which nothing could be trained."""


def freeze(generator: Vits, parts: Sequence[str], text_steps: int = 0) -> None:
    """Stop the gradients of these parts of the generator; a part that this model lacks is passed over.

    A frozen parameter gets no gradient, so neither optimizer nor weight decay moves it. Raises FreezeError where
    nothing of the generator, or nothing that ``text_steps`` could train, is left.
    """
    for part in parts:
        module = getattr(generator, PARTS[part])
        if module is not None:
            module.requires_grad_(False)
    if not _learns(generator):
        raise FreezeError("train.freeze leaves nothing of the generator to train; take a part out of it")
    text_side = [getattr(generator, name) for name in TEXT_SIDE]
    if text_steps and not any(module is not None and _learns(module) for module in text_side):
        raise FreezeError("train.freeze leaves nothing that text steps could train; set train.text_steps to 0")


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())
