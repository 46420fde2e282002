"""Indic TTS of IIT Madras: studio recordings of one woman and one man for each language, as Festival folders."""

import re
from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.audio_files import AudioFiles
from swaram.corpora.description import ReadOptions, record_utterance, row_language
from swaram.corpora.records import count_records, read_records
from swaram.corpora.tables import corpus_folder, split_lines
from swaram.corpora.utterance import CorpusError, Provenance, Utterance, gender_name, language_code, utterance_id

PROVENANCE = Provenance(
    source="iitm",
    title="Indic TTS",
    licence="IITM-EULA",
    licence_url="https://www.iitm.ac.in/donlab/indictts/database",
    attribution="Indic TTS database by the TTS consortium of IIT Madras (https://www.iitm.ac.in/donlab/indictts)",
)
LINE = re.compile(r'^\(\s*(?P<id>[^\s"]+)\s+"(?P<text>.*)"\s*\)\s*$')


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield the lines of every ``txt.done.data`` with its ``wav`` folder; the hub's mirrors as Parquet too."""
    corpus_folder(folder, PROVENANCE.title)
    if any(folder.rglob("*.parquet")):
        for record in read_records(folder, PROVENANCE.title):
            language = row_language(record.cells, options)
            gender = gender_name(record.cells.get("gender"))
            yield record_utterance(record, PROVENANCE, language, f"{language}-{gender}" if gender else "")
        return
    tables = sorted(folder.rglob("txt.done.data"))
    if not tables:
        raise CorpusError(f"{folder}: holds no txt.done.data of the Indic TTS database")
    for table in tables:
        yield from _lines(table, folder, options)


def count(folder: Path) -> int | None:
    """Rows, where that is cheap to know."""
    return count_records(folder, PROVENANCE.title) if any(folder.rglob("*.parquet")) else None


def _lines(table: Path, folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    parts = [part for part in table.relative_to(folder.parent).parts[:-1]]
    language = next((code for part in parts if (code := language_code(part))), "") or options.language
    gender = next((g for part in parts if (g := gender_name(part))), "")
    speaker = f"{language}-{gender}" if gender else language
    place = table.relative_to(folder)
    files = AudioFiles(table.parent, "wav", "wavs")
    for count, line in enumerate(split_lines(table.read_text(encoding="utf-8-sig", errors="replace")), 1):
        if not line.strip():
            continue
        match = LINE.match(line.strip())
        key = match["id"] if match else str(count)
        audio = files.find(key)
        yield Utterance(
            # Some languages count their lines from text0001 on for both speakers, hence the speaker in the id.
            id=utterance_id(PROVENANCE.source, f"{speaker}-{key}"),
            provenance=PROVENANCE,
            language=language,
            speaker=f"{PROVENANCE.source}-{speaker}",
            text=match["text"].replace('\\"', '"').strip() if match else "",
            audio=audio,
            place=f"{place}:{count}",
            gender=gender,
            scenario="Read",
            fault="" if match else "line is not in Festival's form",
        )
