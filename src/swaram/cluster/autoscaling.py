"""How many replicas a deployment needs, from what each of them predicts of its next first sound.

Ray Serve calls ``replicas_wanted`` with what each replica's ``record_autoscaling_stats`` says; its own delays for
growing and shrinking apply to the answer. ``benchmarks/scale.py`` calls ``wanted`` with the same numbers.
"""

import math
from collections.abc import Iterable
from typing import Any

PRESSURE = "pressure"
FULL = 0.8  # pressure that a replica is meant to have; beyond it new listeners soon wait, or are refused


def pressure(streams: int, capacity: int, first_sound: float, limit: float, refused: int = 0) -> float:
    """How near a replica is to making a new listener wait: 1 is where it refuses.

    ``first_sound``: predicted seconds until a new listener's first sound is begun; ``limit``: from where on new ones
    are refused; ``refused``: how many were, since the last look, each of whom wanted a place.
    """
    return max((streams + refused) / max(capacity, 1), first_sound / limit)


def wanted(pressures: Iterable[float], low: int, high: int) -> int:
    """Replicas that bring the mean pressure to ``FULL``; at least ``low``, at most ``high``."""
    found = [max(value, 0.0) for value in pressures]
    if not found:
        return low
    return max(low, min(high, math.ceil(sum(found) / FULL - 1e-9)))


def replicas_wanted(context: Any) -> tuple[int, dict[str, Any]]:
    """Ray Serve's policy: the number of replicas, and nothing to remember.

    ``context``: ``ray.serve.config.AutoscalingContext``. Until a replica has said something, nothing changes.
    """
    told = (context.aggregated_metrics or {}).get(PRESSURE, {})
    low, high = context.capacity_adjusted_min_replicas, context.capacity_adjusted_max_replicas
    if not told:
        return max(low, min(high, context.target_num_replicas)), {}
    running = max(len(told), context.current_num_replicas)
    mean = sum(told.values()) / len(told)
    return wanted([*told.values(), *[mean] * (running - len(told))], low, high), {}
