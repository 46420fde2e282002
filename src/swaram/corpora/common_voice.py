"""Common Voice of Mozilla: sentences read by volunteers, as tables beside a folder of MP3 clips."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.audio_files import AudioFiles, without_ending
from swaram.corpora.description import ReadOptions
from swaram.corpora.tables import corpus_folder, read_rows
from swaram.corpora.utterance import Provenance, Utterance, gender_name, language_code, number, utterance_id

PROVENANCE = Provenance(
    source="cv",
    title="Common Voice",
    licence="CC0-1.0",
    licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
    attribution="Common Voice by Mozilla and its volunteers (https://commonvoice.mozilla.org)",
)


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield ``validated.tsv``, and with ``include_unreviewed`` ``other.tsv``; never the invalidated clips."""
    corpus_folder(folder, "one language of Common Voice", "validated.tsv", "clips")
    lengths = _lengths(folder)
    files = AudioFiles(folder, "clips")
    for table in ["validated.tsv"] + (["other.tsv"] if options.include_unreviewed else []):
        if not (folder / table).exists():
            continue
        for line, row in read_rows(folder / table, None, ("client_id", "path", "sentence")):
            audio = files.find(row["path"])
            language = language_code(row.get("locale")) or options.language or language_code(folder.name)
            yield Utterance(
                id=utterance_id(PROVENANCE.source, without_ending(Path(row["path"]).name)),
                provenance=PROVENANCE,
                language=language,
                speaker=f"{PROVENANCE.source}-{row['client_id'][:32]}" if row["client_id"] else "",
                text=row["sentence"],
                audio=audio,
                place=f"{table}:{line} ({row['path']})",
                gender=gender_name(row.get("gender")),
                age_group=row.get("age", ""),
                scenario="Read",
                domain=row.get("sentence_domain", ""),
                reviewed=table == "validated.tsv",
                stated_duration=lengths.get(row["path"]),
            )


def count(folder: Path) -> int | None:
    """Not known before reading."""
    return None


def _lengths(folder: Path) -> dict[str, float]:
    """Seconds of each clip, where ``clip_durations.tsv`` is there (milliseconds)."""
    table = folder / "clip_durations.tsv"
    if not table.exists():
        return {}
    found = {}
    for _line, row in read_rows(table, ("clip", "duration")):
        milliseconds = number(row["duration"])
        if milliseconds is not None:
            found[row["clip"]] = milliseconds / 1000
    return found
