"""What has been decided so far, on disk, so that a killed run goes on where it stopped."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swaram.errors import SwaramError


class PrepareError(SwaramError):
    """Preparation cannot go on; the message says where and what to do."""


_TABLES = """
create table if not exists about (name text primary key, value text);
create table if not exists clips (
  id text primary key, position integer, run integer, fingerprint text, reason text,
  late_reason text default '', doubt text default '',
  seconds real, duration real, language text, speaker text, gender text,
  text_key text, rate real, audio_sha text, likeness text, split text, row text);
create index if not exists by_position on clips (run, position);
create index if not exists by_text on clips (text_key);
create table if not exists cuts (id text, key text, cuts text, primary key (id, key));
create table if not exists samples (id text primary key, reason text, audio blob);
"""
_COLUMNS = (
    "id", "position", "run", "fingerprint", "reason", "late_reason", "seconds", "duration", "language", "speaker",
    "gender", "text_key", "rate", "audio_sha", "likeness", "split", "row",
)  # fmt: skip
_INSERT = f"insert or replace into clips ({', '.join(_COLUMNS)}) values ({', '.join('?' * len(_COLUMNS))})"
SAMPLES_PER_REASON = 3
SCHEMA = 3  # raised whenever a table changes


class Database:
    """One SQLite file in the output folder; ``run`` numbers this invocation.

    A clip's row is written only after its audio is complete on disk. Rows that this run has not met are
    remains of a corpus that changed, and nothing that follows sees them. Every method raises ``PrepareError``
    where the disk is full or the file damaged.
    """

    def __init__(self, path: Path, settings: str, corpus: str = "") -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=1.0)
            if self._db.execute("pragma user_version").fetchone()[0] != SCHEMA:  # made by another version
                self._db.executescript(
                    "drop table if exists clips; drop table if exists samples; drop table if exists cuts;"
                )
                self._db.execute(f"pragma user_version={SCHEMA}")
            self._db.executescript(
                "pragma journal_mode=wal; pragma synchronous=normal; pragma cache_size=-16000; "
                "pragma temp_store=file;" + _TABLES
            )
            self._db.execute("begin immediate")
            before = self._about("corpus")
            if before and corpus and before != corpus:
                raise PrepareError(f"{path.parent.parent}: holds {before} already; choose another --out for {corpus}")
            if self._about("settings") not in (None, settings):
                self._db.execute("delete from clips")
                self._db.execute("delete from samples")
                self._db.execute("delete from cuts")
            self.run = int(self._about("run") or 0) + 1
            for name, value in (("settings", settings), ("run", str(self.run)), ("corpus", corpus)):
                self._db.execute("insert or replace into about values (?, ?)", (name, value))
            self._db.commit()
        except (sqlite3.Error, OSError, ValueError) as error:
            raise PrepareError(
                f"{path}: the record of what is done cannot be used ({error}); free some space, end other runs "
                f"into this folder, or delete {path.parent} to start over"
            ) from error

    def _about(self, name: str) -> str | None:
        row = self._db.execute("select value from about where name = ?", (name,)).fetchone()
        return row[0] if row else None

    def written(self, name: str) -> str | None:
        """Digest of a table as this folder's preparation last wrote it."""
        return self._about(f"written {name}")

    def note_written(self, name: str, digest: str) -> None:
        """Remember the digest of a table."""
        self.execute("insert or replace into about values (?, ?)", (f"written {name}", digest))

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def commit(self) -> None:
        """Make what was added so far survive a kill."""
        try:
            self._db.commit()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> PrepareError:
        return PrepareError(f"{self._path}: cannot be written ({error}); free some space and run it again")

    def known(self, id: str) -> tuple[int, str, str, float] | None:
        """(run, fingerprint, reason, seconds) of a clip met before; no fingerprint while it is being judged."""
        return self.execute("select run, fingerprint, reason, seconds from clips where id = ?", (id,)).fetchone()

    def met_again(self, id: str, position: float) -> None:
        """This run met a clip that an earlier one decided, unchanged."""
        self.execute("update clips set run = ?, position = ? where id = ?", (self.run, position, id))

    def set_aside(self, id: str) -> None:
        """This run has cut the recording into pieces, which stand for it."""
        self.execute("update clips set run = -run where id = ? and run > 0", (id,))

    def cuts(self, id: str, key: str) -> list[dict[str, Any]] | None:
        """What alignment found of a recording before, under a key of all it depends on."""
        row = self.execute("select cuts from cuts where id = ? and key = ?", (id, key)).fetchone()
        return json.loads(row[0]) if row else None

    def note_cuts(self, id: str, key: str, cuts: list[dict[str, Any]]) -> None:
        """Keep what alignment found; what it found under other keys is forgotten."""
        self.execute("delete from cuts where id = ?", (id,))
        self.execute("insert into cuts values (?, ?, ?)", (id, key, json.dumps(cuts, ensure_ascii=False)))

    def note_doubt(self, id: str, doubt: str) -> None:
        """Why the text of a kept clip is not to be trusted; empty where it is."""
        self.execute("update clips set doubt = ? where id = ?", (doubt, id))

    def open(self, id: str, position: float) -> None:
        """This run met a clip that is being judged; a second of that id is a duplicate already now."""
        self.execute(
            "insert or replace into clips (id, position, run, fingerprint, reason) values (?, ?, ?, '', 'open')",
            (id, position, self.run),
        )

    def add(self, position: float, fingerprint: str, row: dict[str, Any], sample: bytes = b"") -> None:
        """Record what became of a clip.

        ``row`` is its line of the manifest with ``reason`` and ``text_key``; ``sample`` is something to hear of
        a dropped clip, kept for the first few of each reason.
        """
        self.execute(
            _INSERT,
            (
                row["id"], position, self.run, fingerprint, row["reason"], "", row["source_duration"],
                row["duration"], row["language"], row["speaker"], row["gender"], row["text_key"],
                row["characters_per_second"], row["audio_sha256"], row.pop("likeness", None), row["split"],
                json.dumps(row, ensure_ascii=False, sort_keys=True),
            ),
        )  # fmt: skip
        if sample:
            held = self.execute("select count(*) from samples where reason = ?", (row["reason"],)).fetchone()[0]
            if held < SAMPLES_PER_REASON:
                self.execute("insert or replace into samples values (?, ?, ?)", (row["id"], row["reason"], sample))

    def rows(self, kept: bool) -> Iterator[dict[str, Any]]:
        """Manifest rows of this run in the corpus's order; ``reason`` includes late reasons."""
        no = "" if kept else "not "
        cursor = self.execute(
            f"select row, late_reason from clips where run = ? and {no}(reason = '' and late_reason = '') "
            "order by position",
            (self.run,),
        )
        for text, late in cursor:
            row = json.loads(text)
            row["reason"] = row["reason"] or late
            yield row

    def is_kept(self, id: str) -> bool:
        """Whether this run keeps the clip."""
        return bool(
            self.execute(
                "select 1 from clips where id = ? and run = ? and reason = '' and late_reason = ''", (id, self.run)
            ).fetchone()
        )

    def close(self) -> None:
        """Fold the write-ahead log in and let go of the file."""
        self._db.close()


def late_reason(path: Path, id: str) -> str | None:
    """Why a finished preparation left the clip out after comparing all clips: empty where it did not, ``None`` where
    there is no record of the clip."""
    if not path.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            row = db.execute("select late_reason from clips where id = ?", (id,)).fetchone()
    except sqlite3.Error:
        return None
    return row[0] if row else None


def known_cuts(path: Path, id: str) -> list[dict[str, Any]] | None:
    """Where a finished preparation cut a recording; ``None`` where it did not, or there is no record."""
    if not path.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            row = db.execute("select cuts from cuts where id = ?", (id,)).fetchone()
    except sqlite3.Error:
        return None
    found = json.loads(row[0]) if row else []
    return found if found and "start" in found[0] else None
