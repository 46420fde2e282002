"""``report.html``: one page, nothing fetched from anywhere, with the funnel, the distributions and clips to play."""

import base64
import unicodedata
from collections.abc import Iterator
from html import escape
from typing import Any

STYLE = """
:root{--ink:#1b2430;--soft:#5b6878;--line:#d9dfe6;--fill:#2f6f8f;--bad:#b4552d;--page:#fbfaf7;--card:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa7b5;--line:#333d49;--fill:#6fb3d2;--bad:#e08a5f;
--page:#14181d;--card:#1b2128}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,"Noto Sans","Noto Sans Malayalam",sans-serif}
main{max-width:1080px;margin:0 auto;padding:28px 20px 60px}h1{font-size:26px;margin:0 0 4px}
h2{font-size:18px;margin:36px 0 10px}p{margin:4px 0;color:var(--soft)}
.figures{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0}.figures div{background:var(--card);
border:1px solid var(--line);border-radius:8px;padding:10px 16px;min-width:150px}
.figures b{display:block;font-size:22px;font-variant-numeric:tabular-nums}.figures span{color:var(--soft)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;background:var(--card)}
th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.none td{color:var(--soft)}td.why{color:var(--soft);font-size:13px}
.bar{height:9px;background:var(--fill);border-radius:2px;min-width:1px}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:14px}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px}
figcaption{font-weight:600}figcaption small{font-weight:400;color:var(--soft)}svg{width:100%;height:auto;display:block}
svg rect{fill:var(--fill)}svg text{fill:var(--soft);font-size:11px}svg line{stroke:var(--line)}
.symbols{display:flex;flex-wrap:wrap;gap:4px}.symbols span{background:var(--card);border:1px solid var(--line);
border-radius:5px;padding:2px 7px;min-width:38px;text-align:center;font-size:17px}
.symbols small{display:block;font-size:11px;color:var(--soft);font-variant-numeric:tabular-nums}
.symbols .zero{border-color:var(--bad)}.symbols .zero small{color:var(--bad)}
.clip{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.clip audio{width:100%;height:34px;margin-top:6px}.clip b{color:var(--bad)}.clip code{color:var(--soft);font-size:12px;
overflow-wrap:anywhere}
"""
SPEAKERS_SHOWN = 60


def render(report: dict[str, Any], kept: list[Any], dropped: list[Any]) -> Iterator[str]:
    """Yield the page piece by piece; ``kept`` and ``dropped`` are samples with ``id, reason, transcript, audio``."""
    read = report["read"][0]
    all_kept = (report["kept"] or [{"clips": 0, "source_seconds": 0.0, "seconds": 0.0}])[0]
    yield "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>Prepared speech</title>"
    yield "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    yield f"<style>{STYLE}</style></head><body><main><h1>Prepared speech</h1>"
    yield "<p>What preparation kept, what it left out, and why.</p><div class='figures'>"
    for value, name in (
        (f"{read['clips']:,}", "clips read"),
        (_time(read["source_seconds"]), "of recordings read"),
        (f"{all_kept['clips']:,}", "clips kept"),
        (_time(all_kept["seconds"]), "of speech kept, trimmed"),
        (f"{len(report['speakers']):,}", "speakers kept"),
        (f"{report['pauses_shortened']['pauses']:,}", "long pauses shortened"),
    ):
        yield f"<div><b>{value}</b><span>{name}</span></div>"
    yield "</div>"
    yield from _funnel(report)
    yield from _splits(report)
    yield from _speakers(report["speakers"])
    yield "<h2>Distributions of the kept clips</h2><div class='grid'>"
    for histogram in report["histograms"].values():
        yield _histogram(histogram)
    yield "</div>"
    yield from _symbols(report["symbols"])
    yield from _clips(f"{len(kept)} kept clips", kept)
    yield from _clips(f"{len(dropped)} dropped clips", dropped)
    yield "</main></body></html>\n"


def _funnel(report: dict[str, Any]) -> Iterator[str]:
    yield "<h2>The funnel</h2><div class='wide'><table><tr><th>Gate</th><th class='n'>Clips in</th>"
    yield "<th class='n'>Minutes in</th><th class='n'>Clips dropped</th><th class='n'>Minutes dropped</th>"
    yield "<th style='width:34%'>Why</th></tr>"
    for row in report["funnel"]:
        why = "<br>".join(
            f"{escape(d['name'].partition(': ')[2])}: {d['clips']:,} ({d['source_seconds'] / 60:.1f} min)"
            for d in report["dropped"]
            if d["name"].split(":")[0] == row["gate"]
        )
        yield f"<tr class='{'' if row['clips_dropped'] else 'none'}'><td>{row['gate']}</td>"
        yield f"<td class='n'>{row['clips_in']:,}</td><td class='n'>{row['source_seconds_in'] / 60:,.1f}</td>"
        yield f"<td class='n'>{row['clips_dropped']:,}</td>"
        yield f"<td class='n'>{row['source_seconds_dropped'] / 60:,.1f}</td><td class='why'>{why}</td></tr>"
    yield "</table></div>"


