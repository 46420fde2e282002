"""Svarah of AI4Bharat: Indian English, as manifests with a table of speakers, or as the hub's rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swaram.corpora.description import ReadOptions, described, record_utterance, words
from swaram.corpora.records import count_records, find_shards, read_records
from swaram.corpora.tables import read_rows
from swaram.corpora.utterance import CorpusError, Provenance, Utterance, number

PROVENANCE = Provenance(
    source="svarah",
    title="Svarah",
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    attribution="Svarah by AI4Bharat, IIT Madras (https://huggingface.co/datasets/ai4bharat/Svarah)",
)
STATS = "meta_speaker_stats.csv"


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield the rows of the manifests, joined with ``meta_speaker_stats.csv`` by duration and text.

    The hub's rows name no speaker; without the table all speech is of the speaker ``svarah-unknown``. Raises
    ``CorpusError`` where a row has no partner in the table, or several of different speakers.
    """
    stats = _stats(folder) if folder.is_dir() else {}
    for record in read_records(_manifest(folder), PROVENANCE.title):
        facts: dict[str, Any] = {}
        speaker = "unknown"
        if stats and not record.fault:
            row = _partner(stats, record.cells, record.place)
            facts = described(row)
            facts["stated_duration"] = number(record.cells.get("duration"))
            speaker = words(row, "speaker_id") or "unknown"
        yield record_utterance(record, PROVENANCE, "en-IN", speaker, **facts)


def count(folder: Path) -> int | None:
    """Rows, where that is cheap to know."""
    return count_records(_manifest(folder), PROVENANCE.title)


def _manifest(folder: Path) -> Path:
    """The corpus's own manifest where there is one: the other (``saa_l1``) names a recording set apart."""
    found = sorted(folder.rglob("svarah_manifest.json")) if folder.is_dir() else []
    return found[0] if found and find_shards(folder, PROVENANCE.title)[0].suffix != ".parquet" else folder


def _key(cells: dict[str, Any]) -> tuple[str, float]:
    return " ".join(words(cells, "text").split()), round(number(cells.get("duration")) or 0.0, 2)


def _stats(folder: Path) -> dict[tuple[str, float], list[dict[str, str]]]:
    tables = sorted(folder.rglob(STATS))
    found: dict[tuple[str, float], list[dict[str, str]]] = {}
    for _line, row in read_rows(tables[0], None, ("speaker_id", "duration", "text"), ",") if tables else ():
        found.setdefault(_key(row), []).append(row)
    return found


def _partner(stats: dict[tuple[str, float], list[dict[str, str]]], cells: dict[str, Any], place: str) -> dict[str, str]:
    rows = stats.get(_key(cells), [])
    if len({row["speaker_id"] for row in rows}) != 1:
        what = "no row" if not rows else "rows of several speakers"
        raise CorpusError(
            f"{place}: {STATS} has {what} with this text and duration, so the speaker is not known; take the "
            "table and the manifest of one release"
        )
    return rows[0]
