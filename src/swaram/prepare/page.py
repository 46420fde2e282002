"""``report.html``: one page, nothing fetched from anywhere, with the funnel, the distributions and clips to play.

The page is ``templates/prepared.html``; ``environment`` is shared with the page of an evaluation.
"""

import base64
import unicodedata
from collections.abc import Iterator
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

SPEAKERS_SHOWN = 60


def environment(*packages: str) -> Environment:
    """Templates of this package and of others, by name; what is put into a page is escaped."""
    loaders = [PackageLoader(package) for package in (*packages, "swaram.prepare")]
    made = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"data_uri": _data_uri, "time": _time, "edge": _edge, "shown": _shown, "ord": ord}
    return made


def render(report: dict[str, Any], kept: list[Any], dropped: list[Any]) -> Iterator[str]:
    """Yield the page piece by piece; ``kept`` and ``dropped`` are samples with ``id, reason, transcript, audio``."""
    ordered = sorted(report["speakers"], key=lambda row: (-row["seconds"], row["name"]))
    yield from (
        environment()
        .get_template("prepared.html")
        .generate(
            report=report,
            kept_all=(report["kept"] or [{"clips": 0, "source_seconds": 0.0, "seconds": 0.0}])[0],
            speakers=ordered[:SPEAKERS_SHOWN],
            most_seconds=max((row["seconds"] for row in ordered), default=1.0) or 1.0,
            more_speakers=len(ordered[SPEAKERS_SHOWN:]),
            more_hours=sum(row["seconds"] for row in ordered[SPEAKERS_SHOWN:]) / 3600,
            kept=kept,
            dropped=dropped,
        )
    )


def _data_uri(audio: bytes) -> str:
    kind = "wav" if audio[:4] == b"RIFF" else "flac"
    return f"data:audio/{kind};base64,{base64.b64encode(audio).decode('ascii')}"


def _edge(data: dict[str, Any], index: int) -> str:
    """Where bar ``index`` of a histogram begins."""
    return f"{data['first'] + (data['last'] - data['first']) * index / len(data['counts']):g}"


def _shown(symbol: str) -> str:
    """A symbol as one sees it: signs on a dotted circle, spaces and invisible ones by name."""
    if symbol == " ":
        return "space"
    if symbol and unicodedata.category(symbol) in ("Cf", "Zs"):
        return f"U+{ord(symbol):04X}"
    return ("◌" if symbol and unicodedata.category(symbol)[0] == "M" else "") + symbol


def _time(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 7200 else f"{seconds / 60:,.1f} min"
