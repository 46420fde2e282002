"""Piper's Lightning checkpoints (``.ckpt``), where they hold tensors and plain values only."""

from pathlib import Path
from typing import Any

from swaram.export.facts import VoiceFacts
from swaram.formats.exchange import FormatError, ImportOptions, TrainedVoice
from swaram.formats.layouts import original_name
from swaram.formats.metadata import imported_card
from swaram.formats.original_config import our_config
from swaram.formats.piper_config import Described
from swaram.formats.tensors import fitted, load_pickled, named_tensors
from swaram.text.symbols import SymbolTable
from swaram.training.checkpoints import CheckpointInfo

TITLE = "a Piper checkpoint"
GENERATOR = "model_g."
# What Piper takes where a checkpoint says nothing: its "medium" voices.
_USUAL: dict[str, Any] = {
    "resblock": "2",
    "resblock_kernel_sizes": [3, 5, 7],
    "resblock_dilation_sizes": [[1, 2], [2, 6], [3, 12]],
    "upsample_rates": [8, 8, 4],
    "upsample_initial_channel": 256,
    "upsample_kernel_sizes": [16, 16, 8],
}


def read_checkpoint(path: Path, said: Described, licence: str, options: ImportOptions) -> TrainedVoice:
    """The generator of a ``.ckpt``; ``said``: what its ``.json`` says. Raises FormatError."""
    try:
        content = load_pickled(path)
    except FormatError as error:
        raise FormatError(
            f"{path}: {str(error).removeprefix(f'{path}: ')}; or export it with Piper (python -m "
            "piper.train.export_onnx) and import the .onnx with its .onnx.json"
        ) from None
    tensors = named_tensors(content.get("state_dict"), path)
    generator = {name.removeprefix(GENERATOR): t for name, t in tensors.items() if name.startswith(GENERATOR)}
    if "enc_p.emb.weight" not in generator:
        raise FormatError(f"{path}: has no {GENERATOR}enc_p.emb.weight; it is not a checkpoint of Piper's training")
    given = {**_USUAL, **{key: _plain(v) for key, v in (content.get("hyper_parameters") or {}).items()}}
    data = {"sampling_rate": said.keys["sample_rate"], "n_mel_channels": given.get("mel_channels", 80)}
    data |= {key: given[key] for key in ("filter_length", "hop_length", "win_length") if key in given}
    if "emb_g.weight" in generator:
        given["gin_channels"] = generator["emb_g.weight"].shape[1]
    config = our_config({"model": given, "data": data}, tuple(said.keys["languages"]), path)
    rows = generator["enc_p.emb.weight"].shape[0]
    table = SymbolTable.from_dict(said.keys["symbols"])
    if len(table) > rows:
        raise FormatError(f"{path}: its description lists {len(table)} ids, the model has {rows}")
    symbols = SymbolTable.from_dict({**table.to_dict(), "symbols": table.symbols + [""] * (rows - len(table))})
    names = [speaker["name"] for speaker in said.keys["speakers"]] or ["speaker-0"]
    model, left = fitted(config, rows, len(names), generator, original_name, path)
    if left:
        raise FormatError(f"{path}: the tensor {left[0]} has no place in VITS; this is another architecture")
    facts = VoiceFacts(
        options.name,
        licence=licence,
        attribution=list(options.attribution),
        inference=said.keys["inference"],
        training=said.keys["training"],
        card=imported_card(options, TITLE, licence, said.notes),
        half=options.half,
        text=said.keys["text"],
    )
    step = content.get("global_step", 0)
    info = CheckpointInfo(config, symbols, names, discriminators=False, step=step if isinstance(step, int) else 0)
    return TrainedVoice(model, info, facts, None, said.notes)


def _plain(value: Any) -> Any:
    """Tuples as lists: what JSON would have."""
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
