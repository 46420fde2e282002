"""IndicVoices-R of AI4Bharat: IndicVoices restored to 48 kHz, with signal-to-noise and error rates of its own."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.description import ReadOptions, record_utterance, row_language, words
from swaram.corpora.records import count_records, read_records
from swaram.corpora.utterance import Provenance, Utterance

PROVENANCE = Provenance(
    source="ivr",
    title="IndicVoices-R",
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    attribution="IndicVoices-R by AI4Bharat, IIT Madras (https://huggingface.co/datasets/ai4bharat/indicvoices_r)",
)


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield rows from Parquet shards, or from the tar of a language with its manifest."""
    for record in read_records(folder, PROVENANCE.title):
        language = row_language(record.cells, options)
        # ``samples`` may count those of the recording before it was restored to 48 kHz, so it states no rate.
        yield record_utterance(record, PROVENANCE, language, words(record.cells, "speaker_id"), stated_rate=None)


def count(folder: Path) -> int | None:
    """Rows, where that is cheap to know."""
    return count_records(folder, PROVENANCE.title)
