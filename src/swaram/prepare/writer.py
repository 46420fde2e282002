"""The prepared folder: the tables of the mission's layout and the manifest, each written whole or not at all."""

import contextlib
import csv
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from swaram import files
from swaram.errors import SwaramError
from swaram.prepare.database import Database, PrepareError
from swaram.prepare.manifest import COLUMNS, NAME
from swaram.prepare.split import SPLITS

SPEAKER_COLUMNS = (
    "speaker_id", "duration", "clips", "gender", "age-group", "primary_language", "native_place_state",
    "native_place_district", "highest_qualification", "job_category", "occupation_domain",
)  # fmt: skip


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """A text file that appears under its name only once it is complete."""
    try:
        with files.whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise PrepareError(f"{path}: cannot be written ({error.strerror}); free some space and run it again") from error


TABLES = ("metadata.csv", *(f"{name}_metadata.csv" for name in SPLITS), "LICENSES", "ATTRIBUTION")


def check_own(out: Path, database: Database) -> None:
    """Refuse to write over a table that somebody changed since preparation wrote it. Raises PrepareError."""
    for name in TABLES:
        path, known = out / name, database.written(name)
        if path.is_file() and known and known != _digest(path):
            raise PrepareError(f"{path}: was changed since preparation wrote it; move it away, or choose another --out")


def record_own(out: Path, database: Database) -> None:
    """Remember what was written, so that a later run knows its own tables."""
    for name in TABLES:
        database.note_written(name, _digest(out / name))
    database.commit()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_tables(out: Path, database: Database) -> None:
    """``metadata.csv`` and the three split tables (path|transcript), without a header."""
    with contextlib.ExitStack() as stack:
        whole = stack.enter_context(whole_file(out / "metadata.csv"))
        parts = {name: stack.enter_context(whole_file(out / f"{name}_metadata.csv")) for name in SPLITS}
        for row in database.rows(kept=True):
            line = f"{row['path']}|{row['transcript']}\n"
            whole.write(line)
            parts[row["split"]].write(line)


def write_manifest(out: Path, rows: Iterable[dict[str, Any]], columns: dict[str, str] = COLUMNS) -> None:
    """``manifest.parquet``: one row for each kept clip, in row groups of 4,096."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in columns.items()])
    path = out / NAME
    batch: list[dict[str, Any]] = []
    try:
        with files.whole_file(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for row in rows:
                batch.append({name: row.get(name) for name in columns})
                if len(batch) == 4096:
                    writer.write_table(pa.Table.from_pylist(batch, schema))
                    batch.clear()
            writer.write_table(pa.Table.from_pylist(batch, schema))
    except OSError as error:
        raise PrepareError(f"{path}: cannot be written ({error}); free some space and run it again") from error


def write_speakers(out: Path, database: Database) -> None:
    """``meta/meta_speaker_stats.csv``: one row for each speaker, in the columns of the Svarah corpus."""
    speakers: dict[str, dict[str, Any]] = {}
    for row in database.rows(kept=True):
        stats = speakers.setdefault(row["speaker"], {"row": row, "clips": 0, "duration": 0.0})
        stats["clips"] += 1
        stats["duration"] += row["duration"]
    with whole_file(out / "meta" / "meta_speaker_stats.csv") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SPEAKER_COLUMNS)
        for speaker, stats in sorted(speakers.items()):
            row = stats["row"]
            writer.writerow(
                [
                    speaker, f"{stats['duration']:.2f}", stats["clips"], row["gender"], row["age_group"],
                    row["language"], row["state"], row["district"], row["qualification"], row["job"],
                    row["occupation"],
                ]
            )  # fmt: skip


def check_splits(database: Database, mode: str) -> None:
    """No text (in mode ``speaker``, no speaker either) in two splits, or a ``SwaramError``."""
    columns = ["text_key"] + (["speaker"] if mode == "speaker" else [])
    for column in columns:
        found = database.execute(
            f"select {column}, min(id), max(id) from clips where run = ? and reason = '' and late_reason = '' "
            f"group by {column} having count(distinct split) > 1 limit 1",
            (database.run,),
        ).fetchone()
        if found:
            raise SwaramError(
                f"the splits overlap: {found[1]} and {found[2]} share a {column.split('_')[0]} and stand in "
                "different splits; this is a defect, please report it"
            )


def check_written(out: Path) -> None:
    """Read the split tables back: no path may stand twice, and each must be in ``metadata.csv``."""
    seen: set[bytes] = set()
    for name in SPLITS:
        with (out / f"{name}_metadata.csv").open("rb") as lines:
            for line in lines:
                path = line.split(b"|", 1)[0]
                if path in seen:
                    raise PrepareError(f"{path.decode()}: stands in two splits; this is a defect, please report it")
                seen.add(path)
    with (out / "metadata.csv").open("rb") as lines:
        if {line.split(b"|", 1)[0] for line in lines} != seen:
            raise PrepareError(f"{out}: metadata.csv and the split tables differ; this is a defect, please report it")


def remove_strays(out: Path, database: Database, container: str) -> None:
    """Delete audio and transcripts that no kept row names: of clips dropped late, and of runs that were ended.

    What the database never heard of somebody else put there; it stays.
    """
    for folder, ending in (("audio_files", f".{container}"), ("transcripts", ".txt")):
        with os.scandir(out / folder) as entries:
            for entry in entries:
                id = entry.name.removesuffix(ending)
                partial = entry.name.startswith(".") and entry.name.endswith(".partial")
                ours = partial or (id != entry.name and database.known(id) is not None)
                if entry.is_file() and ours and not database.is_kept(id):
                    os.unlink(entry.path)


def write_licences(out: Path, database: Database) -> None:
    """Write both files: one entry for each source of the kept clips, with its clips, minutes and speakers."""
    sources: dict[tuple[str, ...], list] = {}
    for row in database.rows(kept=True):
        key = (
            row["source_title"],
            row["licence"],
            row["licence_url"],
            row["attribution"],
            row["source_revision"],
        )
        entry = sources.setdefault(key, [0, 0.0, set()])
        entry[0] += 1
        entry[1] += row["duration"]
        entry[2].add(row["speaker"])
    with whole_file(out / "LICENSES") as licences, whole_file(out / "ATTRIBUTION") as attribution:
        licences.write("Licences of the recordings in this folder, by source.\n")
        attribution.write("A voice trained on these recordings names their makers:\n")
        for (title, licence, url, maker, revision), (clips, seconds, speakers) in sorted(sources.items()):
            licences.write(f"\n{title}{f' ({revision})' if revision else ''}\n  {licence} {url}".rstrip() + "\n")
            licences.write(f"  {clips} clips, {seconds / 60:.1f} minutes, {len(speakers)} speakers\n")
            if "-SA-" in licence:
                licences.write("  Share-alike: what is made from these recordings is to carry the same licence.\n")
            attribution.write(f"- {maker}. Licence: {licence}.\n")
