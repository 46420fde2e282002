"""The formats by name: how each is recognised, and which file reads and writes it."""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from swaram.export.facts import VoiceFacts
from swaram.extras import install_command
from swaram.formats.exchange import FormatError, ImportOptions, PackedVoice, TrainedVoice

MAX_JSON_BYTES = 16 << 20


@dataclass(frozen=True)
class Format:
    """One format. Its module, imported at first use, has these functions where ``reads`` and ``writes`` say so:

    ``read(source: Path, options: ImportOptions) -> TrainedVoice | PackedVoice``
    ``write(source: Path, destination: Path, facts: VoiceFacts) -> str``: ``source`` is a checkpoint folder, a training
    directory or a voice package; the answer is one sentence about what was written and how it was checked.

    Both raise FormatError in one sentence. ``recognises`` looks at names and JSON only and imports nothing heavy.
    """

    name: str
    title: str
    module: str
    recognises: Callable[[Path], bool]
    reads: bool = True
    writes: bool = True

    def read(self, source: Path, options: ImportOptions) -> TrainedVoice | PackedVoice:
        """Read a foreign voice. Raises FormatError."""
        return self._load().read(source, options)

    def write(self, source: Path, destination: Path, facts: VoiceFacts) -> str:
        """Write a voice of ours in this format and say in one sentence what was written. Raises FormatError."""
        return self._load().write(source, destination, facts)

    def _load(self) -> ModuleType:
        try:
            return importlib.import_module(f"swaram.formats.{self.module}")
        except ImportError as error:
            raise FormatError(f"{self.title} needs {error.name}; install it with: {install_command('train')}") from None


def read_json(path: Path) -> dict:
    """The object of a JSON file, or an empty one where there is none that could be read."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            return {}
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _huggingface(path: Path) -> bool:
    return path.is_dir() and read_json(path / "config.json").get("model_type") == "vits"


def _rasa(path: Path) -> bool:
    """AI4Bharat's vits_rasa_13: a model type of its own, or VITS with emotions."""
    config = read_json(path / "config.json") if path.is_dir() else {}
    kind = str(config.get("model_type", "")).lower()
    emotions = any("emotion" in key or "style" in key for key in config)
    return (path / "vocab.json").is_file() and (("indic" in kind and "vits" in kind) or (kind == "vits" and emotions))


def _original(path: Path) -> bool:
    if path.is_dir():
        return any(path.glob("G_*.pth")) and (path / "config.json").is_file()
    return path.is_file() and path.suffix in (".pth", ".pt")


def _piper(path: Path) -> bool:
    if path.is_dir():
        return any(_piper(inner) for inner in sorted(path.glob("*.onnx")))
    described = path.suffix == ".onnx" and path.with_name(path.name + ".json").is_file()
    return path.is_file() and (described or path.suffix == ".ckpt")


def _nothing(path: Path) -> bool:
    return False


FORMATS = (
    Format("rasa", "a voice of the vits_rasa_13 layout", "rasa", _rasa, writes=False),
    Format("huggingface", "a Hugging Face VitsModel", "huggingface", _huggingface),
    Format("original", "an original VITS checkpoint", "original", _original),
    Format("piper", "a Piper voice", "piper", _piper),
    Format("sherpa-onnx", "a sherpa-onnx voice", "sherpa_onnx", _nothing, reads=False),
)


def find_format(name: str, *, to_write: bool) -> Format:
    """The format of that name. Raises FormatError where there is none, or none in that direction."""
    able = [form for form in FORMATS if (form.writes if to_write else form.reads)]
    for form in able:
        if form.name == name:
            return form
    direction = "written" if to_write else "read"
    raise FormatError(f"format {name!r} cannot be {direction}; choose one of {', '.join(form.name for form in able)}")


def recognise(path: Path) -> Format:
    """The format of a file or folder. Raises FormatError where it is of none that can be read."""
    for form in FORMATS:
        if form.reads and form.recognises(path):
            return form
    bare = _without_description(path)
    if bare is not None:
        raise FormatError(f"{bare}: its description {bare.name}.json is missing beside it; a Piper voice is both files")
    titles = ", ".join(form.title for form in FORMATS if form.reads)
    raise FormatError(f"{path}: of no known format; it should be {titles}, or say which with --from")


def _without_description(path: Path) -> Path | None:
    """An ``.onnx`` that lacks the JSON beside it, of a file or of a folder."""
    if path.is_dir():
        return next((inner for inner in sorted(path.glob("*.onnx")) if not _piper(inner)), None)
    return path if path.suffix == ".onnx" and path.is_file() else None
