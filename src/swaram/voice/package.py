"""The voice package: a folder, or a zip of it, checked before anything in it is used."""

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from swaram.languages import get_language
from swaram.runtime.errors import ModelError
from swaram.runtime.rules import check_model
from swaram.text.lexicon import Lexicon
from swaram.text.symbols import SymbolTable
from swaram.validation import first_problem
from swaram.voice.errors import VoiceError

# A voice states the lowest version that reads it rightly, see ``lowest_version``. Version 1 is read for good.
FORMAT_VERSION = 1
EXTENDED_VERSION = 2
READABLE_VERSIONS = (FORMAT_VERSION, EXTENDED_VERSION)
MANIFEST = "voice.json"
MODELS = ("frontend.onnx", "decoder.onnx")
FLOW = "flow.onnx"
LEXICON = "lexicon.tsv"  # spellings of its own; may be added to a voice by hand
PAPERS = ("MODEL_CARD.md", "LICENSE")
MAX_MANIFEST_BYTES = 4 << 20
MAX_LEXICON_BYTES = 8 << 20
MAX_FILE_BYTES = 512 << 20
MAX_PACKAGE_BYTES = 1 << 30
MAX_ENTRIES = 64
MAX_SYMBOLS, MAX_SPEAKERS, MAX_STYLES = 20_000, 10_000, 1_000


def _printable(text: str) -> str:
    """Names end up on terminals and in logs: no control characters in them."""
    if not text.isprintable():
        raise ValueError("no control characters or line breaks may be in it")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(_printable)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class Speaker(_Part):
    """One speaker of a voice; ``id`` is the number the model knows, ``name`` what people say."""

    id: Annotated[int, Field(ge=0, lt=MAX_SPEAKERS)]
    name: Name
    gender: Name = ""
    description: Annotated[str, Field(max_length=2000), AfterValidator(_printable)] = ""


class Inference(_Part):
    """The scales used where a request names none."""

    noise_scale: Annotated[float, Field(ge=0, le=2)] = 0.667
    length_scale: Annotated[float, Field(gt=0, le=10)] = 1.0
    duration_noise_scale: Annotated[float, Field(ge=0, le=2)] = 0.8


class Margins(_Part):
    """Frames before and after that an output frame of the decoder, or of the flow, depends on."""

    left_margin: Annotated[int, Field(ge=0, le=4096)]
    right_margin: Annotated[int, Field(ge=0, le=4096)]


class SourceSide(_Part):
    """Of voices whose decoder is driven by a pitch: how many channels of noise a frame takes."""

    noise_channels: Annotated[int, Field(ge=1, le=16_384)]


class TextSide(_Part):
    """What the symbols stand for: the language's own letters, or phonemes that espeak-ng makes of them.

    ``espeak_voice``: what espeak-ng calls the language.
    """

    symbols: Literal["letters", "phonemes"] = "letters"
    espeak_voice: Annotated[str, Field(max_length=40, pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]*)?$")] = ""


