"""Two voices, or two checkpoints of one, on the same sentences: paired differences and both to hear."""

from collections.abc import Iterator
from typing import Any

from swaram.evaluation.bootstrap import Bootstrap, Observation
from swaram.evaluation.metrics import METRICS
from swaram.evaluation.page import templates
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
    """Yield the page piece by piece: ``templates/comparison.html``."""
    faults = []
    for category, title in CATEGORIES.items():
        for fault, name in FAULTS.items():
            rates = [compared["robustness"][side].get(category, {}).get(fault) for side in ("a", "b")]
            if any(rate and rate["value"] for rate in rates):
                faults.append((title, name, *rates))
    keys = [key for key in one.measured.spoken if key in other.measured.spoken]
    keys = keys[:: max(1, len(keys) // PLAYED)][:PLAYED]
    yield from (
        templates()
        .get_template("comparison.html")
        .generate(
            compared=compared,
            missing={**one.metrics["not_measured"], **other.metrics["not_measured"]},
            metrics=other.metrics,
            verdict=verdict,
            robustness=faults,
            played=[(key[0], one.measured.spoken[key], other.measured.spoken[key]) for key in keys],
        )
    )


def verdict(better: str, difference: dict[str, Any], a: str, b: str) -> str:
    """The name of the better one, where the interval of the difference (b less a) says so."""
    if better not in ("lower", "higher") or difference["low"] is None or difference["low"] <= 0 <= difference["high"]:
        return ""
    return b if (difference["value"] > 0) == (better == "higher") else a
