"""The original VITS checkpoints: ``G_<step>.pth``, with ``config.json`` and, for Meta's MMS, ``vocab.txt``."""

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from swaram.export.facts import VoiceFacts
from swaram.formats.exchange import FormatError, ImportOptions, TrainedVoice
from swaram.formats.huggingface import languages_of
from swaram.formats.layouts import discriminator_name, original_name
from swaram.formats.metadata import (
    MMS_LICENCE,
    imported_card,
    marks_usage,
    new_folder,
    read_own_facts,
    stated,
    stated_licence,
    write_own_facts,
)
from swaram.formats.original_config import our_config, their_config
from swaram.formats.registry import read_json
from swaram.formats.tensors import fitted, load_pickled, load_trained, named_tensors, require_published_parts, take
from swaram.formats.vocabulary import read_symbols, symbol_table
from swaram.model.discriminators import Discriminators
from swaram.training.checkpoints import CheckpointInfo

TITLE = "an original VITS checkpoint"
# The cleaners that make phonemes of text, or Latin letters: what such a voice reads is not the text itself.
_PHONEMES = re.compile(r"english_cleaners2|phonem|ipa|romaji|japanese|chinese|korean|zh_|cjk", re.IGNORECASE)


def read(source: Path, options: ImportOptions) -> TrainedVoice:
    """A ``G_*.pth`` (in a folder the one of the latest step) with its ``config.json``. Raises FormatError."""
    path = _latest(source, "G") if source.is_dir() else source
    if path is None:
        raise FormatError(f"{source}: holds no G_<step>.pth")
    folder = path.parent
    given = read_json(folder / "config.json")
    if not given:
        raise FormatError(f"{folder}: config.json is missing or no JSON object; put it beside {path.name}")
    own = read_own_facts(folder)
    notes: list[str] = []
    content = load_pickled(path)
    tensors = named_tensors(content.get("model", content), path)
    if "enc_p.emb.weight" not in tensors:
        raise FormatError(f"{path}: has no enc_p.emb.weight; it is no generator of the original VITS")
    rows = tensors["enc_p.emb.weight"].shape[0]
    languages = languages_of(folder, "", options)
    if own:
        symbols = own["symbols"]
    else:
        tokens = _tokens(folder, given, options)
        blank = given.get("data", {}).get("add_blank", True) is not False
        symbols, notes = symbol_table(tokens, rows, languages, blank=blank, where=folder)
    if len(symbols) != rows:
        raise FormatError(f"{folder}: lists {len(symbols)} symbols, the model has {rows}")
    speakers = own.get("speakers") or _speakers(given, tensors)
    config = our_config(given, languages, folder / "config.json")
    model, left = fitted(config, rows, len(speakers), tensors, original_name, path)
    if left:
        raise FormatError(f"{path}: the tensor {left[0]} has no place in VITS; this is another architecture")
    discriminators = _discriminators(folder, config, notes)
    licence, attribution = stated(options, own)
    licence = licence or stated_licence(folder, options.origin)
    if licence == MMS_LICENCE:
        notes.append("voices of Meta's MMS are CC-BY-NC-4.0: neither they nor their speech may be used commercially.")
    origin = options.origin or source.resolve().name
    step = own.get("steps") or _step(path)
    facts = VoiceFacts(
        options.name,
        licence=licence,
        attribution=attribution or [origin],
        inference=own.get("inference", {}),
        training={"imported_from": origin},
        card=imported_card(options, TITLE, licence, notes),
        half=options.half,
    )
    info = CheckpointInfo(config, symbols, speakers, discriminators is not None, step=step)
    return TrainedVoice(model, info, facts, discriminators, notes)


def _latest(folder: Path, letter: str) -> Path | None:
    found = [path for path in folder.glob(f"{letter}_*.pth") if path.is_file()]
    return max(found, key=_step, default=None)


def _step(path: Path) -> int:
    digits = re.search(r"_(\d{1,12})$", path.stem)
    return int(digits[1]) if digits else 0


def _tokens(folder: Path, given: dict[str, Any], options: ImportOptions) -> dict[str, int]:
    """What the checkpoint does not hold: its symbols, from the user, ``vocab.txt`` (MMS) or the configuration."""
    data = given.get("data", {})
    cleaners = " ".join(map(str, data.get("text_cleaners") or []))
    if str(data.get("training_files", "")).endswith(".uroman"):
        raise FormatError(
            f"{folder}: this voice reads text romanised by uroman, which swaram does not do; choose a voice that reads "
            "the language's own script"
        )
    if options.symbols:
        return read_symbols(options.symbols)
    if (folder / "vocab.txt").is_file():
        return read_symbols(folder / "vocab.txt")
    listed = given.get("symbols", data.get("symbols"))
    if isinstance(listed, list) and all(isinstance(symbol, str) for symbol in listed):
        return {symbol: place for place, symbol in enumerate(listed)}
    if _PHONEMES.search(cleaners):
        raise FormatError(f"{folder}: this voice reads phonemes ({cleaners}), which swaram does not make of text")
    raise FormatError(f"{folder}: no file lists its symbols; give them, in the order of their ids, with --symbols")


