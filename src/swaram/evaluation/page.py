"""``report.html``: one page, nothing fetched from anywhere: tables, plots, spectrograms and players."""

import unicodedata
from collections.abc import Iterator
from html import escape
from typing import Any

from swaram.evaluation.bootstrap import POOLED
from swaram.evaluation.measures import Pair
from swaram.evaluation.mel_cepstral import FRAME_SECONDS
from swaram.evaluation.metrics import GROUPS, METRICS, Metric
from swaram.evaluation.plots import contours, intervals, player, spectrogram
from swaram.evaluation.robustness import CATEGORIES, FAULTS, NATURAL, Trial
from swaram.evaluation.run import Evaluation
from swaram.prepare.page import STYLE as SHARED_STYLE

STYLE = (
    SHARED_STYLE
    + """
:root{--natural:#2f8f5b;--scale:#8a93a0}
@media(prefers-color-scheme:dark){:root{--natural:#6fd29b;--scale:#77818d}}
svg .natural{fill:var(--natural);stroke:var(--natural)}svg .synthetic{fill:var(--fill);stroke:var(--fill)}
.clip,.heard{overflow-wrap:anywhere}
svg .scale{fill:var(--scale);stroke:var(--scale)}.key b{padding-left:14px}.key b::before{content:"● "}
.key .natural{color:var(--natural)}.key .synthetic{color:var(--fill)}.key .scale{color:var(--scale)}
td.n small{color:var(--soft)}.two{display:grid;grid-template-columns:1fr 1fr;gap:14px}
.two img{width:100%;height:130px;image-rendering:auto;display:block;border-radius:4px;object-fit:fill}
.pair{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;margin:14px 0}
.pair audio{width:100%;height:34px;margin-top:6px}.pair svg{max-width:520px;margin-top:8px}.heard{color:var(--soft)}
.heard ins{color:var(--bad);text-decoration:none;font-weight:600}.note{font-size:13px}
details{margin:10px 0}summary{cursor:pointer;font-weight:600}
@media(max-width:640px){.two{grid-template-columns:1fr}}
"""
)
SIDES = {"natural": "Natural", "synthetic": "Synthetic", "scale": "Scale"}


def render(evaluation: Evaluation, pairs: list[Pair], trials: list[Trial]) -> Iterator[str]:
    """Yield the page piece by piece; ``pairs`` and ``trials`` are those to be heard on it."""
    metrics = evaluation.metrics
    subject, data = metrics["subject"], metrics["data"]
    yield from head(f"Evaluation of {subject['name']}")
    yield f"<p>{data['clips']} recordings of {data['sentences']} sentences by {data['readers']} people, of the split "
    yield f"<b>{escape(data['split'])}</b>: the voice never saw these sentences. Every figure is a mean with its 95 % "
    yield f"interval, {metrics['settings']['bootstrap_draws']:,} bootstrap draws of sentences.</p>"
    yield "<div class='figures'>"
    pooled = metrics["scopes"][POOLED]
    for name, side in (("cer", "synthetic"), ("cer", "natural"), ("ctc_cost", "synthetic"), ("ctc_cost", "natural")):
        if side in pooled.get(name, {}):
            title = {"cer": "character error rate", "ctc_cost": "CTC cost"}[name]
            yield f"<div><b>{pooled[name][side]['value']:.3f}</b><span>{title}, {side}</span></div>"
    speed = metrics["speed"]
    yield f"<div><b>{speed['real_time_factor']['value']:.3f}</b><span>real-time factor</span></div>"
    yield f"<div><b>{1000 * speed['first_audio_seconds']['value']:.0f} ms</b><span>to first audio</span></div></div>"
    yield from not_measured(metrics["not_measured"])
    for scope, rows in metrics["scopes"].items():
        if scope == POOLED:
            yield "<h2>All speakers</h2>"
            yield from table(rows)
        else:
            yield f"<details><summary>{escape(scope)}, {data['speakers'][scope]} recordings of their own</summary>"
            yield from table(rows)
            yield "</details>"
    yield "<h2>Side by side</h2><p class='key'><b class='natural'>natural</b><b class='synthetic'>synthetic</b>"
    yield "<b class='scale'>scale</b>: what the metric gives for something known</p><div class='grid'>"
    for metric in METRICS:
        yield plot(metric, metrics["scopes"])
    yield "</div>"
    yield from _confusions(metrics["confusions"])
    yield from _robustness(metrics["robustness"])
    yield "<h2>Natural beside synthetic</h2><p class='key'><b class='natural'>natural</b><b class='synthetic'>synthetic"
    yield "</b>: pitch. Letters that the judge misheard are coloured.</p>" + ("" if pairs else "<p>None.</p>")
    for pair in pairs:
        yield _pair(pair)
    yield "<h2>Texts that voices stumble over</h2><div class='grid'>"
    for trial in trials:
        yield _trial(trial)
    yield "</div>"
    yield from foot(metrics)


