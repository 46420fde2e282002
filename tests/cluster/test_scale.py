"""The simulation behind docs/scale.md: its queue, and what it says where the answer is known."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def scale():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        found = importlib.util.spec_from_file_location("scale", BENCHMARKS / "scale.py")
        module = importlib.util.module_from_spec(found)
        sys.modules["scale"] = module
        found.loader.exec_module(module)
        import time

        from swaram.server import admission

        yield module
        admission.time = time
    finally:
        sys.path.remove(str(BENCHMARKS))
        sys.modules.pop("scale", None)


def request(frontend=0.05, window=0.05, sound=1.0, windows=4):
    return {
        "normalize": 0.0,
        "passages": [{"frontend": frontend, "windows": [[sound, window]] * windows}],
        "encode": 0.0,
    }


def test_a_single_listener_waits_for_front_end_and_first_window(scale):
    seen = scale.simulate([request()], workers=1, streams=1, seconds=20.0)
    assert seen.refused == seen.underruns == 0 and len(seen.first) >= 4
    assert seen.first == pytest.approx([0.1] * len(seen.first))
    assert seen.busy == pytest.approx(0.25 * len(seen.first))


def test_the_earliest_deadline_goes_first(scale):
    import random

    clock = scale.Clock()
    replica = scale.Replica(clock, [request()], 1, random.Random(0))
    order = []

    def wait(name, deadline):
        yield replica.step(deadline, "decode", 1.0)
        order.append((name, clock.now))

    for name, deadline in (("first", 9.0), ("late", 8.0), ("soon", 1.0)):
        clock.start(wait(name, deadline))
    clock.run(100.0)
    assert order == [("first", 1.0), ("soon", 2.0), ("late", 3.0)]


def test_more_listeners_than_fit_are_refused_by_the_servers_own_rule(scale):
    heavy = [request(frontend=0.2, window=0.2, sound=1.0)]  # a quarter of a worker each
    few, many = (scale.simulate(heavy, workers=1, streams=n, seconds=30.0) for n in (1, 10))
    assert few.refused == 0 and many.refused > 50
    assert many.busy < 30.0


def test_the_recorded_times_give_a_plan(scale):
    told = json.loads(scale.TIMES.read_text())
    assert told["voice"] == "malayalam" and len(told["requests"]) >= 12
    one = scale.simulate(told["requests"], workers=2, streams=4, seconds=20.0)
    assert one.underruns == one.refused == 0
    rushed = scale.rush(100, 2_000, 120.0, 30.0, 0.0, 2)
    calm = scale.rush(100, 2_000, 1_200.0, 30.0, 0.0, 2)
    assert rushed["replicas"] >= 20 and rushed["listener_seconds_without"] > calm["listener_seconds_without"]
