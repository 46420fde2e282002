"""Several evaluations in one table: ``side-by-side.json``. Differences with intervals: ``evaluation.comparison``."""

from collections.abc import Sequence
from typing import Any

from swaram.evaluation.metrics import METRICS

FORMAT_VERSION = 1
SPEEDS = ("real_time_factor", "first_audio_seconds")


def side_by_side(evaluations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of each ``metrics.json``, in the order given: the synthetic side of every metric over all speakers, and speeds.

    ``metrics``: name to ``{"natural": value or None, "voices": [value or None, ...]}``; ``natural`` as in the first.
    """
    pooled = [one["scopes"]["all"] for one in evaluations]
    rows = {}
    for metric in METRICS:
        found = [_value(scope, metric.name, "synthetic") for scope in pooled]
        if any(value is not None for value in found):
            rows[metric.name] = {"natural": _value(pooled[0], metric.name, "natural"), "voices": found}
    return {
        "format_version": FORMAT_VERSION,
        "names": [one["subject"]["name"] for one in evaluations],
        "clips": [one["data"]["clips"] for one in evaluations],
        "metrics": rows,
        "speed": {name: [one["speed"][name]["value"] for one in evaluations] for name in SPEEDS},
    }


def _value(scope: dict[str, Any], name: str, side: str) -> float | None:
    estimate = scope.get(name, {}).get(side)
    return None if estimate is None else float(estimate["value"])
