"""Rows with audio as the hub stores them: Parquet shards, tar archives, or JSON lines beside a folder of audio."""

import json
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swaram.corpora.audio_files import AudioFiles, folded, has_audio_ending
from swaram.corpora.tables import json_object, read_json_lines, split_lines
from swaram.corpora.utterance import CorpusError

AUDIO_COLUMNS = ("audio_filepath", "audio", "audio_path", "chunked_audio_filepath")
MANIFEST_ENDINGS = (".jsonl", ".json", ".manifest")
TAR_ERRORS = (tarfile.TarError, OSError, EOFError, zlib.error)


@dataclass(frozen=True)
class Record:
    """One row: its cells, its audio (a path, the bytes of a file, or ``None``) and the name that audio has.

    ``fault`` is not empty where a shard or row could not be read; there are no cells then.
    """

    place: str
    cells: dict[str, Any]
    audio: Path | bytes | None = None
    name: str = ""
    fault: str = ""


def read_records(folder: Path, corpus: str, batch: int = 16) -> Iterator[Record]:
    """Yield every row under ``folder`` (or of one shard), in the order of the shards' names.

    Memory holds ``batch`` rows of a Parquet shard, or the manifest of one archive. A shard that cannot be read
    is one record with a ``fault``. Raises ``CorpusError`` where there is nothing to read.
    """
    shards = find_shards(folder, corpus)
    for shard in shards:
        name = shard.name if shard == folder else str(shard.relative_to(folder))
        if shard.suffix == ".parquet":
            yield from _parquet(shard, name, batch)
        elif _is_tar(shard):
            yield from _tar(shard, name)
        else:
            yield from _json_lines(shard, name)


def find_shards(folder: Path, corpus: str) -> list[Path]:
    """Parquet files if there are any, else tar archives, else manifests of JSON lines; sorted by name."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise CorpusError(f"{folder}: there is no such folder; give the folder that holds {corpus}")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    for wanted in (
        [p for p in files if p.suffix == ".parquet"],
        [p for p in files if _is_tar(p)],
        [p for p in files if p.suffix in (".jsonl", ".manifest") or p.name.endswith("manifest.json")],
    ):
        if wanted:
            return wanted
    raise CorpusError(f"{folder}: holds no Parquet shard, tar archive or manifest of {corpus}")


def count_records(folder: Path, corpus: str) -> int | None:
    """How many rows there are, where that is cheap to know (Parquet), else ``None``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    shards = find_shards(folder, corpus)
    if shards[0].suffix != ".parquet":
        return None
    total = 0
    for shard in shards:
        try:
            total += pq.ParquetFile(shard).metadata.num_rows
        except (pa.ArrowException, OSError):
            total += 1
    return total


def _is_tar(path: Path) -> bool:
    return path.name.endswith((".tar", ".tar.gz", ".tgz"))


def _parquet(shard: Path, name: str, batch: int) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    row, total = 0, 1
    files = AudioFiles(shard.parent, "audio")
    try:
        with pq.ParquetFile(shard, pre_buffer=False) as file:
            total = file.metadata.num_rows
            labels = _class_labels(file.schema_arrow.metadata)
            for rows in file.iter_batches(batch, use_threads=False):
                for cells in rows.to_pylist():
                    for column, names in labels.items():
                        value = cells.get(column)
                        if isinstance(value, int) and 0 <= value < len(names):
                            cells[column] = names[value]
                    yield _with_audio(cells, f"{name}:{row}", files)
                    row += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        for lost in range(row, max(total, row + 1)):
            yield Record(f"{name}:{lost} ({_first_line(error)})", {}, fault="unreadable shard")


def _class_labels(metadata: dict[bytes, bytes] | None) -> dict[str, list[str]]:
    """Names of the columns that the hub stores as whole numbers, from the features in the shard's own metadata."""
    about = json_object((metadata or {}).get(b"huggingface", b"")) or {}
    features = about.get("info", {}).get("features", {}) if isinstance(about.get("info"), dict) else {}
    return {
        column: feature["names"]
        for column, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
    }


