"""What the files of a foreign voice say about its licence, and whether it forbids commercial use."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swaram.files import whole_folder
from swaram.formats.exchange import FormatError, ImportOptions, TrainedVoice
from swaram.formats.registry import MAX_JSON_BYTES, read_json
from swaram.text.symbols import SymbolTable

NAME = "swaram.json"


@contextmanager
def new_folder(destination: Path) -> Iterator[Path]:
    """A folder to write into that becomes ``destination`` once all is written; an earlier export there is replaced.

    Raises FormatError where something else stands there.
    """
    if destination.exists() and not (destination / NAME).is_file():
        raise FormatError(f"{destination} exists and is no earlier export; name another folder with --out")
    with whole_folder(destination, FormatError, durable=True) as partial:
        yield partial


def write_own_facts(voice: TrainedVoice, folder: Path, usage: str) -> None:
    """Write ``swaram.json``, and a ``README.md`` with licence, attribution and ``usage`` (Markdown)."""
    info, facts = voice.info, voice.facts
    content = {
        "name": facts.name,
        "languages": info.config.data.languages,
        "symbols": info.symbols.to_dict(),
        "speakers": info.speakers,
        "licence": facts.licence,
        "attribution": facts.attribution,
        "inference": facts.inference,
        "steps": info.step + info.earlier_steps,
    }
    (folder / NAME).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    matter = f"---\nlicense: {facts.licence.lower()}\n---\n" if facts.licence else ""
    credits = "".join(f"- {line}\n" for line in facts.attribution)
    said = f"{matter}# {facts.name}\n\nLicence: {facts.licence or 'not stated'}.\n{credits}\n{usage}"
    (folder / "README.md").write_text(said, encoding="utf-8")


def read_own_facts(folder: Path) -> dict[str, Any]:
    """The content of ``swaram.json``, with ``symbols`` a SymbolTable; empty where there is none. Raises SwaramError."""
    content = read_json(folder / NAME)
    if not content:
        return {}
    for key, kind in (("languages", list), ("symbols", dict), ("speakers", list), ("inference", dict)):
        if not isinstance(content.get(key), kind):
            raise FormatError(f"{folder / NAME}: key {key} is missing or of the wrong kind; write the file anew")
    return content | {"symbols": SymbolTable.from_dict(content["symbols"])}


def marks_usage(symbols: SymbolTable) -> str:
    """What a reader that adds no marks of its own must be given, in a sentence of Markdown."""
    if not (symbols.bos or symbols.eos):
        return ""
    begin, end = "^" if symbols.bos else "", "$" if symbols.eos else ""
    return f"Each sentence is given as `{begin}sentence{end}`: the voice has learnt these marks as symbols.\n"


def stated(options: ImportOptions, own: dict[str, Any]) -> tuple[str, list[str]]:
    """Licence and attribution: what the user says, else what ``swaram.json`` says."""
    return options.licence or own.get("licence", ""), list(options.attribution) or list(own.get("attribution", []))


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
        return path.read_text(encoding="utf-8-sig", errors="replace") if path.stat().st_size < MAX_JSON_BYTES else ""
    except OSError:
        return ""


def _spelt(licence: str) -> str:
    """cc-by-nc-4.0 as CC-BY-NC-4.0, apache-2.0 as Apache-2.0."""
    known = {"apache-2.0": "Apache-2.0", "mit": "MIT", "openrail": "OpenRAIL", "unlicense": "Unlicense"}
    lower = licence.lower()
    return lower.upper() if lower.startswith("cc") else known.get(lower, licence)


def imported_card(options: ImportOptions, title: str, licence: str, notes: Sequence[str]) -> str:
    """Markdown: what the voice is, where it is from, its licence, what was noticed; ``$`` doubled, for a template."""
    lines = [f"# {options.name}", "", f"Imported from {title}: {options.origin or 'a folder'}.", ""]
    lines.append(f"Licence: {licence or 'unknown; ask whoever made it'}.")
    if forbids_commerce(licence):
        lines.append("**Not for commercial use; this holds for all speech that it makes.**")
    if notes:
        lines += ["", "## Noticed while importing", "", *(f"- {note}" for note in notes)]
    return "\n".join(lines).replace("$", "$$") + "\n"
