"""The one record that every corpus reader yields."""

import ast
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swaram.errors import SwaramError
from swaram.languages import LANGUAGES


class CorpusError(SwaramError):
    """A corpus folder, table or archive that is missing or unreadable; says which, and what to do."""


@dataclass(frozen=True)
class Provenance:
    """Where recordings come from and what may be done with them; one for all utterances of a source.

    ``source`` is the short name that ids and speakers are prefixed with (``msc``). ``news`` marks a whole
    corpus of broadcasts, ``unknown_domain`` one whose texts nobody has cleared of news.
    """

    source: str
    title: str
    licence: str
    licence_url: str
    attribution: str
    revision: str = ""
    news: bool = False
    unknown_domain: bool = False


@dataclass(frozen=True)
class Utterance:
    """One recorded sentence as its corpus describes it, nothing decoded or judged yet.

    ``audio`` is a path, the bytes of a file of any format, or ``None`` where the corpus names audio that is
    not there; ``start`` and ``end`` (seconds) cut a part out of a longer recording. ``text`` is what was
    said, with punctuation where the corpus has it. ``language`` is a code of ours, ``hi``, or empty where the
    corpus names none that we know. ``stated_duration`` (seconds), ``stated_rate`` (Hz), ``stated_snr`` (dB)
    and ``stated_cer`` (share) are the corpus's own claims, ``verification`` its reviewers' flags; ``reviewed``
    is ``False`` for recordings that nobody approved. ``fault`` says why a row or shard could not be read at
    all. ``place`` names the file and row this came from.

    A piece of a longer recording has that one's id as ``part_of``, its number and how many there are as ``part``, and
    as ``doubt`` why its alignment is not to be trusted. ``hints`` are (character of the text, seconds) where somebody
    wrote down about when what is spoken.
    """

    id: str
    provenance: Provenance
    language: str
    speaker: str
    text: str
    audio: Path | bytes | None
    place: str
    start: float | None = None
    end: float | None = None
    gender: str = ""
    age_group: str = ""
    district: str = ""
    state: str = ""
    qualification: str = ""
    job: str = ""
    occupation: str = ""
    scenario: str = ""
    task: str = ""
    domain: str = ""
    style: str = ""
    reviewed: bool = True
    stated_duration: float | None = None
    stated_rate: int | None = None
    stated_snr: float | None = None
    stated_cer: float | None = None
    verification: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    part_of: str = ""
    part: tuple[int, int] = (0, 0)
    doubt: str = ""
    hints: tuple[tuple[int, float], ...] = ()


_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def utterance_id(source: str, key: str) -> str:
    """A file name that is unique, stable and readable.

    The source and the corpus's own key; where the key had to be changed to be a safe file name, eight digits
    of its SHA-256 follow.
    """
    safe = _UNSAFE.sub("_", key).strip("._-")
    if safe != key or len(safe) > 96:
        safe = f"{safe[:96]}-{hashlib.sha256(key.encode()).hexdigest()[:8]}".lstrip("-")
    return f"{source}-{safe}"


def gender_name(value: object) -> str:
    """``female``, ``male``, ``other`` or an empty string, from the spellings that corpora use."""
    known = {"f": "female", "female": "female", "m": "male", "male": "male", "other": "other", "o": "other"}
    return known.get(str(value or "").strip().casefold().split("_")[0], "")


_CODES = {language.name.casefold(): code for code, language in LANGUAGES.items()}
_CODES |= {code.casefold(): code for code in LANGUAGES}
_CODES |= {
    "asm": "as", "ben": "bn", "brx": "brx", "bodo": "brx", "boro": "brx", "dgo": "doi", "guj": "gu",
    "hi": "hi", "hin": "hi", "hindi": "hi", "kan": "kn", "gom": "kok", "konkani": "kok", "kas": "ks",
    "mal": "ml", "mar": "mr", "manipuri": "mni", "meitei": "mni", "nep": "ne", "npi": "ne", "or": "or",
    "ory": "or", "ori": "or", "oriya": "or", "odia": "or", "pan": "pa", "pa-in": "pa", "san": "sa",
    "santhali": "sat", "santali": "sat", "snd": "sd", "tam": "ta", "tel": "te", "urd": "ur",
    "en": "en-IN", "english": "en-IN", "eng": "en-IN",
}  # fmt: skip


def language_code(value: object) -> str:
    """Our code for a corpus's language name or code (``hi`` for Hindi), or an empty string."""
    wanted = str(value or "").strip().casefold().replace("_", "-")
    return _CODES.get(wanted) or _CODES.get(wanted.removesuffix("-in"), "")


def number(value: object) -> float | None:
    """A finite number from what corpora store as number or as text; ``None`` where there is none."""
    try:
        found = float(str(value).strip())
    except ValueError:
        return None
    return found if found == found and abs(found) != float("inf") else None


def structure(value: object) -> dict[str, Any]:
    """A dictionary from a dictionary, JSON or the text that Python prints for one; empty where it is none."""
    if isinstance(value, dict):
        return {str(k): v for k, v in value.items() if v is not None}
    if not isinstance(value, str) or len(value) > 100_000:
        return {}
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, dict):
            return {str(k): v for k, v in found.items() if v is not None}
    return {}
