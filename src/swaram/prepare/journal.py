"""What has been decided so far, on disk, so that a killed run goes on where it stopped."""

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
  id text primary key, position integer, run integer, fingerprint text, reason text, late_reason text default '',
  seconds real, duration real, language text, speaker text, text_key text, rate real, audio_sha text, split text,
  row text);
create index if not exists by_position on clips (position);
"""


class Journal:
    """One SQLite file in the output folder; ``run`` numbers this invocation.

    A clip's row is written only after its audio is complete on disk. Rows that this run has not met are remains
    of a corpus that changed, and are left out of what follows.
    """

    def __init__(self, path: Path, settings: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path)
            self._db.executescript("pragma journal_mode=wal; pragma synchronous=normal;" + _TABLES)
            if self._about("settings") not in (None, settings):
                self._db.execute("delete from clips")
            self.run = int(self._about("run") or 0) + 1
            for name, value in (("settings", settings), ("run", str(self.run))):
                self._db.execute("insert or replace into about values (?, ?)", (name, value))
            self._db.commit()
        except (sqlite3.Error, OSError) as error:
            raise PrepareError(
                f"{path}: the record of what is done cannot be used ({error}); free some space, or delete the "
                f"folder {path.parent} to start over"
            ) from error

    def _about(self, name: str) -> str | None:
        row = self._db.execute("select value from about where name = ?", (name,)).fetchone()
        return row[0] if row else None

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement; a full disk or a damaged file becomes a ``PrepareError``."""
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise PrepareError(
                f"the record of preparation cannot be written ({error}); free some space and run it again"
            ) from error

    def commit(self) -> None:
        try:
            self._db.commit()
        except sqlite3.Error as error:
            raise PrepareError(
                f"the record of preparation cannot be written ({error}); free some space and run it again"
            ) from error

    def known(self, id: str) -> tuple[int, str, str] | None:
        """(run, fingerprint, reason) of a clip met before."""
        return self.execute("select run, fingerprint, reason from clips where id = ?", (id,)).fetchone()

    def met_again(self, id: str, position: int) -> None:
        """This run met a clip that an earlier one decided, unchanged."""
        self.execute("update clips set run = ?, position = ? where id = ?", (self.run, position, id))

    def add(self, position: int, fingerprint: str, row: dict[str, Any]) -> None:
        """Record what became of a clip; ``row`` is its line of the manifest with ``reason`` and ``text_key``."""
        values = (
            row["id"], position, self.run, fingerprint, row["reason"], row["source_duration"], row["duration"],
            row["language"], row["speaker"], row["text_key"], row["characters_per_second"], row["audio_sha256"],
            row["split"], json.dumps(row, ensure_ascii=False, sort_keys=True),
        )  # fmt: skip
        self.execute(
            "insert or replace into clips (id, position, run, fingerprint, reason, seconds, duration, language, "
            "speaker, text_key, rate, audio_sha, split, row) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            values,
        )

    def rows(self, kept: bool | None = None) -> Iterator[dict[str, Any]]:
        """Manifest rows of this run in the corpus's order; ``reason`` includes late reasons."""
        where = {
            None: "",
            True: " and reason = '' and late_reason = ''",
            False: " and (reason != '' or late_reason != '')",
        }
        for text, late in self.execute(
            f"select row, late_reason from clips where run = ?{where[kept]} order by position", (self.run,)
        ):
            row = json.loads(text)
            row["reason"] = row["reason"] or late
            yield row

    def close(self) -> None:
        self._db.close()
