"""Two voices evaluated at once on two nodes: the figures of the local run, apart from how long it took."""

import json

import pytest

pytest.importorskip("ray", reason="what needs Ray is run by make soak, in an environment of its own")

import ray

from swaram.cluster.errors import ClusterError
from swaram.cluster.evaluation import Asked, evaluate_many, evaluate_one
from swaram.evaluation.side_by_side import side_by_side
from tests.evaluation.fixtures import deaf_judge, prepared, toy_voice

__all__ = ["deaf_judge", "prepared", "toy_voice"]


def untimed(metrics):
    kept = {k: v for k, v in metrics.items() if k not in ("speed", "seconds", "versions", "utterances")}
    return json.loads(json.dumps(kept))


def asked(voice, prepared, judge, **more):
    given = {"data": str(prepared), "split": "test", "facts": None, "language": None, "speakers": (), "limit": 1}
    return Asked(voice=str(voice), judge=judge, **(given | {"scales": (None, None, None), "seed": 0} | more))


def test_two_voices_have_the_figures_of_the_local_run(cluster, toy_voice, prepared, deaf_judge):
    both = [asked(toy_voice, prepared, deaf_judge, seed=seed) for seed in (0, 5)]
    found = evaluate_many(ray, both)
    for one, (metrics, files) in zip(both, found, strict=True):
        here, _ = evaluate_one(one, lambda text: None)
        assert untimed(metrics) == untimed(here)
        assert set(files) == {"metrics.json", "report.html"}
    table = side_by_side([metrics for metrics, _ in found])
    assert table["names"] == ["toy", "toy"] and len(table["metrics"]["cer"]["voices"]) == 2


def test_what_a_node_lacks_is_said_before_work(cluster, toy_voice, prepared, deaf_judge, tmp_path):
    with pytest.raises(ClusterError, match=r"node .+: there is no folder .+ here"):
        evaluate_many(ray, [asked(toy_voice, tmp_path / "nowhere", deaf_judge)])
    with pytest.raises(ClusterError, match=r"node .+: nobody: no such voice"):
        evaluate_many(ray, [asked("nobody", prepared, deaf_judge)])
