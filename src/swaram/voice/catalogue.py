"""The catalogue of voices that can be had: which languages, under which licence, and how each one is got."""

import json
import os
import urllib.parse
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from swaram.languages import LanguageError, get_language
from swaram.search_path import may_be_name
from swaram.validation import first_problem
from swaram.voice.errors import VoiceError

VARIABLE = "SWARAM_CATALOGUE"
FORMAT_VERSION = 1


def _name(text: str) -> str:
    if not may_be_name(text):
        raise ValueError("letters, digits, '.', '_' and '-' alone")
    return text


class Entry(BaseModel):
    """One voice. It is got by exactly one of: ``source`` (an address of a zip, absolute or seen from the catalogue, or
    ``hub:owner/name``), ``package`` (what pip installs), ``foreign`` (an id on the hub that ``voice import`` takes).
    """

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, AfterValidator(_name)]
    languages: Annotated[list[str], Field(min_length=1)]
    speakers: Annotated[int, Field(ge=1)] = 1
    licence: str
    description: str = ""
    bytes: Annotated[int, Field(ge=0)] = 0
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    source: str = ""
    package: str = ""
    foreign: str = ""

    @property
    def way(self) -> str:
        """The command that gets it."""
        if self.package:
            return f"pip install {self.package}"
        return f"swaram voice import {self.foreign}" if self.foreign else f"swaram voice get {self.name}"


class _Catalogue(BaseModel):
    format_version: int
    voices: list[Entry]


def read_catalogue(address: str | None = None, fetch: Callable[[str], str] | None = None) -> list[Entry]:
    """The entries of a catalogue: of ``address`` (a file or an http address), of ``SWARAM_CATALOGUE``, or of the one
    that comes with the program.

    ``fetch`` gets the text at an http address. Raises VoiceError, naming the key that is wrong.
    """
    address = address or os.environ.get(VARIABLE) or ""
    if not address:
        text = (resources.files("swaram.voice") / "catalogue.json").read_text(encoding="utf-8")
    elif address.startswith(("http://", "https://")):
        assert fetch is not None
        text = fetch(address)
    else:
        path = Path(address)
        if not path.is_file():
            raise VoiceError(f"{address}: there is no such catalogue; give a file or an http address.")
        text = path.read_text(encoding="utf-8-sig")
    entries = _parsed(text, address or "the catalogue")
    if address:
        for entry in entries:
            entry.source = _absolute(entry.source, address)
    return entries


def search(entries: list[Entry], words: list[str], language: str | None = None) -> list[Entry]:
    """The entries that hold every word, in whatever case, and read the language. Raises VoiceError for no language."""
    if language:
        try:
            code = get_language(language).code
        except LanguageError as error:
            raise VoiceError(str(error)) from None
        entries = [entry for entry in entries if code in entry.languages]
    return [entry for entry in entries if all(word.casefold() in _described(entry) for word in words)]


def find_entry(entries: list[Entry], name: str) -> Entry:
    """The entry of a name. Raises VoiceError, naming those that there are."""
    for entry in entries:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in entries[:12])
    raise VoiceError(f"{name}: not in the catalogue; it has {known}{' ...' if len(entries) > 12 else ''}.")


def _parsed(text: str, name: str) -> list[Entry]:
    try:
        data: Any = json.loads(text)
        if not isinstance(data, dict) or data.get("format_version") != FORMAT_VERSION:
            raise VoiceError(
                f"{name}: not a catalogue of format_version {FORMAT_VERSION}; update swaram or the address."
            )
        entries = _Catalogue.model_validate(data).voices
    except ValidationError as error:
        raise VoiceError(f"{name}: key {first_problem(error)}.") from None
    except (ValueError, RecursionError):
        raise VoiceError(f"{name}: the catalogue is not JSON.") from None
    for entry in entries:
        if sum(map(bool, (entry.source, entry.package, entry.foreign))) != 1:
            raise VoiceError(f"{name}: {entry.name} needs exactly one of source, package and foreign.")
    if len({entry.name for entry in entries}) != len(entries):
        raise VoiceError(f"{name}: two voices of one name.")
    return entries


def _absolute(source: str, address: str) -> str:
    """A source that is a file's name lies beside the catalogue."""
    if not source or source.startswith(("hub:", "http://", "https://")):
        return source
    return urllib.parse.urljoin(address, source) if "://" in address else str(Path(address).parent / source)


def _described(entry: Entry) -> str:
    names = [get_language(code).name for code in entry.languages if _is_known(code)]
    return " ".join([entry.name, entry.description, entry.licence, *entry.languages, *names]).casefold()


def _is_known(code: str) -> bool:
    try:
        get_language(code)
    except LanguageError:
        return False
    return True
