"""Hugging Face's VitsModel: a folder with ``config.json``, ``vocab.json``, tokenizer settings and the weights."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from swaram.config.config import Config
from swaram.export.facts import OfferedSpeaker, VoiceFacts
from swaram.formats.exchange import FormatError, ImportOptions, TrainedVoice
from swaram.formats.huggingface_config import number, our_config, their_config
from swaram.formats.layouts import DIRECTION, MAGNITUDE, huggingface_name
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
from swaram.formats.registry import read_json
from swaram.formats.tensors import MOST_LAYERS, fitted, join_weight, load_folder, load_trained, require_published_parts
from swaram.formats.vocabulary import symbol_table
from swaram.languages import get_language
from swaram.model.vits import Vits
from swaram.training.checkpoints import CheckpointInfo

TITLE = "a Hugging Face VitsModel"


def read(source: Path, options: ImportOptions) -> TrainedVoice:
    """A folder as ``VitsModel.save_pretrained`` and its tokenizer's write it. Raises FormatError."""
    tokenizer = read_json(source / "tokenizer_config.json")
    refuse_foreign_text(tokenizer, source)
    languages = languages_of(source, str(tokenizer.get("language") or ""), options)
    return build(source, read_json(source / "config.json"), load_folder(source), languages, options, TITLE)


def build(
    source: Path,
    given: dict[str, Any],
    tensors: dict[str, Tensor],
    languages: tuple[str, ...],
    options: ImportOptions,
    title: str,
    speakers: list[OfferedSpeaker] | None = None,
    styles: dict[str, Tensor] | None = None,
) -> TrainedVoice:
    """Our model of a VitsModel's configuration and tensors.

    ``speakers`` names them, else they are numbered; ``styles``: a vector [channels] for each style by name, which is
    added to the speaker's; the first also stands for no style.
    """
    own = read_own_facts(source)
    notes: list[str] = []
    config = our_config(given, languages, source / "config.json", tuple(styles or ()))
    rows = number(given, "vocab_size", 38, source / "config.json")
    count = number(given, "num_speakers", 1, source / "config.json")
    if own:
        symbols = own["symbols"]
    else:
        blank = read_json(source / "tokenizer_config.json").get("add_blank", True) is not False
        vocabulary = source / "vocab.json"
        symbols, notes = symbol_table(read_json(vocabulary), rows, languages, blank=blank, where=vocabulary)
    if len(symbols) != rows:
        raise FormatError(f"{source}: lists {len(symbols)} symbols, the model has {rows}")
    names = [speaker.corpus_id for speaker in speakers or ()]
    names = names or own.get("speakers") or [f"speaker-{place}" for place in range(count)]
    model = _our_model(config, rows, count, given, tensors, list((styles or {}).values()), source)
    licence, attribution = stated(options, own)
    licence = licence or stated_licence(source, str(given.get("_name_or_path", "")), options.origin)
    if licence == MMS_LICENCE:
        notes.append("voices of Meta's MMS are CC-BY-NC-4.0: neither they nor their speech may be used commercially.")
    origin = options.origin or source.resolve().name
    facts = VoiceFacts(
        options.name,
        speakers or [],
        licence=licence,
        attribution=attribution or [origin],
        inference=own.get("inference") or _inference(given, source),
        training={"imported_from": origin},
        card=imported_card(options, title, licence, notes),
        half=options.half,
    )
    info = CheckpointInfo(config, symbols, names, discriminators=False, step=own.get("steps", 0))
    return TrainedVoice(model, info, facts, None, notes)


def _our_model(
    config: Config,
    symbols: int,
    speakers: int,
    given: dict[str, Any],
    tensors: dict[str, Tensor],
    styles: list[Tensor],
    source: Path,
) -> Vits:
    own: dict[str, Tensor] = {}
    if given.get("use_bias") is False:
        layers = range(min(config.model.text_layers, MOST_LAYERS))
        own = {
            f"enc_p.attention.{layer}.conv_{part}.bias": torch.zeros(config.model.hidden_channels)
            for layer in layers
            for part in "qkvo"
        }
    if styles:
        own["emb_s.weight"] = torch.stack([styles[0], *styles])
    plain = not given.get("use_stochastic_duration_prediction", True)
    rename = partial(huggingface_name, plain=plain)
    model, left = fitted(config, symbols, speakers, tensors, rename, source, own)
    # Some voices of one speaker keep the layers of a conditioning that they never get; some keep their discriminators.
    unused = [name for name in left if ".cond" not in name and not name.startswith("discriminator.")]
    if unused:
        raise FormatError(f"{source}: the tensor {unused[0]} has no place in VITS; this is another architecture")
    return model


