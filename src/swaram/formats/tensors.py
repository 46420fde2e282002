"""Tensors between our model and a foreign file: found by name, brought to shape, weights split or multiplied out."""

import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from swaram.config.config import Config
from swaram.config.model import HifiganConfig
from swaram.export.facts import VoiceFacts
from swaram.export.voice import keep_speakers, load_generator
from swaram.formats.exchange import FormatError, TrainedVoice
from swaram.formats.layouts import DIRECTION, MAGNITUDE
from swaram.model.vits import Vits
from swaram.training.checkpoints import find_checkpoint, read_info, read_tensors
from swaram.voice.package import is_package

MOST_LAYERS = 256
# Names that older files use for a weight's two parts.
_OLD_PARTS = ((re.compile(r"\.weight_g$"), MAGNITUDE), (re.compile(r"\.weight_v$"), DIRECTION))


def load_pickled(path: Path) -> dict:
    """A ``.pth``, ``.bin`` or ``.ckpt`` file, by PyTorch's loader that builds tensors and plain values only.

    Raises FormatError where the file holds anything else, or is damaged.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise FormatError(
            f"{path}: holds more than tensors and plain values, and is not read because that could run a program; ask "
            "for safetensors, or for a file saved with plain types"
        ) from None
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0][:120].rstrip(".") if str(error) else type(error).__name__
        raise FormatError(f"{path}: cannot be read as a PyTorch file ({reason}); fetch it again") from None
    if not isinstance(content, dict):
        raise FormatError(f"{path}: holds no named tensors; give a checkpoint of a voice")
    return content


def load_folder(folder: Path) -> dict[str, Tensor]:
    """``model.safetensors`` of a folder, or its ``pytorch_model.bin``. Raises FormatError."""
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    if safe.is_file():
        try:
            return load_file(safe)
        except (OSError, SafetensorError) as error:
            raise FormatError(f"{safe}: cannot be read ({error}); fetch it again") from None
    if pickled.is_file():
        return named_tensors(load_pickled(pickled), pickled)
    raise FormatError(f"{folder}: holds neither model.safetensors nor pytorch_model.bin; fetch the voice again")


def named_tensors(content: object, path: Path) -> dict[str, Tensor]:
    """What was loaded, if it is tensors by name. Raises FormatError."""
    if isinstance(content, dict) and content and all(isinstance(value, Tensor) for value in content.values()):
        return content
    raise FormatError(f"{path}: its model is no table of named tensors; give a checkpoint of a voice")


def take(
    wanted: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    rename: Callable[[str], str],
    where: Path,
    own: Mapping[str, Tensor] | None = None,
) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of our model from a foreign file, in float32, and the foreign names that were not needed.

    ``wanted``: our names with tensors of the right shapes (a state dict, may be on the meta device); ``given``: the
    foreign tensors; ``rename``: our name to theirs; ``own``: tensors, in our names, that the system does not have or
    keeps elsewhere. Raises FormatError naming the tensor that is missing, or of a
    shape that is not the configuration's.
    """
    given = {_modern(name): tensor for name, tensor in given.items()}
    taken = {name: tensor.float() for name, tensor in (own or {}).items() if name in wanted}
    used = set()
    for ours, target in wanted.items():
        if ours in taken:
            continue
        theirs = _modern(rename(ours))
        whole = re.sub(r"\.parametrizations\.weight\.original[01]$", ".weight", theirs)
        if theirs in given:
            value = given[theirs]
            used.add(theirs)
        elif whole in given and whole != theirs:  # weight norm multiplied out
            value = split_weight(given[whole].float())[0 if theirs.endswith(MAGNITUDE) else 1]
            used.add(whole)
        elif theirs.removesuffix("weight") + "parametrizations.weight.original1" in given and theirs.endswith("weight"):
            stem = theirs.removesuffix(".weight")
            value = join_weight(given[stem + MAGNITUDE].float(), given[stem + DIRECTION].float())
            used |= {stem + MAGNITUDE, stem + DIRECTION}
        else:
            raise FormatError(f"{where}: the tensor {theirs} is missing; this is another architecture, or a part of it")
        if value.numel() == target.numel() and value.squeeze().shape == target.squeeze().shape:
            value = value.reshape(target.shape)  # a linear layer is a convolution of width 1
        if value.shape != target.shape:
            raise FormatError(
                f"{where}: the tensor {theirs} has the shape {tuple(value.shape)} and its configuration says "
                f"{tuple(target.shape)}"
            )
        if not torch.isfinite(value).all():
            raise FormatError(f"{where}: the tensor {theirs} holds values that are not numbers")
        taken[ours] = value.detach().float().contiguous()
    return taken, sorted(set(given) - used)


