"""What was kept and what was left out, in numbers: ``report.json``, and the page made from it."""

import json
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swaram.config.prepare import PrepareSettings
from swaram.prepare.clip import GATES
from swaram.prepare.database import Database
from swaram.prepare.writer import whole_file

KEPT = "reason = '' and late_reason = ''"
# Measure of the manifest: title, unit, first and last edge, number of bins; what lies beyond is in the end bins.
HISTOGRAMS: dict[str, tuple[str, str, float, float, int]] = {
    "duration": ("Duration", "s", 0.0, 16.0, 32),
    "speech_level": ("Level of the speech as recorded", "dBFS", -50.0, 0.0, 25),
    "snr": ("Signal to noise", "dB", 0.0, 80.0, 32),
    "characters_per_second": ("Speaking rate", "characters a second", 0.0, 30.0, 30),
    "bandwidth": ("Band width as recorded", "Hz", 0.0, 24_000.0, 24),
    "longest_pause": ("Longest inner silence as recorded", "s", 0.0, 2.0, 20),
}


@dataclass(frozen=True)
class Sample:
    """A clip to listen to on the page; ``audio`` is a whole FLAC or WAV file."""

    id: str
    reason: str
    transcript: str
    audio: bytes


def totals(database: Database, settings: PrepareSettings) -> dict[str, Any]:
    """Clips and seconds: read, kept, dropped by reason, through the funnel, by split, by speaker.

    ``source_seconds`` are as recorded, ``seconds`` as written.
    """

    def grouped(where: str, group: str, order: str = "count(*) desc, 1") -> list[dict[str, Any]]:
        cursor = database.execute(
            f"select {group}, count(*), coalesce(sum(seconds), 0), coalesce(sum(duration), 0) from clips "
            f"where run = ? and {where} group by {group} order by {order}",
            (database.run,),
        )
        return [
            {"name": name, "clips": clips, "source_seconds": round(before, 3), "seconds": round(after, 3)}
            for name, clips, before, after in cursor
        ]

    read = grouped("1", "'all'") or [{"name": "all", "clips": 0, "source_seconds": 0.0, "seconds": 0.0}]
    dropped = grouped(f"not ({KEPT})", "reason || late_reason")
    shortened = database.execute(
        "select count(*), coalesce(sum(json_extract(row, '$.pauses_shortened')), 0) from clips "
        f"where run = ? and {KEPT} and json_extract(row, '$.pauses_shortened') > 0",
        (database.run,),
    ).fetchone()
    return {
        "read": read,
        "kept": grouped(KEPT, "'all'"),
        "dropped": dropped,
        "funnel": funnel(read[0], dropped),
        "splits": grouped(KEPT, "split"),
        "speakers": grouped(KEPT, "speaker"),
        "splitting": splitting(database),
        "noise": noise(database),
        "pauses_shortened": {"clips": shortened[0], "pauses": shortened[1]},
        "settings": settings.model_dump(),
    }


def splitting(database: Database) -> dict[str, Any]:
    """What cutting brought: recordings that were cut, their pieces, and the seconds kept (as recorded) without them
    and with them."""
    part, run = "json_extract(row, '$.part_of')", (database.run,)

    def sums(where: str) -> tuple[int, float]:
        clips, seconds = database.execute(
            f"select count(*), coalesce(sum(seconds), 0) from clips where run = ? and {where}", run
        ).fetchone()
        return clips, round(seconds, 3)

    recordings = database.execute(
        f"select count(distinct {part}) from clips where run = ? and {part} != ''", run
    ).fetchone()
    pieces, seconds = sums(f"{part} != ''")
    kept_pieces, kept_seconds = sums(f"{part} != '' and {KEPT}")
    _, without = sums(f"{part} = '' and {KEPT}")
    return {
        "recordings": recordings[0], "source_seconds": seconds, "pieces": pieces, "kept_pieces": kept_pieces,
        "kept_source_seconds": kept_seconds, "kept_without": without, "kept_with": round(without + kept_seconds, 3),
    }  # fmt: skip


def noise(database: Database) -> dict[str, dict[str, Any]]:
    """Clips by what is heard between their words, steady or not: kept, left out for it, and the middle ratio in dB of
    those left out (of those kept where there are none)."""
    found: dict[str, dict[str, Any]] = {}
    for kind in ("steady", "comes and goes"):
        rows = database.execute(
            "select reason || late_reason, json_extract(row, '$.snr') from clips where run = ? and "
            "json_extract(row, '$.background') like ? and json_extract(row, '$.snr') is not null",
            (database.run, f"{kind}%"),
        ).fetchall()
        out = [snr for reason, snr in rows if reason.startswith("noise")]
        kept = [snr for reason, snr in rows if not reason]
        middle = statistics.median(out or kept) if out or kept else 0.0
        found[kind] = {"kept": len(kept), "dropped": len(out), "snr": round(middle, 1)}
    return found


