"""What Ray itself says of versions that differ becomes one sentence; nodes answer for themselves."""

import pytest

pytest.importorskip("ray", reason="what needs Ray is run by make soak, in an environment of its own")

import ray

from swaram.cluster.connection import _refusal as refusal
from swaram.cluster.connection import check_nodes, joined, on_every_node, parse_address
from swaram.cluster.errors import ClusterError


def test_the_versions_that_ray_names_stand_in_the_sentence():
    from ray._private.utils import check_version_info

    with pytest.raises(RuntimeError) as said:
        check_version_info({"ray_version": "2.59.0", "python_version": "3.12.1"}, "here")
    told = refusal(parse_address("head:6379"), str(said.value))
    assert told.startswith("head:6379: the cluster runs other versions than this machine (Ray 2.59.0")
    assert "3.12.1" in told and "\n" not in told


def test_a_cluster_that_is_joined_stays_joined(cluster):
    with joined("auto") as found:
        assert found is ray
    assert ray.is_initialized()


def test_both_nodes_are_asked_and_agree(cluster, toy_folder):
    facts = check_nodes(ray, toy_folder, with_voices=True)
    assert len(facts) == 2 and {one.voices for one in facts} == {("toy",)}
    assert len({one.name for one in facts}) == 2


def _fail():
    raise ClusterError("does not see /data.")


def test_the_node_that_cannot_is_named(cluster):
    with pytest.raises(ClusterError, match=r"^node [0-9.]+ \([0-9a-f]{8}\): does not see /data\.$"):
        on_every_node(ray, _fail)