def _with_audio(cells: dict[str, Any], place: str, files: AudioFiles) -> Record:
    """Take the audio out of the cells: ``{bytes, path}``, plain bytes, or a path beside the shard."""
    audio: Path | bytes | None = None
    name = ""
    for column in AUDIO_COLUMNS:
        value = cells.pop(column, None)
        if isinstance(value, dict):
            name = name or str(value.get("path") or "")
            value = value.get("bytes") or value.get("path")
        if isinstance(value, str) and value:
            name = name or value
            audio = audio or _beside(files, value)
        elif isinstance(value, bytes) and value:
            audio = value
    return Record(place, cells, audio, name)


def _beside(files: AudioFiles, name: str) -> Path | None:
    """The audio file that a manifest names: as written, or below its own folder; never outside of it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", "..", ".")]
    return files.find("/".join(parts)) or (files.find(parts[-1]) if parts else None)


def _json_lines(manifest: Path, name: str) -> Iterator[Record]:
    files = AudioFiles(manifest.parent, "audio")
    for line, cells in read_json_lines(manifest):
        if cells is None:
            yield Record(f"{name}:{line}", {}, fault="row is not a JSON object")
        else:
            yield _with_audio(cells, f"{name}:{line}", files)


def _tar(shard: Path, name: str) -> Iterator[Record]:
    """First the manifests, then the audio in the order of the archive; rows without audio come last."""
    rows: dict[str, dict[str, Any]] = {}
    try:
        rows = _tar_rows(shard)
        with tarfile.open(shard, "r|*") as archive:
            for member in archive:
                if not member.isfile() or not has_audio_ending(member.name):
                    continue
                cells = rows.get(folded(Path(member.name).name))
                place = f"{name}:{member.name}"
                if cells is None:
                    yield Record(place, {}, fault="audio without a row in the manifest")
                    continue
                file = archive.extractfile(member)
                content = file.read() if file else None
                # Only now, so that a row whose audio is cut off is still counted.
                del rows[folded(Path(member.name).name)]
                yield Record(place, _without_audio(cells), content, member.name)
    except TAR_ERRORS as error:
        for key in list(rows) or [""]:
            yield Record(f"{name}:{key} ({_first_line(error)})", {}, fault="unreadable shard")
        return
    for key, cells in rows.items():
        yield Record(f"{name}:{key}", _without_audio(cells), None, key)


def _without_audio(cells: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in cells.items() if name not in AUDIO_COLUMNS}


def _tar_rows(shard: Path) -> dict[str, dict[str, Any]]:
    """Rows of every manifest in the archive, by the file name of their audio; of a damaged one, those before."""
    rows: dict[str, dict[str, Any]] = {}
    try:
        with tarfile.open(shard, "r|*") as archive:
            for member in archive:
                if not member.isfile() or not member.name.lower().endswith(MANIFEST_ENDINGS):
                    continue
                file = archive.extractfile(member)
                content = file.read().decode("utf-8-sig", errors="replace") if file else ""
                for cells in _objects(content):
                    rows[folded(_audio_name(cells) or f"{Path(member.name).stem}.wav")] = cells
    except TAR_ERRORS:
        pass  # the pass over the audio meets the same fault, and counts it
    return rows


def _audio_name(cells: dict[str, Any]) -> str:
    key = next((cells[c] for c in (*AUDIO_COLUMNS, "filename", "chunk_name") if cells.get(c)), "")
    return Path(str(key.get("path") or "" if isinstance(key, dict) else key).replace("\\", "/")).name


def _objects(content: str) -> Iterator[dict[str, Any]]:
    """Objects of a JSON array, of one JSON object, or of JSON lines."""
    try:
        found = json.loads(content)
    except ValueError:
        found = [json_object(line) for line in split_lines(content) if line.strip()]
    for cells in found if isinstance(found, list) else [found]:
        if isinstance(cells, dict):
            yield cells


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:160].rstrip(".")
