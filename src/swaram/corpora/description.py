"""The columns that AI4Bharat's corpora share, as fields of an utterance."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swaram.corpora.records import Record
from swaram.corpora.utterance import Provenance, Utterance, gender_name, language_code, number, structure, utterance_id

# The text with its punctuation first; ``text`` is what is left after punctuation was taken out.
TEXT_COLUMNS = ("unsanitized_normalized", "unsanitized_verbatim", "text", "normalized", "verbatim")


@dataclass(frozen=True)
class ReadOptions:
    """What a person says about a corpus beyond its folder.

    ``language``: the code of the language to take where the corpus does not say it row by row (or to select one
    where it does). ``licence``: for layouts that do not carry one. ``include_unreviewed``: also recordings that
    nobody approved. ``source``: the prefix of ids, for layouts that anybody may use.
    """

    language: str = ""
    licence: str = ""
    include_unreviewed: bool = False
    source: str = ""


def described(cells: dict[str, Any]) -> dict[str, Any]:
    """Fields of an utterance from the columns on speaker, place, task, quality and review."""
    return {
        "gender": gender_name(cells.get("gender")),
        "age_group": words(cells, "age_group", "age-group"),
        "district": words(cells, "district", "native_place_district"),
        "state": words(cells, "state", "native_place_state"),
        "qualification": words(cells, "qualification", "highest_qualification"),
        "job": words(cells, "job_type", "job_category"),
        "scenario": words(cells, "scenario"),
        "task": words(cells, "task_name", "task"),
        "occupation": words(cells, "occupation", "occupation_domain"),
        "domain": words(cells, "domain", "sentence_domain"),
        "style": words(cells, "style"),
        "stated_duration": number(cells.get("duration")),
        "stated_rate": stated_rate(cells),
        "stated_snr": number(cells.get("snr")),
        "stated_cer": number(cells.get("cer")),
        "verification": structure(cells.get("verification_report")),
    }


def words(cells: dict[str, Any], *columns: str) -> str:
    """The first of the columns that holds text."""
    for column in columns:
        value = cells.get(column)
        if value is not None and str(value).strip():
            return str(value).strip()
    return ""


def stated_rate(cells: dict[str, Any]) -> int | None:
    """The sample rate that ``samples / duration`` amounts to, where it is one of the usual ones."""
    samples, seconds = number(cells.get("samples")), number(cells.get("duration"))
    if not samples or not seconds:
        return None
    rate = samples / seconds
    for usual in (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000):
        if abs(rate / usual - 1) < 0.005:
            return usual
    return None


def record_utterance(record: Record, origin: Provenance, language: str, speaker: str, **fields: Any) -> Utterance:
    """An utterance of one row; its id comes from the language and the name of the audio, else from the place."""
    key = Path(record.name).stem if record.name else record.place
    return Utterance(
        id=utterance_id(origin.source, f"{language}-{key}" if language else key),
        provenance=origin,
        language=language,
        speaker=f"{origin.source}-{speaker}" if speaker else "",
        audio=record.audio,
        place=record.place,
        fault=record.fault,
        **{"text": words(record.cells, *TEXT_COLUMNS), **described(record.cells), **fields},
    )


def row_language(cells: dict[str, Any], options: ReadOptions, *columns: str) -> str:
    """The row's own language, or the one that the person named where the row has none."""
    return language_code(words(cells, *(columns or ("lang", "language", "locale")))) or options.language