def funnel(read: dict[str, Any], dropped: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each gate in order: clips and seconds that reached it, and that it left out."""
    clips, seconds = read["clips"], read["source_seconds"]
    rows = []
    for gate in GATES:
        own = [row for row in dropped if row["name"].split(":")[0] == gate]
        out, lost = sum(row["clips"] for row in own), sum(row["source_seconds"] for row in own)
        rows.append(
            {
                "gate": gate, "clips_in": clips, "source_seconds_in": round(seconds, 3),
                "clips_dropped": out, "source_seconds_dropped": round(lost, 3),
            }
        )  # fmt: skip
        clips, seconds = clips - out, seconds - lost
    return rows


def collect_samples(
    out: Path, database: Database, container: str, number: int = 10
) -> tuple[list[Sample], list[Sample]]:
    """Up to ``number`` kept and dropped clips, spread over the corpus and over the reasons.

    To be called before the audio of clips dropped late is deleted.
    """

    def written(id: str) -> bytes:
        path = out / "audio_files" / f"{id}.{container}"
        return path.read_bytes() if path.is_file() else b""

    kept = [
        Sample(id, "", json.loads(row)["transcript"], written(id))
        for id, row in database.execute(
            f"select id, row from clips where run = ? and {KEPT} order by audio_sha limit ?", (database.run, number)
        )
    ]
    early = database.execute(
        "select s.id, c.reason, c.row, s.audio, row_number() over (partition by c.reason order by c.position) as nth "
        "from samples s join clips c on c.id = s.id where c.run = ? and c.reason = s.reason order by nth, c.reason",
        (database.run,),
    ).fetchall()
    late = database.execute(
        "select id, late_reason, row, null, nth from (select *, row_number() over (partition by late_reason order by "
        "position) as nth from clips where run = ? and late_reason != '') where nth <= 3 order by nth, late_reason",
        (database.run,),
    ).fetchall()
    chosen = sorted(early + late, key=lambda found: (found[4], found[1]))[:number]
    return kept, [
        Sample(id, reason, json.loads(row)["raw_transcript"], audio or written(id))
        for id, reason, row, audio, _nth in chosen
    ]


def write_report(
    out: Path,
    database: Database,
    report: dict[str, Any],
    samples: tuple[list[Sample], list[Sample]],
) -> None:
    """Write ``report.json`` and ``report.html``; neither holds a time, so that equal runs write equal bytes."""
    from swaram.prepare.page import render

    report["histograms"], report["symbols"] = _distributions(database)
    with whole_file(out / "report.json") as file:
        json.dump(report, file, ensure_ascii=False, indent=1)
        file.write("\n")
    with whole_file(out / "report.html") as file:
        file.writelines(render(report, *samples))


def _distributions(database: Database) -> tuple[dict[str, Any], dict[str, dict[str, int]]]:
    """Histograms of the kept clips, and how often each symbol of each language's table is spoken."""
    from swaram.text.symbols import SymbolTable

    counts = {name: [0] * bins for name, (_title, _unit, _first, _last, bins) in HISTOGRAMS.items()}
    unknown: Counter[str] = Counter()
    symbols: dict[str, Counter[str]] = {}
    for row in database.rows(kept=True):
        for name, (_title, _unit, first, last, bins) in HISTOGRAMS.items():
            value = row.get(name)
            if value is None:
                unknown[name] += 1
            else:
                place = int((value - first) / (last - first) * bins)
                counts[name][min(max(place, 0), bins - 1)] += 1
        symbols.setdefault(row["language"], Counter()).update(row["transcript"])
    histograms = {
        name: {
            "title": title,
            "unit": unit,
            "first": first,
            "last": last,
            "counts": counts[name],
            "unknown": unknown[name],
        }
        for name, (title, unit, first, last, _bins) in HISTOGRAMS.items()
    }
    coverage = {}
    for language, found in sorted(symbols.items()):
        table = SymbolTable.for_languages(language).symbols[3:]
        coverage[language] = {symbol: found.get(symbol, 0) for symbol in table}
    return histograms, coverage
