"""What the files of a foreign voice say about its licence, and whether it forbids commercial use."""

import re
from pathlib import Path

from swaram.voice.formats.registry import MAX_JSON_BYTES

# Meta's MMS voices, wherever copies of them lie: their names, and the layout's comment.
_MMS = re.compile(r"\bmms[-_]tts\b|facebook/mms", re.IGNORECASE)
_NO_COMMERCE = re.compile(r"\bnc\b|non-?commercial", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
MMS_LICENCE = "CC-BY-NC-4.0"


def stated_licence(folder: Path, *names: str) -> str:
    """The licence that the model card in a folder states, or that follows from the voice's origin; "" where unknown.

    ``names``: what the files call the voice; Meta's MMS voices are CC-BY-NC-4.0.
    """
    card = _card(folder)
    matter = _FRONT_MATTER.match(card)
    stated = re.search(r"^license:\s*[\"']?([\w.+-]+)", matter[1], re.MULTILINE) if matter else None
    if stated and stated[1] != "other":
        return _spelt(stated[1])
    return MMS_LICENCE if any(_MMS.search(text) for text in (*names, card[:20_000], folder.resolve().name)) else ""


def forbids_commerce(licence: str) -> bool:
    """Whether a licence forbids commercial use, as CC-BY-NC does."""
    return bool(_NO_COMMERCE.search(licence.replace("_", "-").replace("-", " ") + " " + licence))


def _card(folder: Path) -> str:
    path = folder / "README.md"
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size < MAX_JSON_BYTES else ""
    except OSError:
        return ""


def _spelt(licence: str) -> str:
    """cc-by-nc-4.0 as CC-BY-NC-4.0, apache-2.0 as Apache-2.0."""
    known = {"apache-2.0": "Apache-2.0", "mit": "MIT", "openrail": "OpenRAIL", "unlicense": "Unlicense"}
    lower = licence.lower()
    return lower.upper() if lower.startswith("cc") else known.get(lower, licence)
