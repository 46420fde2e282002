"""Writing a voice package: models and manifest into a folder that appears under its name only when it is whole."""

import hashlib
import json
from pathlib import Path
from typing import Any

from swaram.files import whole_folder
from swaram.voice.errors import VoiceError
from swaram.voice.package import MANIFEST, lowest_version


def check_target(out: Path) -> None:
    """Raises VoiceError where ``out`` is something other than a voice, which must not be overwritten."""
    if out.exists() and not (out / MANIFEST).exists():
        raise VoiceError(f"{out} exists and is not a voice; name another folder with --out")


def write_package(out: Path, models: dict[str, bytes], manifest: dict[str, Any], card: str, licence: str) -> int:
    """Write a voice and return its size in bytes; a voice of that name is replaced.

    ``models``: ONNX files by name; ``manifest``: the keys of ``voice.json`` except ``files``; ``card`` Markdown;
    ``licence`` the whole text of the file ``LICENSE``.
    """
    check_target(out)
    contents = dict(models)
    contents["MODEL_CARD.md"] = card.encode()
    contents["LICENSE"] = licence.encode()
    files = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in sorted(contents.items())
    }
    manifest = {**manifest, "format_version": lowest_version(manifest)}
    text = json.dumps({**manifest, "files": files}, ensure_ascii=False, indent=1) + "\n"
    contents[MANIFEST] = text.encode()
    with whole_folder(out, VoiceError, durable=True) as partial:
        for name, content in contents.items():
            (partial / name).write_bytes(content)
    return sum(map(len, contents.values()))
