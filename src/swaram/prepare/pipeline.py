"""The whole of preparation: read, judge and transform on every core, then split, check and write."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from swaram.audio.files import AudioError
from swaram.config.prepare import PrepareSettings
from swaram.corpora.utterance import Utterance
from swaram.prepare import writer
from swaram.prepare.database import Database, PrepareError
from swaram.prepare.gates.collection import judge_collection
from swaram.prepare.report import collect_samples, totals, write_report
from swaram.prepare.split import SPLITS
from swaram.prepare.splitting import Long, Splitting, is_long, on_disk, start_worker
from swaram.prepare.workers import LocalPools, Pools, judge_all
from swaram.text.digest import front_end_digest

# Raised whenever the same settings give different clips, so that old work is not mixed with new.
REVISION = 3


def prepare_corpus(
    utterances: Iterable[Utterance],
    out: Path,
    settings: PrepareSettings,
    workers: int = 0,
    corpus: str = "",
    progress: Callable[[int, float], None] = lambda clips, seconds: None,
    source: Path | None = None,
    log: Callable[[str], None] = lambda text: None,
    pools: Pools | None = None,
) -> dict[str, Any]:
    """Prepare a corpus into ``out`` and return the report (also written, as ``report.json`` and ``report.html``).

    ``out`` may hold what preparation of the same ``corpus`` (its name) wrote before, and nothing else. Runs on
    ``workers`` processes (0: one for each core this process may use), or on ``pools`` where they are given.
    ``progress`` is called with the clips and the seconds of source audio done since the last call. Ended at any moment
    and called again, it goes on, and ends with the same bytes. ``log`` gets a sentence at each stage that takes long.
    ``source``: the corpus's folder, which nothing is ever written over. Raises ``PrepareError`` where it cannot, and
    where no clip is kept.
    """
    _check_folder(out, source)
    for folder in ("audio_files", "transcripts", "meta"):
        try:
            (out / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PrepareError(f"{out / folder}: cannot be made ({error.strerror}); choose another --out") from error
    facts = {"revision": REVISION, "front end": front_end_digest(), **settings.model_dump()}
    fingerprint = json.dumps(facts, sort_keys=True)
    database = Database(out / ".prepare" / "journal.sqlite", fingerprint, corpus)
    try:
        pools = pools or LocalPools(workers or cores())
        long = _judge(utterances, out, settings, pools, database, progress)
        _align(long, out, settings, pools, database, progress, log)
        judge_collection(database, settings)
        writer.check_own(out, database)
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
        writer.record_own(out, database)
        example = "" if report["kept"] else next((row["place"] for row in database.rows(kept=False)), "")
    except OSError as error:
        raise PrepareError(
            f"{error.filename or out}: cannot be written ({error.strerror or error}); free some space and run it again"
        ) from error
    finally:
        database.close()
    if not report["kept"]:
        raise PrepareError(_nothing_kept(report, source or out, example))
    return report


def _judge(
    utterances: Iterable[Utterance],
    out: Path,
    settings: PrepareSettings,
    pools: Pools,
    database: Database,
    progress: Callable[[int, float], None],
) -> list[Long]:
    """Judge every utterance, and give those that are to be cut into pieces."""
    long: list[Long] = []

    def keep(position: float, fingerprint: str, utterance: Utterance, reason: str, seconds: float) -> None:
        if is_long(utterance, reason, settings):
            with contextlib.suppress(AudioError):  # then it stays left out, for its own reason
                on = on_disk(utterance, out / ".prepare" / "long", fingerprint)
                long.append(Long(position, fingerprint, on, seconds))

    numbered = ((float(number), utterance) for number, utterance in enumerate(utterances))
    judge_all(numbered, out, settings, pools, database, progress, keep)
    return long


def _align(
    long: list[Long],
    out: Path,
    settings: PrepareSettings,
    pools: Pools,
    database: Database,
    progress: Callable[[int, float], None],
    log: Callable[[str], None],
) -> None:
    """Cut long recordings into pieces and judge these; compare the texts of all others with what is heard."""
    splitting = Splitting(out, database, settings, long)
    opened: list[Executor] = []

    def pool() -> Executor:
        if not opened:
            log("learning the sounds of the corpus, to align its texts")
            opened.append(pools.open(start_worker, splitting.aligners(), settings))
        return opened[0]

    try:
        if long:
            log(f"cutting {len(long)} recordings that are too long, or pause too long")
            pieces = list(splitting.pieces(pool, lambda: progress(0, 0.0)))
            for one in long:
                database.set_aside(one.utterance.id)
            judge_all(pieces, out, settings, pools, database, progress)
        if settings.alignment.check:
            splitting.check(pool, lambda: progress(0, 0.0))
    finally:
        for one_pool in opened:
            one_pool.shutdown(wait=True, cancel_futures=True)
    shutil.rmtree(out / ".prepare" / "long", ignore_errors=True)


def _nothing_kept(report: dict[str, Any], source: Path, example: str) -> str:
    """The likeliest cause that no clip is left, with an example."""
    read, table = report["read"][0]["clips"], source / "metadata.csv"
    if not read:
        empty = table.is_file() and not table.stat().st_size
        return f"{source}: no clip was kept; {'metadata.csv is empty' if empty else 'the corpus holds no row'}"
    worst = max(report["dropped"], key=lambda row: row["clips"])
    homes = (source / "wavs", source / "audio_files")
    if "no bar" in worst["name"]:
        why = f"{table.name} has no bar between name and text; its rows are to be name|text"
    elif "missing" in worst["name"] and table.is_file() and not any(home.is_dir() for home in homes):
        why = "there is no folder wavs, and the recordings that metadata.csv names are not beside it either"
    else:
        why = f"most often: {worst['name']}"
    return f"{source}: none of {read} clips was kept; {why} ({worst['clips']} clips, the first at {example})"


OWN_NAMES = (
    "audio_files", "transcripts", "meta", "metadata.csv", *(f"{name}_metadata.csv" for name in SPLITS),
    "manifest.parquet", "report.json", "report.html", "LICENSES", "ATTRIBUTION",
)  # fmt: skip


def _check_folder(out: Path, source: Path | None) -> None:
    """Refuse a folder that is the corpus, or holds files of these names that preparation did not write."""
    mine = (out / ".prepare" / "journal.sqlite").is_file()
    if source is not None and out.exists() and source.exists() and os.path.samefile(out, source):
        raise PrepareError(f"{out}: is the corpus itself, which would be written over; choose another --out")
    if source is not None and source.exists():
        for name in OWN_NAMES[:3]:
            if (out / name).exists() and os.path.samefile(out / name, source):
                raise PrepareError(f"{out / name}: is the corpus itself; choose another --out")
    for name in () if mine else OWN_NAMES:
        there = out / name
        if there.is_file() or there.is_symlink() or (there.is_dir() and any(there.iterdir())):
            raise PrepareError(f"{there}: is there already, and preparation did not write it; choose another --out")


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
