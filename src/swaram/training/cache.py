"""Features that take long to compute, kept on disk under a digest of everything they depend on, so never stale."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

KEPT = 4  # files of each name; older ones belong to data or settings that have changed


def content_key(*parts: object) -> str:
    """A digest of values that JSON can hold: equal only where all of them are."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


class FeatureCache:
    """Arrays by name and content key under ``directory``, which is made when something is put."""

    def __init__(self, directory: Path):
        self.directory = directory

    def get(self, name: str, key: str) -> dict[str, np.ndarray] | None:
        """What was put under this name and key; None when there is nothing, or the file is damaged."""
        path = self.directory / f"{name}-{key}.safetensors"
        try:
            arrays = load_file(path)
            os.utime(path)
            return arrays
        except (OSError, SafetensorError):
            return None

    def put(self, name: str, key: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep arrays; a file appears under its name only when it is whole."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{name}-{key}.safetensors"
        partial = path.with_suffix(f".partial-{os.getpid()}")
        save_file(arrays, partial)
        partial.replace(path)
        by_age = sorted(self.directory.glob(f"{name}-*.safetensors"), key=lambda file: file.stat().st_mtime_ns)
        for old in by_age[:-KEPT]:
            old.unlink(missing_ok=True)
