"""The worker processes that judge and write clips, and the one that hands out work and keeps the database."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

from swaram.audio.files import write_whole
from swaram.config.prepare import PrepareSettings
from swaram.corpora.utterance import Utterance
from swaram.prepare.clip import ClipMaker, Outcome
from swaram.prepare.database import Database, PrepareError
from swaram.prepare.split import split_of, text_key

COMMIT_EVERY = 256
IN_FLIGHT = 8  # utterances for each worker that wait or are worked on; bounds the memory

_maker: ClipMaker
_out: Path | None = None


def _start_worker(settings: PrepareSettings, out: Path | None) -> None:
    """Runs once in each worker; without ``out`` it hands a kept clip's file over instead of writing it."""
    global _maker, _out
    _maker, _out = ClipMaker(settings), out


def _work(utterance: Utterance) -> Outcome:
    try:
        outcome = _maker(utterance)
    except Exception as error:  # one strange clip must not end a run of days; it is counted by its fault
        if isinstance(error, OSError | MemoryError):
            raise
        outcome = Outcome(
            utterance, f"read: unexpected fault ({type(error).__name__})", utterance.stated_duration or 0.0
        )
    if _out is not None:
        outcome = _written_out(outcome, _out, _maker.settings)
    return replace(outcome, utterance=replace(utterance, audio=None), verdicts=())


def _written_out(outcome: Outcome, out: Path, settings: PrepareSettings) -> Outcome:
    """The outcome without the file of a kept clip, which is in the folder then."""
    if outcome.reason or not outcome.content:
        return outcome
    id = outcome.utterance.id
    write_whole(out / "audio_files" / f"{id}.{settings.audio.format}", outcome.content)
    write_whole(out / "transcripts" / f"{id}.txt", f"{outcome.transcript}\n".encode())
    return replace(outcome, content=b"")


class Pools(Protocol):
    """Who computes: opens a pool for each kind of work.

    ``in_flight``: how many utterances wait or are worked on at most; ``see_folders``: whether workers read and write
    this machine's files.
    """

    in_flight: int
    see_folders: bool

    def open(self, start: Callable[..., None], *facts: Any) -> Executor:
        """Workers that each call ``start(*facts)`` once. A worker's end raises ``BrokenExecutor`` in its futures."""


class LocalPools:
    """Processes of this machine; one worker is this process itself."""

    see_folders = True

    def __init__(self, workers: int) -> None:
        self.workers, self.in_flight = workers, IN_FLIGHT * workers

    def open(self, start: Callable[..., None], *facts: Any) -> Executor:
        """As ``Pools``."""
        if self.workers == 1:
            start(*facts)
            return _Alone()
        return ProcessPoolExecutor(self.workers, get_context("spawn"), start, facts)


class _Alone(Executor):
    """Does the work at once and in this process: one worker needs no second one."""

    def submit(self, work: Callable[..., Any], /, *facts: Any, **more: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*facts, **more))
        return done


def judge_all(
    utterances: Iterable[tuple[float, Utterance]],
    out: Path,
    settings: PrepareSettings,
    pools: Pools,
    database: Database,
    progress: Callable[[int, float], None],
    keep: Callable[[float, str, Utterance, str, float], None] = lambda *_: None,
) -> None:
    """Judge every utterance, with its position, that the database does not know already.

    Results are recorded in the order of the utterances. ``keep`` is called with position, fingerprint, utterance (with
    its audio), reason and seconds of each, also of those known.
    """
    pending: deque[tuple[float, str, Utterance, Future[Outcome]]] = deque()
    since_commit = 0

    def settle() -> None:
        nonlocal since_commit
        position, fingerprint, utterance, future = pending.popleft()
        outcome = _written_out(future.result(), out, settings)
        keep(position, fingerprint, utterance, outcome.reason, outcome.seconds)
        database.add(position, fingerprint, manifest_row(outcome, settings), outcome.content)
        progress(1, outcome.seconds)
        since_commit += 1
        if since_commit >= COMMIT_EVERY:
            database.commit()
            since_commit = 0

    pool = pools.open(_start_worker, settings, out if pools.see_folders else None)
    try:
        for position, utterance in utterances:
            fingerprint = utterance_fingerprint(utterance)
            known = database.known(utterance.id)
            if known and known[0] == database.run:
                again = replace(utterance, id=f"{utterance.id}.{position:g}", audio=None)
                outcome = Outcome(again, "duplicates: same id", utterance.stated_duration or 0.0)
                database.add(position, fingerprint, manifest_row(outcome, settings))
                progress(1, 0.0)
            elif known and known[1] == fingerprint and (known[2] or _written(out, utterance.id, settings)):
                database.met_again(utterance.id, position)
                keep(position, fingerprint, utterance, known[2], known[3])
                progress(1, 0.0)
            else:
                database.open(utterance.id, position)
                pending.append((position, fingerprint, utterance, pool.submit(_work, utterance)))
                if len(pending) >= pools.in_flight:
                    settle()
        while pending:
            settle()
    except BrokenExecutor as error:
        raise PrepareError(
            "a worker process was ended from outside, perhaps for want of memory; run the same command again, "
            "with fewer --workers if it happens once more"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        database.commit()


def utterance_fingerprint(utterance: Utterance) -> str:
    """Changes whenever the text, the description or the audio file does."""
    audio: object = utterance.audio
    if isinstance(audio, Path):
        found = audio.stat() if audio.exists() else None
        audio = [audio.name, found and found.st_size, found and found.st_mtime_ns]
    elif isinstance(audio, bytes):
        audio = hashlib.sha256(audio).hexdigest()
    described = asdict(replace(utterance, audio=None, place=""))
    return hashlib.sha256(json.dumps([described, audio], sort_keys=True, default=str).encode()).hexdigest()


def _written(out: Path, id: str, settings: PrepareSettings) -> bool:
    audio, text = out / "audio_files" / f"{id}.{settings.audio.format}", out / "transcripts" / f"{id}.txt"
    return audio.is_file() and text.is_file()


def manifest_row(outcome: Outcome, settings: PrepareSettings) -> dict[str, Any]:
    """All that is known of a clip, as one flat row."""
    utterance, origin = outcome.utterance, outcome.utterance.provenance
    described = (
        "id", "place", "language", "speaker", "gender", "age_group", "district", "state", "qualification", "job",
        "occupation", "scenario", "task", "domain", "style", "reviewed",
    )  # fmt: skip
    kept = not outcome.reason
    return {
        "characters_per_second": None, "audio_sha256": None, "duration": None, "likeness": None,
        "source_duration": outcome.seconds,
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
        "part_of": utterance.part_of, "start": utterance.start, "end": utterance.end,
    }  # fmt: skip
