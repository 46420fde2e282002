"""What a reader of a foreign format hands over, what a writer is given, and what both may be told."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swaram.config.model import HifiganConfig
from swaram.errors import SwaramError
from swaram.export.facts import VoiceFacts
from swaram.export.voice import keep_speakers, load_generator
from swaram.training.checkpoints import find_checkpoint, read_info, read_tensors
from swaram.voice.package import is_package

if TYPE_CHECKING:
    from torch import Tensor

    from swaram.model.vits import Vits
    from swaram.training.checkpoints import CheckpointInfo


class FormatError(SwaramError):
    """A voice of another system that cannot be read, or one of ours that another system has no place for."""


@dataclass(frozen=True)
class ImportOptions:
    """What the user says about a foreign voice; what is empty is taken from its files.

    ``languages``: codes, the main one first; ``symbols``: a file that lists what the voice reads, for formats that do
    not carry it; ``half``: store the large weights in half precision; ``origin``: the path or hub id as the user gave
    it.
    """

    name: str
    languages: tuple[str, ...] = ()
    licence: str = ""
    attribution: tuple[str, ...] = ()
    symbols: Path | None = None
    half: bool = False
    origin: str = ""


@dataclass
class TrainedVoice:
    """A voice as PyTorch has it: the generator, what a checkpoint says about it, and what its card says.

    ``discriminators``: tensors in this project's names, where the source has them. ``notes``: one sentence each, said
    to whoever imports.
    """

    model: "Vits"
    info: "CheckpointInfo"
    facts: VoiceFacts
    discriminators: "dict[str, Tensor] | None" = None
    notes: list[str] = field(default_factory=list)


@dataclass
class PackedVoice:
    """A voice as onnxruntime has it: its models by file name, and the keys of ``voice.json`` except ``files``."""

    models: dict[str, bytes]
    manifest: dict[str, Any]
    card: str
    licence_text: str
    notes: list[str] = field(default_factory=list)


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