class FileEntry(_Part):
    """Checksum and size of one file of the package."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class VoiceManifest(_Part):
    """``voice.json``: see docs/architecture.md for the meaning of each key."""

    format_version: int
    name: Annotated[Name, Field(min_length=1)]
    language: str
    languages: list[str] = []
    sample_rate: Annotated[int, Field(ge=4000, le=192_000)]
    hop_length: Annotated[int, Field(ge=1, le=8192)]
    latent_channels: Annotated[int, Field(ge=1, le=8192)]
    symbols: dict[str, Any]
    text: TextSide = TextSide()
    speakers: Annotated[list[Speaker], Field(max_length=MAX_SPEAKERS)] = []
    default_speaker: int | None = None
    styles: Annotated[list[Name], Field(max_length=MAX_STYLES)] = []
    default_style: Annotated[int, Field(ge=0)] = 0
    inference: Inference = Inference()
    decoder: Margins
    flow: Margins | None = None
    source: SourceSide | None = None
    licence: Name = ""
    attribution: str | list[str] = ""
    training: dict[str, Any] = {}
    files: dict[str, FileEntry]


@dataclass(frozen=True)
class VoicePackage:
    """A checked package: its manifest, its symbol table and the bytes of its models.

    ``flow`` and ``lexicon`` are not in every voice.
    """

    source: str
    manifest: VoiceManifest
    symbols: SymbolTable
    frontend: bytes
    decoder: bytes
    flow: bytes | None = None
    lexicon: Lexicon | None = None

    @property
    def sha256(self) -> str:
        """One checksum for the whole voice, from the checksums of its models."""
        sums = "".join(self.manifest.files[name].sha256 for name in (*MODELS, *([FLOW] if self.flow else [])))
        return hashlib.sha256(sums.encode()).hexdigest()


def open_package(path: str | Path) -> VoicePackage:
    """Open and check a voice, a folder or a zip.

    Raises:
        VoiceError: the voice is missing, its manifest is wrong (the key is named), a file is missing, has
            another size or checksum than the manifest says, is too large, or would climb out of the package.
    """
    path = Path(path)
    if path.is_dir():
        package = _check(str(path), lambda name, limit: _read_from_folder(path, name, limit))
        content = _read_from_folder(path, LEXICON, MAX_LEXICON_BYTES) if (path / LEXICON).is_file() else b""
    else:
        with _opened_zip(path) as archive:
            entries = _entries(path, archive)
            package = _check(str(path), lambda name, limit: _read_from_zip(path, archive, entries, name, limit))
            content = b""
            if LEXICON in entries:
                content = _read_from_zip(path, archive, entries, LEXICON, MAX_LEXICON_BYTES)
    return replace(package, lexicon=Lexicon.parse(content, f"{path}: {LEXICON}")) if content else package


def manifest_schema() -> dict[str, Any]:
    """``voice.json`` as a JSON Schema; checksums and what lies behind them are checked by ``open_package``."""
    schema = VoiceManifest.model_json_schema()
    schema["properties"]["format_version"] = {"enum": list(READABLE_VERSIONS)}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": MANIFEST, **schema}


def lowest_version(manifest: dict[str, Any]) -> int:
    """The lowest version that reads a manifest rightly.

    The first one knew neither phonemes, foreign tables, styles nor decoders that are driven by a pitch.
    """
    table, text = manifest["symbols"], manifest.get("text") or {}
    foreign = table.get("blank_id") is not None or not table.get("edges", True) or table.get("spellings")
    known = not foreign and "" not in table["symbols"] and text.get("symbols", "letters") == "letters"
    known = known and not manifest.get("styles") and not manifest.get("source")
    return FORMAT_VERSION if known else EXTENDED_VERSION


def read_manifest(path: str | Path) -> VoiceManifest:
    """What ``voice.json`` of a folder or zip says, without reading the models. Raises VoiceError."""
    path = Path(path)
    if path.is_dir():
        return _read_manifest(str(path), _read_from_folder(path, MANIFEST, MAX_MANIFEST_BYTES))
    with _opened_zip(path) as archive:
        content = _read_from_zip(path, archive, _entries(path, archive), MANIFEST, MAX_MANIFEST_BYTES)
    return _read_manifest(str(path), content)


def package_files(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """The files of an opened package: the manifest, what it lists, card, licence, lexicon. Raises VoiceError."""
    path = Path(path)
    optional = (*PAPERS, LEXICON)
    names = dict.fromkeys([MANIFEST, *read_manifest(path).files, *optional])
    if path.is_dir():
        for name in names:
            if name not in optional or (path / name).is_file():
                yield name, _read_from_folder(path, name, MAX_FILE_BYTES)
        return
    with _opened_zip(path) as archive:
        entries = _entries(path, archive)
        for name in names:
            if name not in optional or name in entries:
                yield name, _read_from_zip(path, archive, entries, name, MAX_FILE_BYTES)


def is_package(path: Path) -> bool:
    """Whether a path looks like a voice, without reading its models."""
    return (path / MANIFEST).is_file() if path.is_dir() else path.suffix == ".zip" and path.is_file()


@contextmanager
def _opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    if not path.is_file():
        raise VoiceError(f"{path}: no such voice; give a folder with {MANIFEST}, or a zip of one.")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
        raise VoiceError(f"{path}: not a readable zip of a voice; fetch it again.") from error


def _check(source: str, read: Any) -> VoicePackage:
    manifest = _read_manifest(source, read(MANIFEST, MAX_MANIFEST_BYTES))
    for name in MODELS:
        if name not in manifest.files:
            raise VoiceError(f"{source}: {MANIFEST}, key files: {name} is not listed; export the voice again.")
    if (manifest.flow is None) != (FLOW not in manifest.files):
        raise VoiceError(f"{source}: {MANIFEST} must have the key flow and list {FLOW}, or neither; export it again.")
    if manifest.source is not None and manifest.flow is None:
        raise VoiceError(
            f"{source}: {MANIFEST} has the key source and not flow, which gives the pitch; export it again."
        )
    if len(manifest.files) > MAX_ENTRIES or sum(entry.bytes for entry in manifest.files.values()) > MAX_PACKAGE_BYTES:
        raise VoiceError(
            f"{source}: {MANIFEST}, key files: more than {MAX_ENTRIES} files or {MAX_PACKAGE_BYTES} bytes; a voice "
            "is smaller."
        )
    contents = {}
    for name, entry in manifest.files.items():
        if _climbs(name):
            raise VoiceError(f"{source}: {MANIFEST} names the file {name!r}, which lies outside of the package.")
        if entry.bytes > MAX_FILE_BYTES:
            raise VoiceError(f"{source}: {name} is larger than {MAX_FILE_BYTES} bytes.")
        content = read(name, entry.bytes)
        if len(content) != entry.bytes or hashlib.sha256(content).hexdigest() != entry.sha256:
            raise VoiceError(f"{source}: {name} does not match its checksum in {MANIFEST}; fetch the voice again.")
        if name in (*MODELS, FLOW):
            try:
                check_model(source, name, content)
            except ModelError as error:
                raise VoiceError(str(error)) from error
            contents[name] = content
    frontend, decoder = (contents[name] for name in MODELS)
    return VoicePackage(source, manifest, _symbols(source, manifest), frontend, decoder, contents.get(FLOW))


def _read_manifest(source: str, content: bytes) -> VoiceManifest:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise VoiceError(f"{source}: {MANIFEST} is not JSON; export the voice again.") from error
    version = data.get("format_version") if isinstance(data, dict) else None
    if isinstance(version, bool) or version not in READABLE_VERSIONS:
        newer = isinstance(version, int) and version > max(READABLE_VERSIONS)
        advice = "update swaram" if newer else "make the voice again with swaram voice export or import"
        raise VoiceError(
            f"{source}: {MANIFEST} has format_version {str(version)[:20]} and this swaram reads "
            f"{' and '.join(map(str, READABLE_VERSIONS))}; {advice}."
        )
    try:
        manifest = VoiceManifest.model_validate(data)
    except ValidationError as error:
        raise VoiceError(f"{source}: {MANIFEST}, key {first_problem(error)}.") from error
    ids = [speaker.id for speaker in manifest.speakers]
    if len(set(ids)) != len(ids) or len({s.name for s in manifest.speakers}) != len(ids):
        raise VoiceError(f"{source}: {MANIFEST}, key speakers: two speakers share an id or a name.")
    if ids and manifest.default_speaker is not None and manifest.default_speaker not in ids:
        raise VoiceError(f"{source}: {MANIFEST}, key default_speaker: no speaker has that id.")
    styles = [style.casefold() for style in manifest.styles]
    if len(set(styles)) != len(styles):
        raise VoiceError(f"{source}: {MANIFEST}, key styles: two styles share a name.")
    if manifest.default_style >= max(1, len(styles)):
        raise VoiceError(f"{source}: {MANIFEST}, key default_style: no style has that number.")
    for code in (manifest.language, *manifest.languages):
        get_language(code)
    return manifest


def _symbols(source: str, manifest: VoiceManifest) -> SymbolTable:
    try:
        table = SymbolTable.from_dict(manifest.symbols)
        if len(table) > MAX_SYMBOLS:
            raise VoiceError(f"{len(table)} symbols, and a voice has at most {MAX_SYMBOLS}")
        return table
    except Exception as error:
        raise VoiceError(f"{source}: {MANIFEST}, key symbols: {str(error).rstrip('.')}.") from error


def _climbs(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name


def _read_from_folder(folder: Path, name: str, limit: int) -> bytes:
    file = folder / name
    if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
        raise VoiceError(f"{folder}: {name} is missing; a voice holds {MANIFEST}, {', '.join(MODELS)}.")
    if file.stat().st_size > limit:
        raise VoiceError(f"{folder}: {name} is larger than the {limit} bytes it may have.")
    return file.read_bytes()


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries by name, seen from the folder that holds the manifest (the root, or the only folder)."""
    listed = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(listed) > MAX_ENTRIES:
        raise VoiceError(f"{path}: the zip has {len(listed)} entries; a voice has at most {MAX_ENTRIES}.")
    for entry in listed:
        if _climbs(entry.filename):
            raise VoiceError(f"{path}: the zip's entry {entry.filename!r} climbs out of the package.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise VoiceError(f"{path}: the zip's entry {entry.filename!r} is a link; a voice holds plain files.")
    names = [entry.filename for entry in listed]
    if len(set(names)) != len(names):
        raise VoiceError(f"{path}: the zip has two entries of one name.")
    homes = [PurePosixPath(name).parent for name in names if PurePosixPath(name).name == MANIFEST]
    if len(homes) != 1 or len(homes[0].parts) > 1:
        raise VoiceError(f"{path}: the zip holds no {MANIFEST} at its root or in its only folder.")
    return {
        str(PurePosixPath(e.filename).relative_to(homes[0])): e
        for e in listed
        if homes[0] in PurePosixPath(e.filename).parents
    }


def _read_from_zip(
    path: Path, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], name: str, limit: int
) -> bytes:
    entry = entries.get(name)
    if entry is None:
        raise VoiceError(f"{path}: {name} is missing; a voice holds {MANIFEST}, {', '.join(MODELS)}.")
    if entry.file_size > limit:
        raise VoiceError(f"{path}: {name} is larger than the {limit} bytes it may have.")
    if entry.flag_bits & 0x1:
        raise VoiceError(f"{path}: {name} is encrypted; a voice is not.")
    return archive.read(entry)  # never reads more than file_size, whatever the compressed data hold