def head(title: str) -> Iterator[str]:
    """Everything up to the first heading."""
    yield f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
    yield "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    yield f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>"


def foot(metrics: dict[str, Any]) -> Iterator[str]:
    """What was measured with what, whose recordings these are, and the end of the page."""
    subject, judge = metrics["subject"], metrics["judge"]
    scales = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in subject["scales"].items())
    training = ", ".join(f"{key} {value}" for key, value in subject["training"].items())
    versions = ", ".join(f"{name} {version}" for name, version in metrics["versions"].items() if version)
    yield "<h2>How this was measured</h2><p class='note'>"
    yield f"Voice {escape(subject['voice'])} ({escape(training)}); {escape(scales)}, seed {subject['seed']}. "
    listened = f"{judge['kind']} {judge['name']}" if judge else "none"
    yield f"Judge: {escape(listened)}. {escape(versions)}. "
    yield f"{metrics['seconds']:.0f} s in all. What each figure means: docs/evaluation.md.</p>"
    for line in metrics["data"]["attribution"]:
        yield f"<p class='note'>Recordings: {escape(line)}</p>"
    yield "</main></body></html>\n"


def not_measured(reasons: dict[str, str]) -> Iterator[str]:
    """A list of what is missing, and why."""
    if reasons:
        yield "<h2>Not measured</h2><ul>"
        for name, reason in reasons.items():
            yield f"<li>{escape(GROUPS.get(name, name))}: {escape(reason)}</li>"
        yield "</ul>"


def cell(estimate: dict[str, Any] | None, digits: int) -> str:
    """A table cell: the value, and its interval below."""
    if not estimate or estimate["value"] is None:
        return "<td class='n'></td>"
    shown = f"{estimate['value']:.{digits}f}"
    if estimate.get("low") is not None:
        shown += f"<br><small>{estimate['low']:.{digits}f} to {estimate['high']:.{digits}f}</small>"
    return f"<td class='n'>{shown}</td>"


def table(rows: dict[str, Any]) -> Iterator[str]:
    """The metrics of one scope, natural beside synthetic."""
    yield "<div class='wide'><table><tr><th>Metric</th><th class='n'>Natural</th><th class='n'>Synthetic</th>"
    yield "<th class='n'>Ratio</th><th class='n'>Scale</th><th>The scale is</th><th class='n'>Clips</th></tr>"
    for group, title in GROUPS.items():
        shown = [metric for metric in METRICS if metric.group == group and metric.name in rows]
        if shown:
            yield f"<tr class='none'><td colspan='7'><b>{title}</b></td></tr>"
        for metric in shown:
            row = rows[metric.name]
            wish = {"lower": "less is better", "higher": "more is better", "one": "1 is the same length"}
            unit = ", ".join(part for part in (metric.unit, wish.get(metric.better, "as natural is best")) if part)
            yield f"<tr><td>{metric.title}<br><small class='heard'>{unit}</small></td>"
            for side in ("natural", "synthetic"):
                yield cell(row.get(side), metric.digits)
            yield cell(row.get("ratio"), 2) + cell(row.get("scale"), metric.digits)
            clips = row.get("synthetic", {}).get("count", "")
            yield f"<td class='why'>{metric.scale}</td><td class='n'>{clips}</td></tr>"
    yield "</table></div>"


def plot(metric: Metric, scopes: dict[str, Any]) -> str:
    """One metric, all scopes and sides."""
    rows = [
        ("all" if scope == POOLED else scope, side, found[metric.name][side])
        for scope, found in scopes.items()
        for side in SIDES
        if side in found.get(metric.name, {})
    ]
    if not rows:
        return ""
    return (
        f"<figure><figcaption>{metric.title} <small>{metric.unit}</small></figcaption>"
        f"{intervals(rows, metric.title)}</figure>"
    )


