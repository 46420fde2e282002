"""Piper voices: ``<voice>.onnx`` with ``<voice>.onnx.json``, in and out; ``.ckpt`` where it can be read safely."""

import json
from pathlib import Path
from typing import Any

import onnx

from swaram.export.facts import VoiceFacts
from swaram.formats.exchange import FormatError, ImportOptions, PackedVoice, TrainedVoice
from swaram.formats.onnx_join import join_package, player_ids, unjoin
from swaram.formats.onnx_split import split_vits
from swaram.formats.piper_config import describe, read_description
from swaram.formats.players import losses, open_source, try_out, write_files
from swaram.formats.registry import read_json
from swaram.runtime.rules import check_model
from swaram.voice.package import MAX_FILE_BYTES, PAPERS

# Under this key of the description stands the manifest of the voice that was exported; Piper reads over it.
OWN_KEY = "swaram"
_PAPER_BYTES = 1 << 20


def read(source: Path, options: ImportOptions) -> PackedVoice | TrainedVoice:
    """A Piper voice: its ``.onnx`` or ``.ckpt``, or a folder that holds one ``.onnx``. Raises FormatError."""
    path = _model_file(source)
    if path.suffix == ".ckpt":
        return _checkpoint(path, options)
    described = path.with_name(path.name + ".json")
    config = read_json(described)
    if not config:
        raise FormatError(f"{described}: missing, or not a description; a Piper voice is an .onnx with its .onnx.json")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise FormatError(f"{path}: larger than {MAX_FILE_BYTES} bytes, which no voice is")
    content = path.read_bytes()
    check_model(str(path.parent), path.name, content)
    try:
        model = onnx.load_from_string(content)
    except Exception as error:
        raise FormatError(f"{path}: not an ONNX model; fetch it again") from error
    if isinstance(config.get(OWN_KEY), dict):
        return _own(model, config[OWN_KEY], path, options)
    return _foreign(model, config, path, options)


def _model_file(source: Path) -> Path:
    if source.is_file():
        return source
    models = sorted(source.glob("*.onnx"))
    if len(models) != 1:
        raise FormatError(f"{source}: holds {len(models)} .onnx files; name the one to import")
    return models[0]


def _checkpoint(path: Path, options: ImportOptions) -> TrainedVoice:
    from swaram.formats.piper_checkpoint import read_checkpoint

    names = [f"{path.name}.json", f"{path.stem}.onnx.json", "config.json"]
    described = next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)
    if described is None:
        raise FormatError(f"{path}: lacks its description; put it beside it as {names[0]} or {names[2]}")
    said = read_description(read_json(described), described.name, options.languages)
    licence = options.licence or _licence(_paper(path.with_name("MODEL_CARD")))
    return read_checkpoint(path, said, licence, options)


def _foreign(model: onnx.ModelProto, config: dict[str, Any], path: Path, options: ImportOptions) -> PackedVoice:
    said = read_description(config, path.name + ".json", options.languages)
    try:
        split = split_vits(model, path.name)
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(f"{path.name}: cannot be cut into front end and decoder ({type(error).__name__})") from error
    card = _paper(path.with_name("MODEL_CARD"))
    licence = options.licence or _licence(card)
    models = {"frontend.onnx": split.frontend, "decoder.onnx": split.decoder}
    if options.half:
        from swaram.export.graphs import store_half

        for part in models.values():
            store_half(part)
    manifest = {
        "name": options.name,
        **said.keys,
        "hop_length": split.hop_length,
        "latent_channels": split.latent_channels,
        "decoder": {"left_margin": split.left_margin, "right_margin": split.right_margin},
        "licence": licence,
        "attribution": list(options.attribution),
    }
    text = f"# {options.name}\n\nA Piper voice, imported from {path.name}. What came with it said:\n\n{card}\n"
    contents = {name: part.SerializeToString() for name, part in models.items()}
    return PackedVoice(contents, manifest, text, (licence or "unknown") + "\n", said.notes)


def _own(model: onnx.ModelProto, stored: dict[str, Any], path: Path, options: ImportOptions) -> PackedVoice:
    """A voice of ours comes back as it was."""
    manifest = {key: value for key, value in stored.items() if key != "files"}
    manifest["name"] = options.name
    if options.licence:
        manifest["licence"] = options.licence
    if options.attribution:
        manifest["attribution"] = list(options.attribution)
    card, licence = (_paper(path.with_name(name)) for name in PAPERS)
    notes = ["it was exported by swaram, and is the same voice again"]
    return PackedVoice(unjoin(model, path.name), manifest, card, licence, notes)


def _paper(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > _PAPER_BYTES:
        return ""
    return path.read_text(encoding="utf-8-sig", errors="replace")


def _licence(card: str) -> str:
    """The line ``* License: CC0`` of Piper's cards."""
    for line in card.splitlines():
        key, colon, value = line.strip("*- \t").partition(":")
        if colon and key.strip().lower() in ("license", "licence"):
            return "".join(c for c in value.strip() if c.isprintable())[:200]
    return ""


def write(source: Path, destination: Path, facts: VoiceFacts) -> str:
    """``destination``, a folder: ``<name>.onnx`` with ``<name>.onnx.json``, and the voice's card and licence."""
    given = open_source(source, facts)
    manifest, ids = given.package.manifest, player_ids(given.package.symbols)
    model = join_package(given.package)
    difference = try_out(model, given.package, ids)
    description = describe(manifest, ids)
    description[OWN_KEY] = manifest.model_dump(mode="json", exclude={"files"})
    name = destination.name
    text = json.dumps(description, ensure_ascii=False, indent=2) + "\n"
    files = {f"{name}.onnx": model.SerializeToString(), f"{name}.onnx.json": text.encode(), **given.papers}
    write_files(destination, files)
    said = f"{destination / name}.onnx and its .onnx.json, for Piper; without noise it differs by {difference:.1e}"
    return said + losses(manifest)
