"""Preparation on a cluster: the same bytes as here, and an end of a worker or of a node costs what it had begun."""

import os
import signal
import threading
import time

import pytest

pytest.importorskip("ray", reason="what needs Ray is run by make soak, in an environment of its own")

import ray

from swaram.cluster.pools import SHARD, RayPools
from swaram.prepare import PrepareSettings
from swaram.prepare.database import PrepareError
from swaram.prepare.pipeline import prepare_corpus
from tests.prepare.fixtures import good_clips

SETTINGS = PrepareSettings(split={"validation": 0.2, "test": 0.3}, alignment={"min_clips_for_check": 5})


def clips():
    """Thirty clips, kept ones and such that are left out for several reasons."""
    good = list(good_clips())
    for turn in range(3):
        for key, text, content in good:
            yield f"{key}-{turn}", text, content
    yield "gone", good[0][1], None
    yield "bad", good[0][1], b"RIFF"
    yield "latin", "hello", good[1][2]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A function that prepares here, and gives the corpus, the report and the folder."""

    def prepare(folder, utterances):
        out = tmp_path_factory.mktemp("local") / "data"
        return prepare_corpus(utterances(folder), out, SETTINGS, workers=1), out

    return prepare


def test_two_nodes_write_what_one_machine_writes(cluster, corpus, utterances, tree, tmp_path, local):
    folder = corpus(clips())
    report, here = local(folder, utterances)
    there = tmp_path / "data"
    assert prepare_corpus(utterances(folder), there, SETTINGS, pools=RayPools(ray)) == report
    assert tree(there) == tree(here) and len(tree(here)) > 15
    assert report["dropped"] and report["kept"][0]["clips"] >= 8


def test_a_killed_worker_costs_only_what_it_had_begun(cluster, corpus, utterances, tree, tmp_path, local):
    folder = corpus(clips())
    report, here = local(folder, utterances)
    there = tmp_path / "data"
    done, killed = [], []

    class Watched(RayPools):
        def open(self, start, *facts):
            self.opened = super().open(start, *facts)
            return self.opened

    def watch(clips, seconds):
        done.append(clips)
        if len(done) == 5:
            killed.append(pools.opened.submit(os.getpid).result(timeout=60))
            os.kill(killed[0], signal.SIGKILL)

    pools = Watched(ray)
    assert prepare_corpus(utterances(folder), there, SETTINGS, progress=watch, pools=pools) == report
    assert killed and tree(there) == tree(here)


def test_a_node_that_goes_away_costs_only_what_it_had_begun(cluster, corpus, utterances, tree, tmp_path, local):
    folder = corpus(clips())
    report, here = local(folder, utterances)
    there = tmp_path / "data"
    extra = cluster.add_node(num_cpus=1, resources={"extra": 1})
    cluster.wait_for_nodes()
    done = []

    def watch(clips, seconds):
        done.append(clips)
        if len(done) == 5:
            threading.Thread(target=cluster.remove_node, args=(extra, False)).start()

    assert prepare_corpus(utterances(folder), there, SETTINGS, progress=watch, pools=RayPools(ray)) == report
    assert tree(there) == tree(here)


def _end_the_process(_):
    import os

    time.sleep(0.1)
    os._exit(1)


def test_work_that_ends_every_worker_is_a_sentence(cluster):
    from concurrent.futures import BrokenExecutor

    pool = RayPools(ray, 1).open(print, "started")
    try:
        with pytest.raises(BrokenExecutor):
            pool.submit(_end_the_process, 1).result(timeout=120)
    finally:
        pool.shutdown()


def test_no_more_is_under_way_than_the_pool_bounds(cluster):
    pool = RayPools(ray, 1).open(print, "started")
    try:
        begun = time.monotonic()
        futures = []
        for _ in range(3 * SHARD):
            futures.append(pool.submit(time.sleep, 0.1))
            assert sum(not future.done() for future in futures) <= SHARD
        assert time.monotonic() - begun > 1.0
        for future in futures:
            future.result(timeout=60)
    finally:
        pool.shutdown()


def test_what_the_work_raises_comes_back_as_it_is(cluster):
    pool = RayPools(ray, 1).open(print, "started")
    try:
        with pytest.raises(PrepareError, match="full"):
            pool.submit(_raise_it, "the disk is full").result(timeout=60)
    finally:
        pool.shutdown()


def _raise_it(text):
    raise PrepareError(text)
