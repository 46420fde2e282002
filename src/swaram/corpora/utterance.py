"""The one record that every corpus reader yields."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swaram.errors import SwaramError


class CorpusError(SwaramError):
    """A corpus folder, table or shard that is missing or cannot be read; the message says which and what to do."""


@dataclass(frozen=True)
class Provenance:
    """Where recordings come from and what may be done with them; the same for every utterance of one source.

    ``source`` is the short name that ids and speakers are prefixed with (``msc``); ``news`` marks a whole corpus
    of news broadcasts, ``unknown_domain`` one whose texts nobody has cleared of news.
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

    ``audio`` is a path, the bytes of a file of any format, or ``None`` where the corpus names audio that is not
    there; ``start`` and ``end`` (seconds) cut a part out of a longer recording. ``text`` is what was said, with
    punctuation where the corpus has it. ``speaker`` is namespaced by the source. ``stated_duration`` (seconds),
    ``stated_rate`` (Hz) are the corpus's own claims, ``verification`` its reviewers' flags; ``reviewed`` is
    ``False`` for recordings that nobody approved. ``place`` says which file and row this came from.
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


_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def utterance_id(source: str, key: str) -> str:
    """A file name that is unique, stable and readable: the source, the corpus's own key, and where the key had to
    be changed to be a safe file name, eight digits of its SHA-256."""
    safe = _UNSAFE.sub("_", key).strip("._-")
    if safe != key or len(safe) > 96:
        safe = f"{safe[:96]}-{hashlib.sha256(key.encode()).hexdigest()[:8]}".lstrip("-")
    return f"{source}-{safe}"


def gender_name(value: object) -> str:
    """``female``, ``male``, ``other`` or an empty string, from the spellings that corpora use."""
    known = {"f": "female", "female": "female", "m": "male", "male": "male", "other": "other", "o": "other"}
    return known.get(str(value or "").strip().casefold().split("_")[0], "")
