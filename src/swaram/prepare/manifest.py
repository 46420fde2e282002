"""``manifest.parquet`` of a prepared folder: its columns, and the one reader that training and evaluation share."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swaram.errors import SwaramError
from swaram.extras import install_command

NAME = "manifest.parquet"
LINES = (
    "manifest.jsonl"  # the same rows as JSON, one a line, for machines without pyarrow; read where it is the only one
)

# Column: type name in Arrow.
COLUMNS = {
    "id": "string", "path": "string", "transcript": "string", "raw_transcript": "string", "speaker": "string",
    "language": "string", "gender": "string", "duration": "double", "split": "string", "source": "string",
    "source_title": "string", "source_revision": "string", "place": "string",
    "part_of": "string", "start": "double", "end": "double", "licence": "string",
    "licence_url": "string", "attribution": "string", "reviewed": "bool", "age_group": "string",
    "district": "string", "state": "string", "qualification": "string", "job": "string",
    "occupation": "string", "scenario": "string", "task": "string", "domain": "string", "style": "string",
    "sample_rate": "int32", "source_rate": "int32", "source_channels": "int32", "source_duration": "double",
    "silence_before": "double", "silence_after": "double", "longest_pause": "double",
    "pauses_shortened": "int32", "processing": "string", "clipped": "double", "bandwidth": "double",
    "speech_level": "double", "snr": "double", "background": "string",
    "source_loudness": "double", "loudness": "double", "characters_per_second": "double",
    "audio_sha256": "string", "text_key": "string",
}  # fmt: skip


class ManifestError(SwaramError):
    """A manifest that is missing or cannot be read; the message names it and says what to do."""


@dataclass(frozen=True)
class Clip:
    """One recording of a prepared folder.

    ``path``: the file; ``name``: the same as the manifest writes it, below the folder; ``text``: the transcript, in
    symbols of the language; ``key``: equal for clips with the same letters; ``seconds``: its length. What the manifest
    does not say is empty.
    """

    path: Path
    text: str = ""
    speaker: str = ""
    key: str = ""
    seconds: float = 0.0
    id: str = ""
    split: str = ""
    language: str = ""
    style: str = ""
    name: str = ""
    licence: str = ""
    attribution: str = ""

    def read(self) -> tuple[np.ndarray, int]:
        """Audio float32 [samples], -1..1, mono, and its rate in Hz. Raises AudioError."""
        from swaram.audio.files import read_audio

        recording = read_audio(self.path)
        return recording.audio, recording.sample_rate

    def audio(self, sample_rate: int) -> np.ndarray:
        """float32 [samples], mono, at ``sample_rate`` Hz. Raises AudioError."""
        from swaram.audio.resample import resample

        return resample(*self.read(), sample_rate)


_FIELDS = {
    "transcript": "text", "speaker": "speaker", "text_key": "key", "duration": "seconds", "id": "id", "split": "split",
    "language": "language", "style": "style", "licence": "licence", "attribution": "attribution",
}  # fmt: skip


def read_manifest(folder: str | Path, needed: Sequence[str] = ()) -> list[Clip]:
    """Every clip of a prepared folder, in the manifest's order.

    ``needed``: columns without which the manifest is of no use; ``path`` always is. Raises ManifestError where it is
    missing, cannot be read, or lacks one of these.
    """
    path = Path(folder) / NAME
    if not path.is_file() and (path.parent / LINES).is_file():
        return _clips(Path(folder), _read_lines(path.parent / LINES, needed))
    if not path.is_file():
        raise ManifestError(f"{folder}: no prepared data there ({NAME} is missing); make it with `swaram prepare`.")
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ManifestError(f"Prepared data needs pyarrow; {install_command('evaluate')}.") from None
    try:
        present = pyarrow.parquet.read_schema(path).names
        missing = [column for column in ("path", *needed) if column not in present]
        if missing:
            raise ManifestError(f"{path} has no column {missing[0]}; prepare the folder again.")
        columns = ["path", *(column for column in _FIELDS if column in present)]
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path, columns=columns).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0][:200].rstrip(".")
        raise ManifestError(f"{path} is not a readable manifest ({reason}); prepare the folder again.") from None
    return _clips(Path(folder), rows)


def has_manifest(folder: Path) -> bool:
    """Whether a folder has a manifest of either form."""
    return (folder / NAME).is_file() or (folder / LINES).is_file()


def _read_lines(path: Path, needed: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if line:
                rows.append(json.loads(line))
                missing = [column for column in ("path", *needed) if column not in rows[-1]]
                if missing:
                    raise ManifestError(f"{path}, line {number} has no {missing[0]}; prepare the folder again.")
    except (OSError, ValueError, TypeError) as error:
        raise ManifestError(f"{path} is not a readable manifest ({type(error).__name__}); pack it again.") from None
    return rows


def _clips(folder: Path, rows: list[dict[str, Any]]) -> list[Clip]:
    return [
        Clip(
            folder / row["path"],
            name=row["path"],
            **{field: row[column] for column, field in _FIELDS.items() if row.get(column) is not None},
        )
        for row in rows
    ]
