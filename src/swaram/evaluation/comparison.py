"""Two voices, or two checkpoints of one, on the same sentences: paired differences and both to hear."""

from collections.abc import Iterator
from html import escape
from typing import Any

from swaram.evaluation.bootstrap import Bootstrap, Observation
from swaram.evaluation.metrics import GROUPS, METRICS
from swaram.evaluation.page import cell, foot, head, not_measured
from swaram.evaluation.plots import player, spectrogram
from swaram.evaluation.robustness import CATEGORIES, FAULTS
from swaram.evaluation.run import Evaluation, Settings

PLAYED = 8


def compare(one: Evaluation, other: Evaluation, settings: Settings) -> dict[str, Any]:
    """Each metric of both, and the second less the first, over the sentences and speakers that both spoke.

    Speakers are matched by name; where no name is in both, all of one stand against all of the other.
    """
    names = [{o.speaker for o in e.measured.observations if o.side == "synthetic"} for e in (one, other)]
    shared = (names[0] & names[1]) or (names[0] | names[1])
    observations = [
        *_named(one.measured.observations, "a", shared),
        *_named(other.measured.observations, "b", shared),
        *(o for o in one.measured.observations if o.side == "natural" and (o.speaker in shared or o.speaker == "*")),
    ]
    bootstrap = Bootstrap(observations, settings.draws, settings.seed)
    rows: dict[str, Any] = {}
    for metric in METRICS:
        found = {side: bootstrap.mean(metric.name, side) for side in ("natural", "a", "b")}
        found["difference"] = bootstrap.difference(metric.name, "b", "a")
        if found["a"] and found["b"]:
            rows[metric.name] = {side: estimate.to_dict() for side, estimate in found.items() if estimate}
    return {
        "format_version": 1,
        "a": one.metrics["subject"],
        "b": other.metrics["subject"],
        "speakers": sorted(shared),
        "metrics": rows,
        "robustness": {side: e.metrics["robustness"]["rates"] for side, e in (("a", one), ("b", other))},
        "speed": {side: e.metrics["speed"] for side, e in (("a", one), ("b", other))},
    }


def _named(observations: list[Observation], side: str, speakers: set[str]) -> list[Observation]:
    return [
        Observation(o.metric, side, o.speaker, o.sentence, o.value, o.weight)
        for o in observations
        if o.side == "synthetic" and o.speaker in speakers
    ]


def render(compared: dict[str, Any], one: Evaluation, other: Evaluation) -> Iterator[str]:
    """Yield the page piece by piece."""
    a, b = escape(compared["a"]["name"]), escape(compared["b"]["name"])
    yield from head(f"{compared['a']['name']} and {compared['b']['name']}")
    yield f"<p>The same sentences spoken by both. The difference is {b} less {a}, with its paired 95 % interval; it is "
    yield "marked where the interval leaves out zero.</p>"
    yield from not_measured({**one.metrics["not_measured"], **other.metrics["not_measured"]})
    yield f"<div class='wide'><table><tr><th>Metric</th><th class='n'>Natural</th><th class='n'>{a}</th>"
    yield f"<th class='n'>{b}</th><th class='n'>Difference</th><th></th></tr>"
    for group, title in GROUPS.items():
        shown = [metric for metric in METRICS if metric.group == group and metric.name in compared["metrics"]]
        if shown:
            yield f"<tr class='none'><td colspan='6'><b>{title}</b></td></tr>"
        for metric in shown:
            row = compared["metrics"][metric.name]
            yield f"<tr><td>{metric.title} <small class='heard'>{metric.unit}</small></td>"
            for side in ("natural", "a", "b", "difference"):
                yield cell(row.get(side), metric.digits)
            yield f"<td>{verdict(metric.better, row['difference'], a, b)}</td></tr>"
    yield "</table></div><h2>Robustness</h2><p>Share of texts with a fault.</p><div class='wide'><table><tr>"
    yield f"<th>Texts</th><th>Fault</th><th class='n'>{a}</th><th class='n'>{b}</th></tr>"
    for category, title in CATEGORIES.items():
        for fault, name in FAULTS.items():
            rates = [compared["robustness"][side].get(category, {}).get(fault) for side in ("a", "b")]
            if any(rate and rate["value"] for rate in rates):
                yield f"<tr><td>{title}</td><td>{name}</td>{cell(rates[0], 2)}{cell(rates[1], 2)}</tr>"
    yield "</table></div><h2>To hear</h2>"
    keys = [key for key in one.measured.spoken if key in other.measured.spoken]
    for key in keys[:: max(1, len(keys) // PLAYED)][:PLAYED]:
        yield _both(key[0], (a, one.measured.spoken[key]), (b, other.measured.spoken[key]))
    yield from foot(other.metrics)


def verdict(better: str, difference: dict[str, Any], a: str, b: str) -> str:
    """Which one is better, where the interval of the difference (b less a) says so."""
    if better not in ("lower", "higher") or difference["low"] is None or difference["low"] <= 0 <= difference["high"]:
        return ""
    return f"<b>{b if (difference['value'] > 0) == (better == 'higher') else a}</b> is better"


def _both(speaker: str, *voices: tuple[str, Any]) -> str:
    sides = "".join(
        f"<div><b>{name}</b>{spectrogram(sound.audio, sound.sample_rate, f'spectrogram of {name}')}"
        f"{player(sound.audio, sound.sample_rate)}</div>"
        for name, sound in voices
    )
    text = escape(voices[0][1].text)
    said = f"<b>{text}</b> <small class='heard'>{escape(speaker)}</small>"
    return f"<div class='pair'>{said}<div class='two'>{sides}</div></div>"
