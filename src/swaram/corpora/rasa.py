"""Rasa of AI4Bharat: studio recordings in many styles, one woman and one man for each language."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.description import ReadOptions, record_utterance, row_language
from swaram.corpora.records import count_records, read_records
from swaram.corpora.utterance import Provenance, Utterance, gender_name

PROVENANCE = Provenance(
    source="rasa",
    title="Rasa",
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    attribution="Rasa by AI4Bharat, IIT Madras (https://huggingface.co/datasets/ai4bharat/Rasa)",
)


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield rows; there is no speaker column, for language and gender name the speaker."""
    for record in read_records(folder, PROVENANCE.title):
        language = row_language(record.cells, options, "language", "lang")
        gender = gender_name(record.cells.get("gender"))
        yield record_utterance(record, PROVENANCE, language, f"{language}-{gender}" if language and gender else "")


def count(folder: Path) -> int | None:
    """Rows, where that is cheap to know."""
    return count_records(folder, PROVENANCE.title)
