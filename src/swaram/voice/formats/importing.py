"""Import: whatever a format's reader hands over becomes a voice package that has spoken before it gets its name."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from swaram.errors import SwaramError
from swaram.voice.formats.exchange import FormatError, ImportOptions, PackedVoice, TrainedVoice
from swaram.voice.formats.licences import forbids_commerce
from swaram.voice.formats.registry import Format
from swaram.voice.formats.self_check import SelfCheck, check_speech
from swaram.voice.packing import check_target, write_package
from swaram.voice.voice import Voice


@dataclass(frozen=True)
class ImportReport:
    """What an import found: the licence, what the self-check measured, the package's size, notes of a sentence each."""

    licence: str
    forbids_commerce: bool
    check: SelfCheck
    size_bytes: int
    notes: tuple[str, ...]


def import_voice(
    form: Format, source: Path, out: Path, options: ImportOptions, checkpoint: Path | None = None
) -> ImportReport:
    """Write the voice package ``out`` from ``source``; ``checkpoint``: a folder for weights to train on from.

    Nothing stands at ``out`` before the self-check is passed. Raises FormatError where the source cannot be read,
    VoiceError where the voice does not speak.
    """
    check_target(out)
    if checkpoint and checkpoint.exists():
        raise FormatError(f"{checkpoint} exists; name another folder with --checkpoint")
    read = form.read(source, options)
    if checkpoint and not isinstance(read, TrainedVoice):
        raise FormatError(f"{form.title} holds no weights to train on from in this file; leave --checkpoint out")
    trial = out.with_name(f".{out.name}.trial")
    shutil.rmtree(trial, ignore_errors=True)
    try:
        if checkpoint and isinstance(read, TrainedVoice):
            _write_checkpoint(checkpoint, read)
        size = _pack(read, trial)
        voice = Voice.open(trial)
        found = check_speech(voice)
        shutil.rmtree(out, ignore_errors=True)
        trial.rename(out)
    except SwaramError:
        if checkpoint:
            shutil.rmtree(checkpoint, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    licence = voice.manifest.licence
    return ImportReport(licence, forbids_commerce(licence), found, size, tuple(read.notes))


def _pack(read: TrainedVoice | PackedVoice, out: Path) -> int:
    if isinstance(read, PackedVoice):
        return write_package(out, read.models, read.manifest, read.card, read.licence_text)
    from swaram.voice.export import write_voice

    return write_voice(read.model, read.info, out, read.facts).size_bytes


def _write_checkpoint(folder: Path, read: TrainedVoice) -> None:
    """The tensors before they are folded for inference, under the names that training gives them."""
    from swaram.training.checkpoints import write_checkpoint

    tensors = {"generator": read.model.state_dict()}
    if read.discriminators:
        tensors["discriminator"] = read.discriminators
    write_checkpoint(folder, replace(read.info, discriminators=bool(read.discriminators)), tensors)