def fitted(
    config: Config,
    symbols: int,
    speakers: int,
    given: Mapping[str, Tensor],
    rename: Callable[[str], str],
    where: Path,
    own: Mapping[str, Tensor] | None = None,
) -> tuple[Vits, list[str]]:
    """Our model with a foreign file's tensors, ready for inference, and the foreign names that have no place in it.

    It is built only after every shape agrees, so a configuration of absurd sizes costs nothing. Several languages that
    the system does not tell apart get vectors of zeros. Arguments and errors as of ``take``.
    """
    model, decoder = config.model, config.model.decoder
    counts = [model.text_layers, model.text_heads, model.posterior_layers, model.flow_couplings, model.flow_layers]
    if isinstance(decoder, HifiganConfig):
        counts += [len(decoder.upsample_rates), len(decoder.residual_kernels), *map(len, decoder.residual_dilations)]
    if max(counts) > MOST_LAYERS:
        raise FormatError(f"{where}: its configuration says {max(counts)} layers of a kind, which no voice has")
    with torch.device("meta"):
        wanted = Vits(model, config.data, symbols, speakers).state_dict()
    own = dict(own or {})
    own |= {name: torch.zeros(tensor.shape) for name, tensor in wanted.items() if name == "enc_p.emb_l.weight"}
    taken, left = take(wanted, given, rename, where, own)
    voice = Vits(model, config.data, symbols, speakers)
    voice.load_state_dict(taken)
    return voice.eval(), left


def split_weight(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Magnitude [first, 1, ...] and direction of a weight [first, ...]; rows of zeros get the magnitude 0."""
    magnitude = weight.flatten(1).norm(dim=1).reshape(-1, *[1] * (weight.dim() - 1))
    return magnitude, torch.where(magnitude == 0, torch.ones_like(weight), weight)


def join_weight(magnitude: Tensor, direction: Tensor) -> Tensor:
    """The weight that its two parts make."""
    norm = direction.flatten(1).norm(dim=1).reshape(-1, *[1] * (direction.dim() - 1))
    return direction * (magnitude / norm)


def _modern(name: str) -> str:
    for pattern, part in _OLD_PARTS:
        name = pattern.sub(part, name)
    return name


def load_trained(source: Path, facts: VoiceFacts, title: str) -> TrainedVoice:
    """The averaged generator of a checkpoint with the speakers that ``facts`` offers, and its discriminators.

    ``title``: the format, for messages. Raises FormatError for a voice package: its graphs hold no named tensors.
    """
    if is_package(source):
        raise FormatError(f"{source} is a voice package; {title} is made of the checkpoint it was exported from")
    folder = find_checkpoint(source)
    info = read_info(folder)
    model = load_generator(folder, info)
    offered = keep_speakers(model, info, facts.speakers)
    names = [speaker.name for speaker in offered] or info.speakers
    discriminators = read_tensors(folder, "discriminator") if info.discriminators else None
    return TrainedVoice(model, replace(info, speakers=names), facts, discriminators)


def require_published_parts(voice: TrainedVoice, title: str) -> HifiganConfig:
    """The decoder's settings, where the voice is of the published kind.

    Raises FormatError for another decoder, a language embedding or styles: the format has no place for them.
    """
    data, decoder = voice.info.config.data, voice.info.config.model.decoder
    if not isinstance(decoder, HifiganConfig):
        raise FormatError(
            f"{title} has a HiFi-GAN decoder, and this voice's is {decoder.type}: it cannot be written so"
        )
    if len(data.languages) > 1:
        raise FormatError(f"{title} has no place for the languages {', '.join(data.languages)}, only for a single one")
    if data.styles:
        raise FormatError(f"{title} has no place for the styles {', '.join(data.styles)}")
    return decoder