def _speakers(given: dict[str, Any], tensors: dict[str, Tensor]) -> list[str]:
    count = tensors["emb_g.weight"].shape[0] if "emb_g.weight" in tensors else 1
    listed = given.get("speakers")
    if isinstance(listed, dict):  # name to id, as some forks have it
        listed = [str(name) for name, _ in sorted(listed.items(), key=lambda item: str(item[1]).zfill(9))]
    if isinstance(listed, list) and len(set(map(str, listed))) == count:
        return [str(name) for name in listed]
    return [f"speaker-{place}" for place in range(count)]


def _discriminators(folder: Path, config: Any, notes: list[str]) -> dict[str, Tensor] | None:
    """The tensors of ``D_*.pth`` in our names, None where there is none or it is not the published one."""
    path = _latest(folder, "D")
    if path is None:
        return None
    content = load_pickled(path)
    wanted = Discriminators(config.model.discriminator).state_dict()
    try:
        taken, left = take(wanted, named_tensors(content.get("model", content), path), discriminator_name, path)
    except FormatError as error:
        notes.append(f"its discriminators are left out: {error}.")
        return None
    if left:
        notes.append(f"its discriminators are left out: {path} holds {left[0]}, which the published ones do not.")
    return None if left else taken


def write(source: Path, destination: Path, facts: VoiceFacts) -> str:
    """Write ``G_<step>.pth``, ``D_<step>.pth`` and ``config.json`` for code of the original layout to go on from.

    Raises FormatError for voices that are not of the published parts.
    """
    voice = load_trained(source, facts, TITLE)
    decoder = require_published_parts(voice, TITLE)
    info, model = voice.info, voice.model
    symbols = info.symbols
    blank = 0 if symbols.blank_id is None else symbols.blank_id
    if symbols.blank and (blank or not symbols.edges):
        raise FormatError(f"{TITLE} puts id 0 around every symbol, and this voice has its blanks elsewhere")
    table = model.emb_g
    config = their_config(info, decoder, table.num_embeddings if table is not None else 0)
    rename = {name: original_name(name) for name in model.state_dict()}
    tensors = {rename[name]: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    if table is not None and table.num_embeddings == 1:  # one of several was offered; a table of one row is not read
        tensors["emb_g.weight"] = tensors["emb_g.weight"].repeat(2, 1)
        config["data"]["n_speakers"] = 2
    if facts.half:
        tensors = {name: tensor.half() for name, tensor in tensors.items()}
    step = info.step + info.earlier_steps
    written = f"{destination}: G_{step}.pth with {len(tensors)} tensors"
    usage = (
        "`G_*.pth` and `D_*.pth` have the layout of the original VITS code, with fresh optimizers. `config.json` lists "
        "the symbols: put them into `text/symbols.py`, and give texts as they are (`cleaned_text`).\n"
    )
    with new_folder(destination) as folder:
        _save(tensors, info, folder / f"G_{step}.pth")
        if voice.discriminators:
            named = {discriminator_name(name): tensor for name, tensor in voice.discriminators.items()}
            _save(named, info, folder / f"D_{step}.pth")
            written += f", D_{step}.pth with {len(named)}"
        text = json.dumps(config, ensure_ascii=False, indent=1) + "\n"
        (folder / "config.json").write_text(text, encoding="utf-8")
        write_own_facts(voice, folder, usage + marks_usage(symbols))
    return written


def _save(tensors: dict[str, Tensor], info: CheckpointInfo, path: Path) -> None:
    """One checkpoint as the original code reads it: it wants an optimizer's state too, and gets an empty one."""
    train = info.config.train
    parameters = [torch.nn.Parameter(tensor, requires_grad=tensor.is_floating_point()) for tensor in tensors.values()]
    optimizer = torch.optim.AdamW(
        parameters, train.learning_rate, betas=(train.betas[0], train.betas[1]), eps=train.epsilon
    )
    content = {
        "model": tensors,
        "iteration": info.epoch,
        "optimizer": optimizer.state_dict(),
        "learning_rate": train.learning_rate,
    }
    torch.save(content, path)
