"""The whole of preparation: read, judge and transform on every core, then split, check and write."""

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from swaram.audio.files import write_whole
from swaram.corpora.utterance import Utterance
from swaram.prepare.clip import ClipMaker, Outcome
from swaram.prepare.journal import Journal, PrepareError
from swaram.prepare.layout import check_splits, whole_file, write_manifest, write_speakers, write_tables
from swaram.prepare.settings import PrepareSettings
from swaram.prepare.split import split_of, text_key

REVISION = 1  # raised whenever the same settings give different clips, so that old work is not mixed with new
COMMIT_EVERY = 256

_maker: ClipMaker
_out: Path


def _start_worker(settings: PrepareSettings, out: Path) -> None:
    global _maker, _out
    os.nice(0)
    _maker, _out = ClipMaker(settings), out


def _work(utterance: Utterance) -> Outcome:
    outcome = _maker(utterance)
    if outcome.content:
        name = f"{utterance.id}.{_maker.settings.audio.format}"
        write_whole(_out / "audio_files" / name, outcome.content)
        write_whole(_out / "transcripts" / f"{utterance.id}.txt", f"{outcome.transcript}\n".encode())
    slim = replace(utterance, audio=None)
    return replace(outcome, utterance=slim, content=b"", verdicts=())


def prepare_corpus(
    utterances: Iterable[Utterance],
    out: Path,
    settings: PrepareSettings,
    workers: int = 0,
    progress: Callable[[int, float], None] = lambda clips, seconds: None,
) -> dict[str, Any]:
    """Prepare a corpus into ``out`` and return the report (also written as ``report.json``).

    Runs on ``workers`` processes (0: one for each core). ``progress`` is called with the clips and the seconds of
    source audio done since the last call. Stopped at any moment and called again, it goes on. Raises
    ``PrepareError`` where it cannot.
    """
    for folder in ("audio_files", "transcripts", "meta"):
        try:
            (out / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PrepareError(
                f"{out / folder}: cannot be made ({error.strerror}); choose another --out"
            ) from error
    fingerprint = json.dumps({"revision": REVISION, **settings.model_dump()}, sort_keys=True)
    journal = Journal(out / ".prepare" / "journal.sqlite", fingerprint)
    try:
        _judge_all(utterances, out, settings, workers or os.cpu_count() or 1, journal, progress)
        check_splits(journal, settings.split.mode)
        _remove_strays(out, journal, settings)
        write_tables(out, journal)
        write_speakers(out, journal)
        write_manifest(out, journal.rows(kept=True))
        report = _report(journal, settings)
        with whole_file(out / "report.json") as file:
            json.dump(report, file, ensure_ascii=False, indent=1)
            file.write("\n")
        return report
    finally:
        journal.close()


def _judge_all(utterances, out, settings, workers, journal, progress) -> None:  # noqa: ANN001
    pending: deque[tuple[int, str, Future[Outcome]]] = deque()
    context = get_context("spawn")
    since_commit = 0

    def settle() -> None:
        nonlocal since_commit
        position, fingerprint, future = pending.popleft()
        outcome = future.result()
        journal.add(position, fingerprint, manifest_row(outcome, settings))
        progress(1, outcome.seconds)
        since_commit += 1
        if since_commit >= COMMIT_EVERY:
            journal.commit()
            since_commit = 0

    with ProcessPoolExecutor(workers, context, _start_worker, (settings, out)) as pool:
        try:
            for position, utterance in enumerate(utterances):
                fingerprint = utterance_fingerprint(utterance)
                known = journal.known(utterance.id)
                if known and known[0] == journal.run:
                    utterance = replace(utterance, id=f"{utterance.id}.{position}", audio=None)
                    outcome = Outcome(utterance, "duplicates: same id", utterance.stated_duration or 0.0)
                    journal.add(position, fingerprint, manifest_row(outcome, settings))
                    continue
                if known and known[1] == fingerprint and (known[2] or _written(out, utterance.id, settings)):
                    journal.met_again(utterance.id, position)
                    progress(1, 0.0)
                    continue
                # Marks the id as met now, so that a second one in this run is seen before the first is done.
                journal.execute(
                    "insert or replace into clips (id, position, run, fingerprint, reason) values (?, ?, ?, '', 'open')",
                    (utterance.id, position, journal.run),
                )
                pending.append((position, fingerprint, pool.submit(_work, utterance)))
                if len(pending) >= 16 * workers:
                    settle()
            while pending:
                settle()
        except BrokenProcessPool as error:
            raise PrepareError(
                "a worker process was ended from outside (perhaps for want of memory); run the same command again, "
                "with fewer --workers"
            ) from error
        except OSError as error:
            raise PrepareError(
                f"{out}: cannot be written ({error.strerror}); free some space and run it again"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            journal.commit()


def utterance_fingerprint(utterance: Utterance) -> str:
    """Changes whenever the text, the description or the audio file does."""
    audio: object = utterance.audio
    if isinstance(audio, Path):
        found = audio.stat() if audio.exists() else None
        audio = [str(audio), found and found.st_size, found and found.st_mtime_ns]
    elif isinstance(audio, bytes):
        audio = hashlib.sha256(audio).hexdigest()
    description = asdict(replace(utterance, audio=None, place=""))
    return hashlib.sha256(json.dumps([description, audio], sort_keys=True, default=str).encode()).hexdigest()


def _written(out: Path, id: str, settings: PrepareSettings) -> bool:
    return (out / "audio_files" / f"{id}.{settings.audio.format}").is_file() and (
        out / "transcripts" / f"{id}.txt"
    ).is_file()


def manifest_row(outcome: Outcome, settings: PrepareSettings) -> dict[str, Any]:
    """All that is known of a clip, as one flat row."""
    utterance, origin = outcome.utterance, outcome.utterance.provenance
    described = (
        "id", "place", "language", "speaker", "gender", "age_group", "district", "state", "qualification", "job",
        "scenario", "task", "domain", "style", "reviewed",
    )  # fmt: skip
    kept = not outcome.reason
    return {
        "characters_per_second": None, "audio_sha256": None, "duration": None, "source_duration": outcome.seconds,
        **{name: getattr(utterance, name) for name in described},
        **outcome.measures,
        "path": f"audio_files/{utterance.id}.{settings.audio.format}" if kept else "",
        "transcript": outcome.transcript,
        "raw_transcript": utterance.text,
        "split": split_of(utterance.text, utterance.speaker, settings.split) if kept else "",
        "text_key": text_key(utterance.text),
        "sample_rate": settings.audio.sample_rate,
        "source": origin.source, "source_title": origin.title, "source_revision": origin.revision,
        "licence": origin.licence, "licence_url": origin.licence_url, "attribution": origin.attribution,
        "reason": outcome.reason,
    }  # fmt: skip


def _remove_strays(out: Path, journal: Journal, settings: PrepareSettings) -> None:
    """Audio and transcripts that no kept row names: of clips dropped late, and of interrupted or older runs."""
    for folder, ending in (("audio_files", f".{settings.audio.format}"), ("transcripts", ".txt")):
        for entry in os.scandir(out / folder):
            id = entry.name.removesuffix(ending)
            found = journal.execute(
                "select 1 from clips where id = ? and run = ? and reason = '' and late_reason = ''",
                (id, journal.run),
            ).fetchone()
            if entry.is_file() and (not found or id == entry.name):
                os.unlink(entry.path)


def _report(journal: Journal, settings: PrepareSettings) -> dict[str, Any]:
    def totals(where: str, group: str) -> list[dict[str, Any]]:
        rows = journal.execute(
            f"select {group}, count(*), coalesce(sum(seconds), 0), coalesce(sum(duration), 0) from clips "
            f"where run = ? and {where} group by {group} order by count(*) desc, {group}",
            (journal.run,),
        )
        return [
            {"name": name, "clips": clips, "source_seconds": round(before, 3), "seconds": round(after, 3)}
            for name, clips, before, after in rows
        ]

    kept = "reason = '' and late_reason = ''"
    return {
        "read": totals("1", "'all'"),
        "kept": totals(kept, "'all'"),
        "dropped": totals(f"not ({kept})", "reason || late_reason"),
        "splits": totals(kept, "split"),
        "speakers": totals(kept, "speaker"),
        "settings": settings.model_dump(),
    }
