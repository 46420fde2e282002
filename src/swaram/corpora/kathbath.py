"""Kathbath of AI4Bharat: read speech of twelve languages, whose prompts come from a crawl that holds news."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.description import ReadOptions, record_utterance, row_language, words
from swaram.corpora.records import count_records, read_records
from swaram.corpora.utterance import Provenance, Utterance

PROVENANCE = Provenance(
    source="kathbath",
    title="Kathbath",
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    attribution="Kathbath by AI4Bharat, IIT Madras (https://huggingface.co/datasets/ai4bharat/Kathbath)",
    unknown_domain=True,
)


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield rows (``fname, text, audio_filepath, lang, duration, gender, speaker_id``)."""
    for record in read_records(folder, PROVENANCE.title):
        language = row_language(record.cells, options)
        speaker = words(record.cells, "speaker_id")
        yield record_utterance(record, PROVENANCE, language, f"{language}-{speaker}" if speaker else "")


def count(folder: Path) -> int | None:
    """Rows, where that is cheap to know."""
    return count_records(folder, PROVENANCE.title)
