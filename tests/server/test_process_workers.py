"""Workers in processes of their own: the same samples, and a death that only its own streams notice."""

import os
import signal
import threading
import time

import pytest

from tests.server.speech_client import TEXT, listen_until, running, say, speak

LONG = " ".join([TEXT] * 12)


@pytest.fixture(scope="module")
def processes(toy_voices):
    """A server with two worker processes."""
    with running(toy_voices, worker_kind="process", workers=2) as server:
        yield server


def test_processes_give_the_samples_that_threads_give(server, processes):
    sums = {speak(place, LONG, voice="toy", seed=3).done["md5"] for place in (server, processes)}
    assert len(sums) == 1


def test_many_streams_share_the_processes(processes):
    sums = []
    ask = lambda: sums.append(speak(processes, LONG, voice="toy", seed=2).done["md5"])  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sums) == 8 and len(set(sums)) == 1
    assert processes.service.workers.waiting == 0


def test_errors_come_through_in_one_sentence(processes):
    for start, code in (({"text": "😀"}, "nothing_to_say"), ({"text": TEXT, "speaker": "nobody"}, "bad_request")):
        with processes.websocket() as socket:
            say(socket, type="start", **start)
            assert listen_until(socket, "error").told[-1]["code"] == code


def test_a_killed_worker_takes_its_streams_only_and_is_started_again(processes):
    with processes.websocket() as one, processes.websocket() as two:
        for socket in (one, two):
            say(socket, type="start", text=LONG, voice="toy")
            listen_until(socket, "mark")
        os.kill(processes.service.workers.pids[0], signal.SIGKILL)
        heard = {}

        def follow(name, socket):
            heard[name] = listen_until(socket, "done", "error", "cancelled", timeout=60).told[-1]

        threads = [threading.Thread(target=follow, args=pair) for pair in (("one", one), ("two", two))]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while not heard and time.monotonic() < deadline:
            time.sleep(0.02)
        lost = next(iter(heard.values()))
        assert lost["type"] == "error" and lost["code"] == "worker_lost" and lost["message"].endswith(".")
        survivor = two if "one" in heard else one
        say(survivor, type="cancel")  # it was still speaking
        for thread in threads:
            thread.join(20)
        assert sorted(told["type"] for told in heard.values()) == ["cancelled", "error"]
    deadline = time.monotonic() + 30
    while not all(process.ready for process in processes.service.workers._processes):
        assert time.monotonic() < deadline, "the worker was not started again"
        time.sleep(0.05)
    assert processes.service.metrics.restarts._value.get() == 1
    for _ in range(4):
        assert speak(processes, voice="toy").done["samples"] > 0
