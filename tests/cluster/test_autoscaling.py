"""How many replicas are wanted, from what each says of its next first sound."""

from types import SimpleNamespace

import pytest

from swaram.cluster.autoscaling import FULL, PRESSURE, pressure, replicas_wanted, wanted
from swaram.cluster.serving import APPLICATION, DEPLOYMENT, is_stopping, told_settings
from swaram.server.admission import Admission
from swaram.server.metrics import Metrics
from swaram.server.protocol import RequestError
from swaram.server.settings import ServerSettings


def context(told, running=2, target=2, low=1, high=10):
    return SimpleNamespace(
        aggregated_metrics={PRESSURE: told} if told is not None else None,
        current_num_replicas=running,
        target_num_replicas=target,
        capacity_adjusted_min_replicas=low,
        capacity_adjusted_max_replicas=high,
    )


def test_pressure_is_the_nearer_of_places_and_first_sound():
    assert pressure(5, 10, 0.0, 0.15) == 0.5
    assert pressure(5, 10, 0.3, 0.15) == pytest.approx(2.0)
    assert pressure(10, 10, 0.0, 0.15, refused=10) == 2.0  # those who found no place wanted one


def test_replicas_grow_with_listeners_and_shrink_without():
    assert replicas_wanted(context({"a": 1.0, "b": 1.0}))[0] == 3
    assert replicas_wanted(context({"a": 2.0, "b": 2.0}))[0] == 5
    assert replicas_wanted(context({"a": FULL, "b": FULL}))[0] == 2
    assert replicas_wanted(context({"a": 0.1, "b": 0.1}))[0] == 1
    assert replicas_wanted(context({"a": 0.0}, low=2))[0] == 2
    assert replicas_wanted(context({"a": 50.0}))[0] == 10


def test_what_is_not_known_yet_changes_nothing():
    assert replicas_wanted(context(None, target=4))[0] == replicas_wanted(context({}, target=4))[0] == 4
    # One of two replicas has not said anything: it is taken for like the other.
    assert replicas_wanted(context({"a": FULL}, running=2))[0] == 2
    assert wanted([], 3, 9) == 3


def test_admission_predicts_the_first_sound_and_counts_whom_it_refuses():
    admission = Admission(ServerSettings(workers=2, max_streams=1), Metrics())
    for _ in range(200):
        admission.measure_step("decode", 0.05)
    assert admission.first_sound(4) == pytest.approx(0.1, rel=0.01)
    holder = SimpleNamespace(streams=0, grant=SimpleNamespace(streams=None), take=lambda _: 0.0)
    admission.enter(holder)
    with pytest.raises(RequestError):
        admission.admit(holder, 1, 0)
    assert admission.refused == 1


def test_a_replica_knows_from_the_controllers_list_that_it_is_being_stopped():
    replicas = [{"replica_id": "a", "state": "RUNNING"}, {"replica_id": "b", "state": "STOPPING"}]
    details = {"applications": {APPLICATION: {"deployments": {DEPLOYMENT: {"replicas": replicas}}}}}
    assert [is_stopping(details, name) for name in ("a", "b", "c")] == [False, True, False]
    assert not is_stopping({}, "a")  # a controller that was just started again


def test_tokens_of_one_replica_hold_at_the_others():
    told = told_settings(ServerSettings(workers=2))
    assert len(told["token_secret"]) >= 32 and ServerSettings(**told).token_secret is not None
    assert told_settings(ServerSettings(token_secret="x" * 40))["token_secret"] == "x" * 40
