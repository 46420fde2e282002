"""The Malayalam Speech Corpus of Swathanthra Malayalam Computing: sentences by volunteers, and a short story."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.audio_files import AudioFiles
from swaram.corpora.description import ReadOptions
from swaram.corpora.tables import corpus_folder, read_rows
from swaram.corpora.utterance import Provenance, Utterance, gender_name, utterance_id

PROVENANCE = Provenance(
    source="msc",
    title="Malayalam Speech Corpus",
    licence="CC-BY-SA-4.0",
    licence_url="https://creativecommons.org/licenses/by-sa/4.0/",
    attribution="Malayalam Speech Corpus by Swathanthra Malayalam Computing and its volunteers "
    "(repositories smc/msc and msc-reviewed-speech)",
)
COLUMNS = ("speechid", "speechpath", "speaker_id", "transcript")


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield the reviewed clips (``metadata.tsv``), the story (``story.tsv``), on demand ``unreviewed.tsv``."""
    corpus_folder(folder, PROVENANCE.title, "metadata.tsv")
    files = AudioFiles(folder, "audio", "story", "unreviewed")
    for table in _tables(folder, options):
        for line, row in read_rows(folder / table, None, COLUMNS):
            audio = files.find(row["speechpath"])
            yield Utterance(
                id=utterance_id(PROVENANCE.source, row["speechid"]),
                provenance=PROVENANCE,
                language="ml",
                speaker=f"{PROVENANCE.source}-{row['speaker_id']}" if row["speaker_id"] else "",
                text=row["transcript"],
                audio=audio,
                place=f"{table}:{line} ({row['speechpath']})",
                gender=gender_name(row.get("speaker_gender")),
                age_group=row.get("speaker_age", "").replace("default", ""),
                scenario="Read",
                domain=row.get("category", "").replace("default", ""),
                reviewed=table != "unreviewed.tsv",
            )


def count(folder: Path) -> int | None:
    """Rows of the reviewed tables."""
    tables = [folder / table for table in _tables(folder, ReadOptions())]
    return sum(sum(1 for _row in read_rows(table, None)) for table in tables if table.exists())


def _tables(folder: Path, options: ReadOptions) -> list[str]:
    tables = ["metadata.tsv"] + (["story.tsv"] if (folder / "story.tsv").exists() else [])
    return tables + (["unreviewed.tsv"] if options.include_unreviewed else [])
