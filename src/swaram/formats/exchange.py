"""What a reader of a foreign format hands over, what a writer is given, and what both may be told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swaram.errors import SwaramError
from swaram.export.facts import VoiceFacts

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
