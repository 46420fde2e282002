"""``swaram.json`` beside a voice written for another system: what that system's files have no place for.

With it the voice comes back as it was; other readers pass it over.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swaram.text.symbols import SymbolTable
from swaram.voice.formats.exchange import FormatError, ImportOptions, TrainedVoice
from swaram.voice.formats.registry import read_json

NAME = "swaram.json"


@contextmanager
def new_folder(destination: Path) -> Iterator[Path]:
    """A folder to write into that becomes ``destination`` once all is written; an earlier export there is replaced.

    Raises FormatError where something else stands there.
    """
    if destination.exists() and not (destination / NAME).is_file():
        raise FormatError(f"{destination} exists and is no earlier export; name another folder with --out")
    partial = destination.with_name(f".{destination.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(destination, ignore_errors=True)
        partial.rename(destination)
    except OSError as error:
        raise FormatError(f"{destination} cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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
