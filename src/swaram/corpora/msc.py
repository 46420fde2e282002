"""The Malayalam Speech Corpus of Swathanthra Malayalam Computing: sentences read by volunteers, and a short story."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.tables import corpus_folder, read_rows
from swaram.corpora.utterance import Provenance, Utterance, gender_name, utterance_id

PROVENANCE = Provenance(
    source="msc",
    title="Malayalam Speech Corpus",
    licence="CC-BY-SA-4.0",
    licence_url="https://creativecommons.org/licenses/by-sa/4.0/",
    attribution="Malayalam Speech Corpus by Swathanthra Malayalam Computing and its volunteers (https://msc.smc.org.in)",
)
COLUMNS = ("speechid", "speechpath", "speaker_id", "transcript")


def read(folder: Path, include_unreviewed: bool = False) -> Iterator[Utterance]:
    """Yield the reviewed clips (``metadata.tsv``), the story (``story.tsv``), and on demand ``unreviewed.tsv``."""
    corpus_folder(folder, "the Malayalam Speech Corpus", "metadata.tsv")
    tables = ["metadata.tsv", "story.tsv"] + (["unreviewed.tsv"] if include_unreviewed else [])
    for table in tables:
        if table == "story.tsv" and not (folder / table).exists():
            continue
        for line, row in read_rows(folder / table, None, COLUMNS):
            audio = folder / row["speechpath"]
            yield Utterance(
                id=utterance_id(PROVENANCE.source, row["speechid"]),
                provenance=PROVENANCE,
                language="ml",
                speaker=f"{PROVENANCE.source}-{row['speaker_id']}",
                text=row["transcript"],
                audio=audio if row["speechpath"] and audio.is_file() else None,
                place=f"{table}:{line} ({row['speechpath']})",
                gender=gender_name(row.get("speaker_gender")),
                age_group=row.get("speaker_age", "").replace("default", ""),
                scenario="Read",
                domain=row.get("category", "").replace("default", ""),
                reviewed=table != "unreviewed.tsv",
            )