def _inference(given: dict[str, Any], source: Path) -> dict[str, float]:
    try:
        return {
            "noise_scale": float(given.get("noise_scale", 0.667)),
            "length_scale": 1 / float(given.get("speaking_rate", 1.0)),
            "duration_noise_scale": float(given.get("noise_scale_duration", 0.8)),
        }
    except (TypeError, ValueError, ZeroDivisionError):
        raise FormatError(
            f"{source}: noise_scale, noise_scale_duration or speaking_rate is no number above 0"
        ) from None


def refuse_foreign_text(tokenizer: dict[str, Any], source: Path) -> None:
    """Raises FormatError for voices that read romanised text or phonemes: text would have to be changed in silence."""
    if tokenizer.get("is_uroman"):
        raise FormatError(
            f"{source}: this voice reads text romanised by uroman, which swaram does not do; choose a voice that reads "
            "the language's own script"
        )
    if tokenizer.get("phonemize"):
        raise FormatError(
            f"{source}: this voice reads phonemes of espeak, which swaram does not make; choose one that reads letters"
        )


def languages_of(source: Path, said: str, options: ImportOptions) -> tuple[str, ...]:
    """The codes that the user gives, else what the files say, else what a name such as mms-tts-mal says.

    Raises FormatError where nothing says it, LanguageError for languages that swaram leaves out.
    """
    codes = [*options.languages] or read_own_facts(source).get("languages") or ([said] if said else [])
    if not codes:
        named = re.search(r"mms-tts(?:-|/(?:full_)?models/)([a-z]{3})\b", f"{options.origin} {source.resolve().name}")
        codes = [named[1]] if named else []
    if not codes:
        raise FormatError(f"{source}: no file says which language it speaks; name it with --language, such as ml")
    return tuple(dict.fromkeys(get_language(code).code for code in codes))


def write(source: Path, destination: Path, facts: VoiceFacts) -> str:
    """Write a folder that ``transformers`` loads, for voices of the published parts. Raises FormatError."""
    voice = load_trained(source, facts, TITLE)
    decoder = require_published_parts(voice, TITLE)
    symbols = voice.info.symbols
    blank = 0 if symbols.blank_id is None else symbols.blank_id
    if symbols.blank and (blank or not symbols.edges):
        raise FormatError(f"{TITLE} puts id 0 around every symbol, and this voice has its blanks elsewhere")
    table = voice.model.emb_g
    speakers = table.num_embeddings if table is not None else 1
    tensors = _their_tensors(voice)
    if table is not None and speakers == 1:  # one of several was offered; a table of one row is not read
        speakers = 2
        tensors["embed_speaker.weight"] = tensors["embed_speaker.weight"].repeat(2, 1)
    config = their_config(voice.info.config, decoder, len(symbols), speakers)
    inference = {"noise_scale": 0.667, "length_scale": 1.0, "duration_noise_scale": 0.8, **facts.inference}
    config |= {
        "noise_scale": inference["noise_scale"],
        "noise_scale_duration": inference["duration_noise_scale"],
        "speaking_rate": 1 / inference["length_scale"],
    }
    if facts.half:
        tensors = {name: tensor.half() for name, tensor in tensors.items()}
        config["dtype"] = "float16"
    vocabulary = {symbol: place for place, symbol in enumerate(symbols.symbols) if symbol}
    pad = symbols.symbols[0] or "<pad>"
    special = {"pad_token": pad, "unk_token": pad}
    tokenizer = {
        "tokenizer_class": "VitsTokenizer",
        "language": voice.info.config.data.languages[0],
        "add_blank": symbols.blank,
        "normalize": True,
        "phonemize": False,
        "is_uroman": False,
        **special,
    }
    with new_folder(destination) as folder:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        files = {
            "config.json": config,
            "vocab.json": {pad: 0, **vocabulary},
            "tokenizer_config.json": tokenizer,
            "special_tokens_map.json": special,
        }
        for name, content in files.items():
            text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
            (folder / name).write_text(text, encoding="utf-8")
        write_own_facts(voice, folder, "`transformers.VitsModel` loads this folder.\n" + marks_usage(symbols))
    return f"{destination}: {len(tensors)} tensors and a tokenizer for transformers.VitsModel"


def _their_tensors(voice: TrainedVoice) -> dict[str, Tensor]:
    """All tensors in their names and shapes; the decoder's weights multiplied out, as VitsModel has them."""
    plain = voice.info.config.model.duration_predictor == "plain"
    ours = voice.model.state_dict()
    tensors = {}
    for name, tensor in ours.items():
        theirs = huggingface_name(name, plain=plain)
        if name.startswith("dec.") and name.endswith(MAGNITUDE):
            continue
        if name.startswith("dec.") and name.endswith(DIRECTION):
            tensor = join_weight(ours[name.replace(DIRECTION, MAGNITUDE)], tensor)
            theirs = theirs.replace(DIRECTION, ".weight")
        if ".attention." in theirs and theirs.endswith("_proj.weight"):
            tensor = tensor.squeeze(2)
        tensors[theirs] = tensor.detach().contiguous().clone()
    return tensors