def _confusions(found: dict[str, Any]) -> Iterator[str]:
    yield "<h2>What the judge mishears</h2><p>Most frequent first: intended, heard, and how often of how many. What is "
    yield "misheard of recordings too says as much of the judge as of the voice.</p><div class='two'>"
    for side in ("natural", "synthetic"):
        yield f"<div><b>{SIDES[side]}</b><table><tr><th>Intended</th><th>Heard</th><th class='n'>Times</th>"
        yield "<th class='n'>Of</th></tr>"
        for row in found[side][:15]:
            yield f"<tr><td>{_shown(row['intended'])}</td><td>{_shown(row['heard'])}</td>"
            yield f"<td class='n'>{row['count']}</td><td class='n'>{row['of']}</td></tr>"
        yield "</table></div>"
    yield "</div>"


def _shown(symbol: str) -> str:
    if not symbol:
        return "<small class='heard'>nothing</small>"
    if symbol == " ":
        return "<small class='heard'>space</small>"
    return ("◌" if unicodedata.category(symbol)[0] == "M" else "") + escape(symbol)


def _robustness(found: dict[str, Any]) -> Iterator[str]:
    yield "<h2>Robustness</h2><p>Share of texts with a fault; below, the same faults looked for in the recordings.</p>"
    yield "<div class='wide'><table><tr><th>Texts</th><th class='n'>Number</th>"
    yield "".join(f"<th class='n'>{title}</th>" for title in FAULTS.values()) + "</tr>"
    for category, title in {**CATEGORIES, NATURAL: "Natural recordings"}.items():
        rates = found["rates"].get(category) or {}
        number = max((rate["count"] for rate in rates.values()), default=0)
        if number:
            yield f"<tr><td>{title}</td><td class='n'>{number}</td>"
            yield "".join(cell(rates.get(fault), 2) for fault in FAULTS) + "</tr>"
    yield "</table></div>"
    words = found["words"]
    yield f"<p>Of {words['judged']:,} words that the judge was asked about, {words['missing']} were left out and "
    yield f"{words['repeated']} said twice.</p>"


def _pair(pair: Pair) -> str:
    sides = ""
    for side, sound in (("natural", pair.natural), ("synthetic", pair.synthetic)):
        hearing = sound.found.get("hearing")
        cost = f", CTC cost {hearing.costs[0]:.2f}" if hearing and hearing.costs else ""
        sides += (
            f"<div><b>{SIDES[side]}</b> <small class='heard'>{sound.duration:.2f} s{cost}</small>"
            f"{spectrogram(sound.audio, sound.sample_rate, f'{side} spectrogram')}"
            f"{player(sound.audio, sound.sample_rate)}<div class='heard'>{_heard(sound.text, hearing)}</div></div>"
        )
    pitch = ""
    if "acoustics" in pair.natural.found and "acoustics" in pair.synthetic.found:
        own, spoken = pair.natural.found["acoustics"].f0, pair.synthetic.found["acoustics"].f0
        pitch = contours(own, spoken, FRAME_SECONDS)
    return (
        f"<div class='pair'><b>{escape(pair.clip.text)}</b> <small class='heard'>{escape(pair.speaker)}</small>"
        f"<div class='two'>{sides}</div>{pitch}</div>"
    )


def _heard(text: str, hearing: Any) -> str:
    from swaram.evaluation.intelligibility import align, letters

    if hearing is None:
        return ""
    # A mark belongs to the letter before it: what is coloured is always a whole syllable sign.
    written: list[tuple[str, bool]] = []
    for intended, heard in align(letters(text), hearing.transcript).pairs:
        wrong = intended != heard
        if written and heard and unicodedata.category(heard)[0] == "M":
            before, was_wrong = written.pop()
            written.append((before + heard, wrong or was_wrong))
        elif heard or not (written and written[-1][1]):
            written.append((heard or "·", wrong))
    return "heard: " + "".join(f"<ins>{escape(part)}</ins>" if wrong else escape(part) for part, wrong in written)


def _trial(trial: Trial) -> str:
    faults = ", ".join(FAULTS[fault] for fault in trial.faults)
    words = " ".join((*trial.missing, *trial.repeated))
    shown = f"<b>{escape(faults)}</b> {escape(words)}<br>" if faults else ""
    heard = f"<br><span class='heard'>heard: {escape(trial.heard)}</span>" if trial.heard is not None else ""
    sound = player(trial.sound.audio, trial.sound.sample_rate) if trial.sound else f"<p>{escape(trial.error)}</p>"
    return (
        f"<div class='clip'>{shown}{escape(trial.text)}{heard}<br><code>{CATEGORIES[trial.category]}, "
        f"{escape(trial.speaker)}</code>{sound}</div>"
    )
