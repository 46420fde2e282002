"""Gates that need all clips at once: odd speaking rates, duplicates, texts that would stand in two splits.

They work on the database, one language or one text at a time, so that memory does not grow with the corpus.
"""

import math
import statistics
from typing import Any

from swaram.audio.fingerprint import different_bits
from swaram.config.prepare import CollectionSettings, PrepareSettings
from swaram.prepare.database import Database

NEAR_BITS = 10  # of 128; two readings by one person differ in 30 or more
NEAR_SECONDS = 0.08  # seven encodings of each of ten clips moved the trimmed ends by 0.064 s (two frames) at most
KEPT = "run = ? and reason = '' and late_reason = ''"


def judge_collection(database: Database, settings: PrepareSettings) -> None:
    """Write the late reasons of this run; what an earlier run wrote is taken back first."""
    database.execute("update clips set late_reason = '' where late_reason != ''")
    database.execute(
        f"update clips set late_reason = 'alignment: ' || doubt where {KEPT} and doubt != ''", (database.run,)
    )
    _rates(database, settings.collection)
    _same_sound(database)
    _same_text(database, settings.collection)
    if settings.split.mode == "speaker":
        _shared_texts(database)
    database.commit()


def _drop(database: Database, ids: list[tuple[str, str]]) -> None:
    for id, reason in ids:
        database.execute("update clips set late_reason = ? where id = ?", (reason, id))


def _rates(database: Database, settings: CollectionSettings) -> None:
    """Characters per second against the language's own median, in robust standard deviations of the logarithm."""
    for (language,) in database.execute(
        f"select distinct language from clips where {KEPT}", (database.run,)
    ).fetchall():
        rows = database.execute(
            f"select rate from clips where {KEPT} and language = ? and rate > 0", (database.run, language)
        )
        logs = [math.log(rate) for (rate,) in rows]
        if len(logs) < settings.min_clips_for_rate:
            continue
        middle = statistics.median(logs)
        spread = 1.4826 * statistics.median(abs(x - middle) for x in logs)
        reach = max(spread, 0.05) * settings.max_rate_deviation
        for sign, low, high in (
            ("few", 0.0, math.exp(middle - reach)),
            ("many", math.exp(middle + reach), 1e9),
        ):
            database.execute(
                f"update clips set late_reason = 'rate: unusually {sign} characters for the language' "
                f"where {KEPT} and language = ? and rate > ? and rate < ?",
                (database.run, language, low, high),
            )


def _same_sound(database: Database) -> None:
    """Of clips with equal samples only the first stays."""
    database.execute(
        "update clips set late_reason = 'duplicates: same audio' where id in (select id from (select id, "
        f"row_number() over (partition by audio_sha order by position) as nth from clips where {KEPT}) where nth > 1)",
        (database.run,),
    )


def _same_text(database: Database, settings: CollectionSettings) -> None:
    """Within one text: the same recording encoded twice, and one speaker's readings beyond the allowed number."""
    texts = database.execute(
        f"select text_key from clips where {KEPT} group by text_key having count(*) > 1", (database.run,)
    ).fetchall()
    for (key,) in texts:
        rows = database.execute(
            f"select id, speaker, duration, likeness from clips where {KEPT} and text_key = ? order by position",
            (database.run, key),
        ).fetchall()
        near = _near(rows)
        _drop(database, near)
        gone = {id for id, _reason in near}
        spoken: dict[str, int] = {}
        surplus = []
        for id, speaker, _duration, _likeness in rows:
            if id in gone:
                continue
            spoken[speaker] = spoken.get(speaker, 0) + 1
            if speaker and spoken[speaker] > settings.readings_per_speaker:
                surplus.append((id, "duplicates: same text by the same speaker"))
        _drop(database, surplus)


def _near(rows: list[tuple[Any, ...]]) -> list[tuple[str, str]]:
    """Later ones of each pair of like duration and like sound; neighbours in duration are compared."""
    found: dict[str, str] = {}
    order = sorted(range(len(rows)), key=lambda index: rows[index][2])
    for at, first in enumerate(order):
        for second in order[at + 1 :]:
            if rows[second][2] - rows[first][2] > NEAR_SECONDS:
                break
            if different_bits(rows[first][3], rows[second][3]) <= NEAR_BITS:
                found[rows[max(first, second)][0]] = "duplicates: same recording, encoded again"
    return list(found.items())


def _shared_texts(database: Database) -> None:
    """Speakers decide the split, so a text may stand in several: training gives it up, then validation."""
    for giving, holding in (("train", "'val', 'test'"), ("val", "'test'")):
        database.execute(
            f"update clips set late_reason = 'split: text is held out' where {KEPT} and split = ? and text_key in "
            f"(select text_key from clips where {KEPT} and split in ({holding}))",
            (database.run, giving, database.run),
        )
