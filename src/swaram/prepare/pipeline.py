"""The whole of preparation: read, judge and transform on every core, then split, check and write."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import swaram.text
from swaram.config.prepare import PrepareSettings
from swaram.corpora.utterance import Utterance
from swaram.prepare import writer
from swaram.prepare.database import Database, PrepareError
from swaram.prepare.gates.collection import judge_collection
from swaram.prepare.report import collect_samples, totals, write_report
from swaram.prepare.workers import judge_all

# Raised whenever the same settings give different clips, so that old work is not mixed with new.
REVISION = 2


def prepare_corpus(
    utterances: Iterable[Utterance],
    out: Path,
    settings: PrepareSettings,
    workers: int = 0,
    corpus: str = "",
    progress: Callable[[int, float], None] = lambda clips, seconds: None,
) -> dict[str, Any]:
    """Prepare a corpus into ``out`` and return the report (also written, as ``report.json`` and ``report.html``).

    ``out`` may hold what preparation of the same ``corpus`` (its name) wrote before, and nothing else. Runs on
    ``workers`` processes (0: one for each core this process may use). ``progress`` is called with the clips and
    the seconds of source audio done since the last call. Ended at any moment and called again, it goes on, and
    ends with the same bytes. Raises ``PrepareError`` where it cannot.
    """
    _check_folder(out)
    for folder in ("audio_files", "transcripts", "meta"):
        try:
            (out / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PrepareError(f"{out / folder}: cannot be made ({error.strerror}); choose another --out") from error
    facts = {"revision": REVISION, "front end": _front_end_digest(), **settings.model_dump()}
    fingerprint = json.dumps(facts, sort_keys=True)
    database = Database(out / ".prepare" / "journal.sqlite", fingerprint, corpus)
    try:
        judge_all(utterances, out, settings, workers or cores(), database, progress)
        judge_collection(database, settings)
        writer.check_splits(database, settings.split.mode)
        samples = collect_samples(out, database, settings.audio.format)
        writer.remove_strays(out, database, settings.audio.format)
        writer.write_tables(out, database)
        writer.write_speakers(out, database)
        writer.write_manifest(out, database.rows(kept=True))
        writer.write_licences(out, database)
        report = totals(database, settings)
        write_report(out, database, report, samples)
        writer.check_written(out)
        return report
    except OSError as error:
        raise PrepareError(
            f"{error.filename or out}: cannot be written ({error.strerror or error}); free some space and run it again"
        ) from error
    finally:
        database.close()


def _check_folder(out: Path) -> None:
    """Preparation deletes audio that it has not kept, so it must not be let loose on a folder of somebody's own."""
    audio = out / "audio_files"
    if audio.is_dir() and not (out / ".prepare").is_dir() and any(audio.iterdir()):
        raise PrepareError(f"{audio}: holds files that preparation did not write; choose another --out")


def _front_end_digest() -> str:
    """Changes with the text front end, whose transcripts are then not mixed with older ones."""
    digest = hashlib.sha256()
    for path in sorted(Path(swaram.text.__file__).parent.rglob("*")):
        if path.suffix in (".py", ".toml", ".tsv"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
