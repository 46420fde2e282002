"""``<voice>.onnx.json``, Piper's description of a voice, as a manifest, and a manifest as such a description."""

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from swaram.formats.exchange import FormatError
from swaram.formats.onnx_join import PlayerIds
from swaram.languages import LanguageError, get_language
from swaram.text.symbols import BLANK, BOS, EOS, SymbolTable, letters_of
from swaram.voice.package import MAX_SPEAKERS, VoiceManifest

KINDS = {"espeak": "phonemes", "text": "letters"}
# What Piper calls the regions; everything else that is offered is spoken in India.
_REGIONS = {"ne": "NP"}
_COUNTRIES = {"IN": "India", "NP": "Nepal"}
_SCALES = (("noise_scale", "noise_scale", 0.667), ("length_scale", "length_scale", 1.0))
_MOST_IDS = 20_000


@dataclass
class Described:
    """What a description says: the manifest's keys, and sentences for whoever imports."""

    keys: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def read_description(config: dict[str, Any], source: str, languages: tuple[str, ...]) -> Described:
    """The manifest's keys of a description. ``languages``: codes that count more than what the file says.

    Raises FormatError where a key is missing or of a kind that is not known, LanguageError for other languages.
    """
    try:
        kind = str(config.get("phoneme_type", "espeak")).lower().removeprefix("phonemetype.")
        rate, count = int(config["audio"]["sample_rate"]), int(config.get("num_speakers", 1))
        inference = {ours: float(config.get("inference", {}).get(key, usual)) for ours, key, usual in _SCALES}
        inference["duration_noise_scale"] = float(config.get("inference", {}).get("noise_w", 0.8))
        espeak = str(config.get("espeak", {}).get("voice", ""))
        names = {int(number): str(name) for name, number in config.get("speaker_id_map", {}).items()}
        default = int(config.get("default_speaker_id", 0))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{source}: not a description of a Piper voice ({type(error).__name__}: {error})") from None
    if kind not in KINDS:
        raise FormatError(
            f"{source}: phoneme_type {kind!r} is not one that can be read here; it must be espeak or text"
        )
    if not 0 < count <= MAX_SPEAKERS:
        raise FormatError(f"{source}: num_speakers is {count}; a voice has 1 to {MAX_SPEAKERS}")
    notes: list[str] = []
    chosen = languages or (_language(config, espeak, notes),)
    codes = [get_language(code).code for code in chosen]
    table = _symbols(config, source, codes, kind, notes)
    speakers = [{"id": n, "name": names.get(n, f"speaker-{n}")} for n in range(count)] if count > 1 else []
    keys = {
        "language": codes[0],
        "languages": codes,
        "sample_rate": rate,
        "symbols": table.to_dict(),
        "text": {"symbols": KINDS[kind], "espeak_voice": espeak if kind == "espeak" else ""},
        "speakers": speakers,
        "default_speaker": (default if default < count else 0) if speakers else None,
        "inference": inference,
        "training": {"system": "Piper", **_facts(config)},
    }
    if kind == "espeak":
        notes.append(
            f"it reads phonemes: text needs the program espeak-ng (its voice {espeak}); phonemes themselves are given "
            "in [[double brackets]]"
        )
    return Described(keys, notes)


def _facts(config: dict[str, Any]) -> dict[str, str]:
    said = {"dataset": config.get("dataset"), "quality": config.get("audio", {}).get("quality")}
    said["piper_version"] = config.get("piper_version")
    return {key: str(value)[:200] for key, value in said.items() if value}


def _language(config: dict[str, Any], espeak: str, notes: list[str]) -> str:
    said = config.get("language") or {}
    code, family = str(said.get("code", "")) or espeak, str(said.get("family", ""))
    try:
        return get_language(code).code
    except LanguageError:
        if not family or family.lower() == "hi":
            raise
        found = get_language(family).code
        notes.append(f"its language is {code}; here it reads text as {found}")
        return found


def _symbols(config: dict[str, Any], source: str, codes: list[str], kind: str, notes: list[str]) -> SymbolTable:
    listed = config.get("phoneme_id_map")
    if not isinstance(listed, dict) or not listed:
        raise FormatError(f"{source}: no phoneme_id_map; a Piper voice needs its .onnx.json")
    places: dict[int, str] = {}
    unread = []
    for symbol, ids in listed.items():
        if not (isinstance(ids, list) and len(ids) == 1 and isinstance(ids[0], int) and 0 <= ids[0] < _MOST_IDS):
            raise FormatError(f"{source}: phoneme_id_map, {symbol!r}: must be one id, 0 to {_MOST_IDS}")
        if len(symbol) == 1 and ids[0] not in places:
            places[ids[0]] = symbol
        else:
            unread.append(symbol)
    if unread:
        notes.append(
            f"{len(unread)} symbols that are several characters, or a second name, are not read: {unread[0]!r}"
        )
    if not {BLANK, BOS, EOS} <= set(places.values()):
        raise FormatError(f"{source}: phoneme_id_map has no {BLANK} {BOS} {EOS}; Piper reads no voice without")
    symbols = [places.get(n, "") for n in range(max(places) + 1)]
    # Piper decomposes text, this project's front ends compose it: composed letters are spelt.
    spellings = {}
    for letter in sorted({letter for code in codes for letter in letters_of(code)} if kind == "text" else ()):
        parts = unicodedata.normalize("NFD", letter)
        if letter not in symbols and parts != letter and set(parts) <= set(symbols):
            spellings[letter] = parts
    return SymbolTable(symbols, edges=False, spellings=spellings)


def describe(manifest: VoiceManifest, ids: PlayerIds) -> dict[str, Any]:
    """The description of a voice of ours, with every key that Piper writes."""
    code = manifest.language
    family = code.split("-")[0]
    region = _REGIONS.get(family, "IN")
    language = get_language(code)
    speakers = {speaker.name: speaker.id for speaker in manifest.speakers}
    phonemes = manifest.text.symbols == "phonemes"
    return {
        "audio": {"sample_rate": manifest.sample_rate, "quality": "medium"},
        "espeak": {"voice": manifest.text.espeak_voice or family},
        "language": {
            "code": f"{family}_{region}",
            "family": family,
            "region": region,
            "name_native": language.native_name,
            "name_english": language.name,
            "country_english": _COUNTRIES[region],
        },
        "inference": {
            "noise_scale": manifest.inference.noise_scale,
            "length_scale": manifest.inference.length_scale,
            "noise_w": manifest.inference.duration_noise_scale,
        },
        "phoneme_type": "espeak" if phonemes else "text",
        "phoneme_map": {},
        "phoneme_id_map": {symbol: [number] for symbol, number in {**ids.marks, **ids.ids}.items()},
        "num_symbols": 1 + max((*ids.marks.values(), *ids.ids.values())),
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": speakers,
        "default_speaker_id": manifest.default_speaker or 0,
        "hop_length": manifest.hop_length,
        "dataset": manifest.name,
        "piper_version": "1.0.0",
    }
