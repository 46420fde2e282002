"""IndicVoices of AI4Bharat: chunk rows as the hub stores them, and the raw release with its JSON files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swaram.corpora.audio_files import AudioFiles
from swaram.corpora.description import ReadOptions, described, record_utterance, row_language, words
from swaram.corpora.records import count_records, read_records
from swaram.corpora.tables import json_object
from swaram.corpora.utterance import CorpusError, Provenance, Utterance, language_code, number, utterance_id

PROVENANCE = Provenance(
    source="iv",
    title="IndicVoices",
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    attribution="IndicVoices by AI4Bharat, IIT Madras (https://huggingface.co/datasets/ai4bharat/IndicVoices)",
)


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield chunk rows from Parquet, tar or JSON lines; the raw release where there are none of those."""
    if is_raw_release(folder):
        yield from read_raw(folder, options)
        return
    for record in read_records(folder, PROVENANCE.title):
        language = row_language(record.cells, options)
        yield record_utterance(record, PROVENANCE, language, words(record.cells, "speaker_id"))


def count(folder: Path) -> int | None:
    """Rows, where that is cheap to know."""
    return None if is_raw_release(folder) else count_records(folder, PROVENANCE.title)


def is_raw_release(folder: Path) -> bool:
    """Whether audio files lie beside JSON files of the same name, and there is no shard."""
    if not folder.is_dir() or any(folder.rglob("*.parquet")):
        return False
    return any(_audio_of(path) for path in folder.rglob("*.json"))


def read_raw(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield the segments of ``<Language>/<version>/<split>/<id>.{wav,flac}`` with ``<id>.json``.

    What the interviewer says (speaker 1) is yielded too, marked so that the review gate counts it.
    """
    files = sorted(folder.rglob("*.json"))
    if not files:
        raise CorpusError(f"{folder}: holds no JSON file of IndicVoices; give the folder of the raw release")
    for path in files:
        place = str(path.relative_to(folder))
        about = json_object(path.read_bytes())
        if about is None or not isinstance(about.get("verbatim"), list):
            yield Utterance(
                utterance_id(PROVENANCE.source, place), PROVENANCE, "", "", "", None, place,
                fault="JSON without segments",
            )  # fmt: skip
            continue
        yield from _segments(path, place, about, options)


def _segments(path: Path, place: str, about: dict[str, Any], options: ReadOptions) -> Iterator[Utterance]:
    named = next((code for part in Path(place).parts[:-1] if (code := language_code(part))), "")
    language = row_language(about, options) if words(about, "lang", "language") else named or options.language
    normalized = about.get("normalized")
    normalized = normalized if isinstance(normalized, list) else []
    facts = described(about) | {"stated_rate": None, "stated_duration": None}
    for index, segment in enumerate(about["verbatim"]):
        if not isinstance(segment, dict):
            continue
        best = normalized[index] if index < len(normalized) and isinstance(normalized[index], dict) else segment
        interviewer = str(segment.get("speaker_id")) == "1"
        yield Utterance(
            id=utterance_id(PROVENANCE.source, f"{language}-{path.stem}-{index:04d}"),
            provenance=PROVENANCE,
            language=language,
            speaker=f"{PROVENANCE.source}-{words(about, 'speaker_id')}",
            text=words(best, "text") or words(segment, "text"),
            audio=_audio_of(path),
            place=f"{place}:{index}",
            start=number(segment.get("start")),
            end=number(segment.get("end")),
            **(facts | {"verification": facts["verification"] | ({"interviewer": True} if interviewer else {})}),
        )


def _audio_of(path: Path) -> Path | None:
    """The recording beside a description of the same name."""
    return AudioFiles(path.parent).find(path.stem)