def _splits(report: dict[str, Any]) -> Iterator[str]:
    yield "<h2>Splits</h2><table><tr><th>Split</th><th class='n'>Clips</th><th class='n'>Minutes</th></tr>"
    for row in report["splits"]:
        yield f"<tr><td>{row['name']}</td><td class='n'>{row['clips']:,}</td>"
        yield f"<td class='n'>{row['seconds'] / 60:,.1f}</td></tr>"
    yield "</table>"


def _speakers(speakers: list[dict[str, Any]]) -> Iterator[str]:
    ordered = sorted(speakers, key=lambda row: (-row["seconds"], row["name"]))
    most = max((row["seconds"] for row in ordered), default=1.0) or 1.0
    yield "<h2>Speakers</h2><div class='wide'><table><tr><th>Speaker</th><th class='n'>Clips</th>"
    yield "<th class='n'>Hours</th><th style='width:45%'></th></tr>"
    for row in ordered[:SPEAKERS_SHOWN]:
        yield f"<tr><td>{escape(row['name'] or 'not named')}</td><td class='n'>{row['clips']:,}</td>"
        yield f"<td class='n'>{row['seconds'] / 3600:.3f}</td>"
        yield f"<td><div class='bar' style='width:{100 * row['seconds'] / most:.1f}%'></div></td></tr>"
    yield "</table></div>"
    if len(ordered) > SPEAKERS_SHOWN:
        rest = sum(row["seconds"] for row in ordered[SPEAKERS_SHOWN:]) / 3600
        yield f"<p>and {len(ordered) - SPEAKERS_SHOWN:,} more speakers with {rest:.2f} hours.</p>"


def _histogram(data: dict[str, Any]) -> str:
    counts, most = data["counts"], max(max(data["counts"]), 1)
    width = 300 / len(counts)
    bars = "".join(
        f"<rect x='{i * width + 0.5:.2f}' y='{110 - 100 * n / most:.2f}' width='{width - 1:.2f}' "
        f"height='{100 * n / most:.2f}'><title>{_edge(data, i)} to {_edge(data, i + 1)} {data['unit']}: {n:,}"
        "</title></rect>"
        for i, n in enumerate(counts)
    )
    unknown = f"; {data['unknown']:,} could not be measured" if data["unknown"] else ""
    return (
        f"<figure><figcaption>{data['title']} <small>{data['unit']}, most in one bar {most:,}{unknown}</small>"
        f"</figcaption><svg viewBox='0 0 300 126' role='img' aria-label='{data['title']}'>{bars}"
        f"<line x1='0' x2='300' y1='110' y2='110'/><text x='0' y='123'>{data['first']:g}</text>"
        f"<text x='150' y='123' text-anchor='middle'>{(data['first'] + data['last']) / 2:g}</text>"
        f"<text x='300' y='123' text-anchor='end'>{data['last']:g}</text></svg></figure>"
    )


def _edge(data: dict[str, Any], index: int) -> str:
    return f"{data['first'] + (data['last'] - data['first']) * index / len(data['counts']):g}"


def _symbols(symbols: dict[str, dict[str, int]]) -> Iterator[str]:
    for language, counts in symbols.items():
        missing = sum(1 for count in counts.values() if not count)
        yield f"<h2>Symbols of {escape(language)}</h2><p>{len(counts) - missing} of {len(counts)} are spoken; "
        yield "the voice cannot learn the others.</p><div class='symbols'>"
        for symbol, count in counts.items():
            shown = _shown(symbol)
            yield f"<span class='{'' if count else 'zero'}' title='U+{ord(symbol):04X}'>{escape(shown)}"
            yield f"<small>{count:,}</small></span>"
        yield "</div>"


def _shown(symbol: str) -> str:
    if symbol == " ":
        return "space"
    if unicodedata.category(symbol) in ("Cf", "Zs"):
        return f"U+{ord(symbol):04X}"
    return ("◌" if unicodedata.category(symbol)[0] == "M" else "") + symbol


def _clips(title: str, samples: list[Any]) -> Iterator[str]:
    yield f"<h2>{title}</h2>" + ("" if samples else "<p>None.</p>") + "<div class='grid'>"
    for sample in samples:
        kind = "wav" if sample.audio[:4] == b"RIFF" else "flac"
        data = base64.b64encode(sample.audio).decode("ascii")
        yield "<div class='clip'>" + (f"<b>{escape(sample.reason)}</b><br>" if sample.reason else "")
        yield f"{escape(sample.transcript)}<br><code>{escape(sample.id)}</code>"
        yield f"<audio controls preload='none' src='data:audio/{kind};base64,{data}'></audio></div>"
    yield "</div>"


def _time(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 7200 else f"{seconds / 60:,.1f} min"
