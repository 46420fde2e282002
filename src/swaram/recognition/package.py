"""A recogniser on disk: ``recognizer.json``, ``model.onnx``, MODEL_CARD.md and LICENSE in one folder."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swaram.files import whole_folder
from swaram.languages import LanguageError, get_language
from swaram.recognition.errors import RecognizerError
from swaram.recognition.features import FeatureSettings
from swaram.search_path import places
from swaram.validation import first_problem

MANIFEST, MODEL, LANGUAGE_MODEL = "recognizer.json", "model.onnx", "language.npz"
FORMAT_VERSION = 1
MAX_BYTES = 256 << 20


class FileEntry(BaseModel):
    """Checksum and size of one file."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0, le=MAX_BYTES)]


class Manifest(BaseModel):
    """``recognizer.json``.

    ``units``: what the model's outputs stand for, the blank first. ``stride``: mel frames for each frame of outputs;
    ``reach``: on how many frames of outputs' length to each side an output depends.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    format_version: int
    name: Annotated[str, Field(min_length=1, max_length=200)]
    language: str
    units: Annotated[list[str], Field(min_length=3, max_length=20_000)]
    features: dict[str, Any]
    stride: Annotated[int, Field(ge=1, le=16)]
    reach: Annotated[int, Field(ge=0, le=4096)]
    licence: str = ""
    attribution: str = ""
    training: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    search: dict[Literal["weight", "bonus"], float] = {}
    files: dict[str, FileEntry]


def is_recognizer(folder: Path) -> bool:
    """Whether a folder looks like a recogniser, without reading its model."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> tuple[Manifest, FeatureSettings]:
    """The manifest of a folder, checked. Raises RecognizerError, naming the key."""
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RecognizerError(f"{folder}: no such recogniser; give a folder with {MANIFEST}.") from None
    except (OSError, ValueError, RecursionError):
        raise RecognizerError(f"{path} is not readable JSON; export the recogniser again.") from None
    if not isinstance(data, dict) or data.get("format_version") != FORMAT_VERSION:
        raise RecognizerError(f"{path} is not of format_version {FORMAT_VERSION}; export the recogniser again.")
    try:
        manifest = Manifest.model_validate(data)
        features = FeatureSettings(**manifest.features)
    except ValidationError as error:
        raise RecognizerError(f"{path}, key {first_problem(error)}; export the recogniser again.") from None
    except TypeError:
        raise RecognizerError(f"{path}, key features: an unknown setting; export the recogniser again.") from None
    return manifest, features


def read_file(folder: Path, manifest: Manifest, name: str) -> bytes:
    """One listed file, its size and checksum compared. Raises RecognizerError."""
    entry = manifest.files.get(name)
    if entry is None:
        raise RecognizerError(f"{folder}: {MANIFEST} does not list {name}; export the recogniser again.")
    try:
        with (folder / name).open("rb") as file:
            content = file.read(entry.bytes + 1)
    except OSError as error:
        raise RecognizerError(f"{folder}: {name} cannot be read ({error.strerror}); fetch it again.") from None
    if len(content) != entry.bytes or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise RecognizerError(f"{folder}: {name} does not match its checksum in {MANIFEST}; fetch it again.")
    return content


def refuse_other_folders(out: Path) -> None:
    """Raise RecognizerError where ``out`` exists and is no recogniser: it would be replaced."""
    if out.exists() and not is_recognizer(out):
        raise RecognizerError(f"{out} exists and is not a recogniser; name another folder with --out.")


def write_package(out: Path, manifest: dict[str, Any], contents: dict[str, bytes]) -> int:
    """Write a recogniser and return its size in bytes; one of that name is replaced.

    ``manifest``: the keys of ``recognizer.json`` except ``files``. Raises RecognizerError where ``out`` is something
    else, or cannot be written.
    """
    refuse_other_folders(out)
    files = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in sorted(contents.items())
    }
    text = json.dumps({**manifest, "files": files}, ensure_ascii=False, indent=1) + "\n"
    with whole_folder(out, RecognizerError, durable=True) as partial:
        for name, content in {**contents, MANIFEST: text.encode()}.items():
            (partial / name).write_bytes(content)
    return sum(map(len, contents.values())) + len(text.encode())


def known_recognizers(folder: str | Path | None = None) -> list[tuple[str, Path, str]]:
    """(language code, folder, what told of it) of every recogniser of ``folder``, or of all places that ``search_path``
    names, in their order. Raises RecognizerError.
    """
    found = []
    for place in places("recognizers", folder):
        home = place.folder
        if is_recognizer(home):
            paths = [home]
        elif home.is_dir() and not place.whole:
            paths = [p for p in sorted(home.iterdir()) if not p.name.startswith(".") and is_recognizer(p)]
        else:
            paths = []
        found += [(read_manifest(path)[0].language, path, place.told_by) for path in paths]
    return found


def list_recognizers(folder: str | Path | None = None) -> dict[str, Path]:
    """The recognisers by language code, of two for one language the first; a folder that is one counts as one."""
    found: dict[str, Path] = {}
    for language, path, _ in known_recognizers(folder):
        found.setdefault(language, path)
    return found


def find_recognizer(language: str | None = None, folder: str | Path | None = None) -> Path:
    """The recogniser of a language, or the only one there.

    Raises RecognizerError: none for that language, none at all, or several to choose from.
    """
    there = list_recognizers(folder)
    if not there:
        searched = ", ".join(str(place.folder) for place in places("recognizers", folder))
        raise RecognizerError(
            f"{searched}: no recogniser there; install swaram-recognizer-malayalam, or train one with: "
            "swaram recognizer train"
        )
    if language is None:
        if len(there) > 1:
            raise RecognizerError(f"There are several recognisers; choose with --language one of {', '.join(there)}.")
        return next(iter(there.values()))
    language = known_code(language)
    if language not in there:
        raise RecognizerError(f"There is no recogniser for {language!r}; there is one for {', '.join(there)}.")
    return there[language]


def known_code(language: str) -> str:
    """Our code for a tag or a name of a language (``ml-IN``, ``Malayalam``); as it is where it is none of ours."""
    try:
        return get_language(language).code
    except LanguageError:
        return language
