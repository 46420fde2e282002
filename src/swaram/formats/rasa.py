"""AI4Bharat's vits_rasa_13 layout: VitsModel's tensors, and an emotion's vector that is added to the speaker's.

Thirteen languages read by one text encoder, twenty speakers. The emotions become the styles of the voice.
"""

import re
from pathlib import Path
from typing import Any

from torch import Tensor

from swaram.export.facts import OfferedSpeaker
from swaram.formats.exchange import FormatError, ImportOptions, TrainedVoice
from swaram.formats.huggingface import build, refuse_foreign_text
from swaram.formats.huggingface_config import number
from swaram.formats.registry import read_json
from swaram.formats.tensors import load_folder
from swaram.languages import get_language

TITLE = "a voice of the vits_rasa_13 layout"
LANGUAGES = ("as", "bn", "brx", "doi", "kn", "mai", "ml", "mr", "ne", "pa", "sa", "ta", "te")
# The published voice's speakers in the order of their ids; its files do not name them.
SPEAKERS = (
    "ASM_F", "ASM_M", "BEN_F", "BEN_M", "BRX_F", "BRX_M", "DOI_F", "DOI_M", "KAN_F", "KAN_M", "MAI_M", "MAL_F", "MAR_F",
    "MAR_M", "NEP_F", "PAN_F", "PAN_M", "SAN_M", "TAM_F", "TEL_F",
)  # fmt: skip
_GENDERS = {"F": "female", "M": "male"}
_EMOTIONS = re.compile(r"(?:^|\.)\w*(?:emotion|style)\w*(?:\.\w+)*\.weight$", re.IGNORECASE)
# A style that reads plainly stands for none; without one of these names the first does.
_PLAIN = ("neutral", "wiki", "book", "conv")


def read(source: Path, options: ImportOptions) -> TrainedVoice:
    """A folder with ``config.json``, ``model.safetensors``, ``vocab.json``, ``tokenizer_config.json``.

    Raises FormatError.
    """
    given = read_json(source / "config.json")
    refuse_foreign_text(read_json(source / "tokenizer_config.json"), source)
    tensors = dict(load_folder(source))
    size = number(given, "speaker_embedding_size", 0, source / "config.json")
    emotions = [name for name, tensor in tensors.items() if _EMOTIONS.search(name) and tensor.shape[1:] == (size,)]
    if len(emotions) != 1:
        raise FormatError(
            f"{source}: has {len(emotions)} tables of emotions [emotions, {size}]; this layout has one, whose vectors "
            "are added to the speaker's"
        )
    vectors = tensors.pop(emotions[0]).float()
    styles = _styles(given, vectors)
    codes = [get_language(code).code for code in options.languages] or LANGUAGES
    voice = build(source, given, tensors, tuple(codes), options, TITLE, _speakers(given, source), styles)
    plain = next(iter(styles))
    voice.notes.append(f"its {len(styles)} emotions are the voice's styles; without a style it speaks as {plain}.")
    if plain == "emotion-0":
        voice.notes.append("its files do not name the emotions: they have their numbers; its model card names them.")
    return voice


def _styles(given: dict[str, Any], vectors: Tensor) -> dict[str, Tensor]:
    """The vectors by name, a plain style first."""
    count = len(vectors)
    names = _named(given, re.compile("emotion|style", re.IGNORECASE), count) or [f"emotion-{n}" for n in range(count)]
    first = next((n for word in _PLAIN for n, name in enumerate(names) if name.casefold() == word), 0)
    order = [first, *(n for n in range(count) if n != first)]
    return {names[n]: vectors[n] for n in order}


def _speakers(given: dict[str, Any], source: Path) -> list[OfferedSpeaker]:
    count = number(given, "num_speakers", 1, source / "config.json")
    names = _named(given, re.compile("speaker|spk", re.IGNORECASE), count)
    if not names:
        names = list(SPEAKERS) if count == len(SPEAKERS) else [f"speaker-{place}" for place in range(count)]
    return [OfferedSpeaker(name, name, _GENDERS.get(name.rpartition("_")[2], "")) for name in names]


def _named(given: dict[str, Any], key: re.Pattern[str], count: int) -> list[str]:
    """Names by id that the configuration holds under such a key: a list, name to id, or id to name; else none."""
    for name, value in given.items():
        if not key.search(name) or not isinstance(value, dict | list) or len(value) != count:
            continue
        if isinstance(value, dict):
            pairs = [(b, a) if type(b) is int else (a, b) for a, b in value.items()]
            value = [str(said) for number, said in sorted(pairs, key=lambda pair: int(pair[0]))]
        if len({str(said) for said in value}) == count:
            return [str(said) for said in value]
    return []
