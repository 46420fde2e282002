"""Two replicas on two nodes speak what one server speaks, and a rolling update tells its sessions to reconnect."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="what needs Ray is run by make soak, in an environment of its own")

import ray
from ray import serve

from swaram.cluster.errors import ClusterError
from swaram.cluster.serving import APPLICATION, DEPLOYMENT, application, build, serve_on_cluster
from swaram.server.settings import ServerSettings
from tests.server.speech_client import TEXT, RunningServer, listen_until, running, say, speak
from tests.voice.toy_voice import write_toy_voice

PORT = 8123
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    write_toy_voice(folder / "toy")
    write_toy_voice(folder / "toy-tamil", speakers=1, hop_length=240, sample_rate=24_000, language="ta")
    return folder


@pytest.fixture(scope="module")
def settings(voices):
    return ServerSettings(voices=voices, port=PORT, workers=1, breather=0.0, drain_timeout=5.0)


@pytest.fixture(scope="module")
def served(cluster, settings):
    address = serve_on_cluster(ray, settings, low=2, high=2)
    yield RunningServer(address, None)
    serve.shutdown()


def replicas():
    details = ray.get(ray.get_actor("SERVE_CONTROLLER_ACTOR", namespace="serve").get_serve_instance_details.remote())
    found = details["applications"][APPLICATION]["deployments"][DEPLOYMENT]["replicas"]
    return {one["replica_id"]: one for one in found if str(getattr(one["state"], "value", one["state"])) == "RUNNING"}


@pytest.mark.parametrize("start", [{"voice": "toy", "speaker": "speaker-1"}, {"voice": "toy-tamil"}])
def test_replicas_speak_the_same_bytes_as_a_server(served, voices, start):
    text = TEXT if start["voice"] == "toy" else "வணக்கம். நலமா?"
    with running(voices) as alone:
        here = speak(alone, text, seed=7, **start)
    for _ in range(4):
        there = speak(served, text, seed=7, **start)
        assert there.file == here.file and len(there.frames) == len(here.frames)
        told = [{k: v for k, v in m.items() if k not in ("request_id", "real_time_factor")} for m in there.told]
        assert [m["type"] for m in told] == [m["type"] for m in here.told]


def test_http_goes_through_the_proxy_too(served):
    import httpx

    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{served.address}/healthz").json()["voices"] == 2
        spoken = client.post(f"{served.address}/v1/audio/speech", json={"input": TEXT, "voice": "toy"})
        assert spoken.status_code == 200 and len(spoken.content) > 10_000
        assert client.get(f"{served.address}/v1/nothing").json()["error"]["code"] == "http_404"


def test_the_replicas_are_on_both_nodes(served):
    assert len({one["node_id"] for one in replicas().values()}) == 2


def test_a_killed_replica_costs_its_own_streams_only(served):
    """Sessions of the other replica go on, and new ones are served while the killed one is replaced."""
    sockets = [served.websocket() for _ in range(8)]
    try:
        for socket in sockets:
            listen_until(socket, "hello")
        os.kill(next(iter(replicas().values()))["pid"], signal.SIGKILL)
        time.sleep(1)
        outcomes = []
        for socket in sockets:
            try:
                say(socket, type="start", text=TEXT, voice="toy", pace=False)
                outcomes.append(listen_until(socket, "done", "error").told[-1]["type"])
            except Exception as error:
                outcomes.append(type(error).__name__)
        assert outcomes.count("done") >= 1 and outcomes.count("done") < 8, outcomes
        assert speak(served, TEXT, voice="toy").done
    finally:
        for socket in sockets:
            socket.close()


def test_a_rolling_update_tells_its_sessions_to_go_and_lets_streams_end(served, settings):
    deadline = time.monotonic() + 60
    while len(replicas()) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    before = set(replicas())
    assert len(before) == 2
    sockets = [served.websocket() for _ in range(6)]
    for socket in sockets:
        listen_until(socket, "hello")
    newer = settings.model_copy(update={"idle_timeout": 61.0})
    update = threading.Thread(target=serve.run, args=(application(newer, 2, 2),), kwargs={"name": APPLICATION})
    update.start()
    outcomes = []

    def use(socket):
        """Speak until told to go; the request that is being spoken then is spoken to its end."""
        try:
            for _ in range(400):
                say(socket, type="start", text=TEXT, voice="toy", pace=False)
                heard = listen_until(socket, "done", "error", timeout=60)
                if heard.of("goaway") or heard.of("error"):
                    outcomes.append("told" if heard.of("goaway") else heard.of("error")[0]["code"])
                    return
                time.sleep(0.05)
        except Exception as error:
            outcomes.append(f"{type(error).__name__}: {error}")

    users = [threading.Thread(target=use, args=(socket,)) for socket in sockets]
    for user in users:
        user.start()
    for user in users:
        user.join(120)
    update.join(120)
    for socket in sockets:
        socket.close()
    assert not set(replicas()) & before and len(replicas()) == 2
    assert len(outcomes) == 6 and outcomes.count("told") >= 4, outcomes
    assert speak(served, TEXT, voice="toy").done
    with served.websocket() as socket:
        assert json.loads(socket.recv(timeout=20))["limits"]["idle_seconds"] == 61.0


def test_a_node_without_the_voice_is_named_before_anything_is_deployed(cluster, settings, tmp_path, monkeypatch):
    from swaram.cluster import connection

    own = connection.describe_node

    def with_more(folder, with_voices):
        from dataclasses import replace

        return replace(own(folder, with_voices), voices=("bhasha", "toy"))

    monkeypatch.setattr(connection, "describe_node", with_more)
    monkeypatch.setattr(connection, "on_every_node", lambda ray, ask, *given: [("10.0.0.7 (ab)", own(*given))])
    with pytest.raises(ClusterError, match=r"node 10.0.0.7 \(ab\) has no voice bhasha \(it has: toy, toy-tamil\)"):
        serve_on_cluster(ray, settings)


def test_more_replicas_than_fit_are_refused(cluster, settings):
    with pytest.raises(ClusterError, match="3 replicas of 1 CPUs do not fit"):
        serve_on_cluster(ray, settings, low=3)


def test_replicas_grow_when_new_listeners_would_have_to_wait(served, settings):
    crowded = settings.model_copy(update={"max_streams": 2})
    serve.run(application(crowded, 1, 2), name=APPLICATION)
    deadline = time.monotonic() + 90
    while len(replicas()) != 1 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(replicas()) == 1
    sockets = [served.websocket() for _ in range(2)]
    try:
        for socket in sockets:
            say(socket, type="start", text=" ".join([TEXT] * 20), voice="toy", pace=True)
        while len(replicas()) < 2 and time.monotonic() < deadline:
            time.sleep(0.5)
        assert len(replicas()) == 2
    finally:
        for socket in sockets:
            socket.close()


def test_ray_takes_the_configuration_of_the_kuberay_example():
    import yaml
    from ray.serve.schema import ServeDeploySchema

    service = yaml.safe_load((ROOT / "deploy" / "kuberay.yaml").read_text(encoding="utf-8"))
    (told,) = ServeDeploySchema.model_validate(yaml.safe_load(service["spec"]["serveConfigV2"])).applications
    bound = build({**told.args, "voices": str(ROOT / "voices")})
    assert bound is not None and told.import_path == f"{build.__module__}:{build.__name__}"
