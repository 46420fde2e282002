"""Voices for sherpa-onnx: one ``.onnx`` with the metadata that it reads, and ``tokens.txt``."""

from pathlib import Path

import onnx

from swaram.export.facts import VoiceFacts
from swaram.formats.exchange import FormatError, ImportOptions, PackedVoice
from swaram.formats.onnx_join import PlayerIds, join_package, player_ids
from swaram.formats.players import losses, open_source, try_out, write_files
from swaram.languages import get_language
from swaram.text.symbols import BLANK, BOS, EOS
from swaram.voice.package import VoiceManifest

TITLE = "a sherpa-onnx voice"


def read(source: Path, options: ImportOptions) -> PackedVoice:
    """Not offered: sherpa-onnx's files do not say enough."""
    raise FormatError(f"{source}: {TITLE} cannot be read; import the voice that it was made of")


def write(source: Path, destination: Path, facts: VoiceFacts) -> str:
    """``destination``, a folder: ``<name>.onnx``, ``tokens.txt``, and the voice's card and licence.

    Raises FormatError for a voice that reads phonemes: sherpa-onnx would read its text by letters.
    """
    given = open_source(source, facts)
    package, manifest = given.package, given.package.manifest
    if manifest.text.symbols == "phonemes":
        raise FormatError(f"{source}: reads phonemes, and this export is for voices that read letters")
    ids = player_ids(package.symbols)
    model = join_package(package)
    difference = try_out(model, package, ids)
    onnx.helper.set_model_props(model, metadata(manifest, ids))
    name = destination.name
    files = {f"{name}.onnx": model.SerializeToString(), "tokens.txt": tokens(ids).encode(), **given.papers}
    write_files(destination, files)
    said = f"{destination / name}.onnx and tokens.txt, for sherpa-onnx; without noise it differs by {difference:.1e}"
    return said + losses(manifest)


def metadata(manifest: VoiceManifest, ids: PlayerIds) -> dict[str, str]:
    """What sherpa-onnx reads of a model. ``comment`` chooses Piper's inputs, ``frontend`` text by characters."""
    speakers = len(manifest.speakers)
    facts = {
        "model_type": "vits",
        "comment": "piper, made by swaram",
        "frontend": "characters",
        "language": get_language(manifest.language).name,
        "voice": manifest.text.espeak_voice or manifest.language.split("-")[0],
        "has_espeak": 0,
        "n_speakers": max(1, speakers),
        "sample_rate": manifest.sample_rate,
        "add_blank": 1,
        "use_eos_bos": 1,
        "blank_id": ids.marks[BLANK],
        "pad_id": ids.marks[BLANK],
        "bos_id": ids.marks[BOS],
        "eos_id": ids.marks[EOS],
        "speaker_names": ", ".join(speaker.name for speaker in manifest.speakers),
        "license": manifest.licence,
        "name": manifest.name,
    }
    return {key: str(value) for key, value in facts.items()}


def tokens(ids: PlayerIds) -> str:
    """One character and its id a line; the space stands as a space at the beginning of its line."""
    return "".join(f"{symbol} {number}\n" for symbol, number in sorted(ids.ids.items(), key=lambda entry: entry[1]))
