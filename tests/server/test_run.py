"""Keeping people apart and the server up: keys, origins, admission, drain, metrics, settings."""

import json
import logging
import signal
import subprocess
import sys
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from swaram.errors import SwaramError
from swaram.server.admission import Admission
from swaram.server.keys import Grant, Holder, KeyRing, add_key, hash_key
from swaram.server.logs import LineFormatter
from swaram.server.metrics import Metrics
from swaram.server.protocol import RequestError
from swaram.server.settings import ServerSettings, read_settings
from tests.server.speech_client import TEXT, RunningServer, listen_until, running, say, speak

LONG = " ".join([TEXT] * 12)


@pytest.fixture(scope="module")
def guarded(toy_voices, tmp_path_factory):
    """A server with two keys, and the keys."""
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    keys = {name: add_key(file, name) for name in ("one", "small")}
    grants = json.loads(file.read_text())
    grants["keys"][1] |= {"streams": 1, "characters_per_minute": 300}
    file.write_text(json.dumps(grants))
    with running(toy_voices, keys=file, origins=("https://friend.example",)) as server:
        yield server, keys, file


def test_keys_are_kept_as_hashes_only(guarded):
    _, keys, file = guarded
    assert all(key not in file.read_text() for key in keys.values())
    assert hash_key(keys["one"]) in file.read_text()
    assert len(keys["one"]) > 40 and keys["one"] != keys["small"]


@pytest.mark.parametrize("way", ["bearer", "header", "query"])
def test_a_key_opens_the_socket(guarded, way):
    server, keys, _ = guarded
    headers = {"bearer": {"Authorization": f"Bearer {keys['one']}"}, "header": {"X-API-Key": keys["one"]}}.get(way, {})
    path = "/v1/speak" + (f"?key={keys['one']}" if way == "query" else "")
    with server.websocket(path, additional_headers=headers) as socket:
        say(socket, type="start", text="അമ്മ", pace=False)
        assert listen_until(socket, "done").done["samples"] > 0


@pytest.mark.parametrize("key", [None, "", "wrong", "swaram-" + "a" * 43, "ക"])
def test_without_a_key_nothing_is_served(guarded, key):
    server, _, _ = guarded
    for path in ("/v1/speak", "/v1/convert"):
        query = "" if key is None else f"?key={key}"
        with server.websocket(path + query) as socket, pytest.raises(ConnectionClosed) as closed:
            assert listen_until(socket, "error").told == [
                {"type": "error", "code": "unauthorised", "message": _no_key()}
            ]
            socket.recv(timeout=5)
        assert closed.value.rcvd.code == 4401
    answer = httpx.post(f"{server.address}/convert", files={"file": b"x"}, params={"key": key} if key else {})
    assert answer.status_code == 401 and answer.json()["error"]["message"] == _no_key()
    assert httpx.get(f"{server.address}/healthz").status_code == 200


def _no_key() -> str:
    return "A key is needed: send it as Authorization: Bearer, as X-API-Key, or as ?key= in the address."


def test_a_key_has_limits_of_its_own(guarded):
    server, keys, _ = guarded
    headers = {"X-API-Key": keys["small"]}
    with server.websocket(additional_headers=headers) as first, server.websocket(additional_headers=headers) as second:
        say(first, type="start", text=LONG[:200], voice="toy")
        listen_until(first, "mark")
        say(second, type="start", text="അമ്മ", voice="toy")
        error = listen_until(second, "error").told[-1]
        assert error["code"] == "too_many_streams" and error["retry_after"] > 0
        say(first, type="cancel")
        listen_until(first, "cancelled")
        say(first, type="start", text=LONG[:250], voice="toy")
        error = listen_until(first, "error").told[-1]
        assert error["code"] == "rate" and 0 < error["retry_after"] <= 60
    with server.websocket(additional_headers={"X-API-Key": keys["one"]}) as other:  # the others are not concerned
        say(other, type="start", text=LONG, pace=False, voice="toy")
        assert listen_until(other, "done").done["samples"] > 0


def test_a_bucket_of_characters_fills_with_time(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    holder = Holder(Grant(name="a", characters_per_minute=60))
    assert holder.take(40) == 0
    assert holder.take(40) == pytest.approx(20)
    now[0] += 20
    assert holder.take(40) == 0
    now[0] += 600
    assert holder.take(500) == 0  # longer than a minute's worth: goes once, and leaves a debt
    assert holder.take(1) > 400


@pytest.mark.parametrize(
    ("origin", "allowed"), [(None, True), ("https://friend.example", True), ("https://evil.example", False)]
)
def test_pages_of_other_origins_are_kept_out(guarded, origin, allowed):
    server, keys, _ = guarded
    headers = {"X-API-Key": keys["one"]} | ({"Origin": origin} if origin else {})
    with server.websocket(additional_headers=headers) as socket:
        first = json.loads(socket.recv(timeout=5))
        assert first["type"] == "hello" if allowed else first["code"] == "origin"
    own = {"X-API-Key": keys["one"], "Origin": server.address}
    with server.websocket(additional_headers=own) as socket:
        assert json.loads(socket.recv(timeout=5))["type"] == "hello"
    answer = httpx.post(f"{server.address}/convert", headers=headers)
    assert (answer.status_code == 403) is not allowed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is JSON of the form"),
        ('{"keys": [{"name": "a", "sha256": "x"}]}', "sha256"),
        ('{"keys": [{"nam": "a"}]}', "name"),
    ],
)
def test_a_wrong_file_of_keys_is_one_sentence(tmp_path, content, words):
    file = tmp_path / "keys.json"
    file.write_text(content)
    with pytest.raises(SwaramError, match=words):
        KeyRing.read(file)
    with pytest.raises(SwaramError, match="cannot be read"):
        KeyRing.read(tmp_path / "none.json")


def test_listeners_beyond_the_limit_are_refused_at_once_and_the_others_served(toy_voices):
    with running(toy_voices, max_streams=3) as server:
        sockets = [server.websocket(legacy=True) for _ in range(5)]
        answers = []
        for socket in sockets:
            say(socket, type="start", text=LONG, voice="toy")
            begun = time.monotonic()
            answers.append(listen_until(socket, "started", "error", timeout=5).told[-1])
            assert time.monotonic() - begun < 1
        assert [answer["type"] for answer in answers] == ["started"] * 3 + ["error"] * 2
        assert answers[-1]["code"] == "overloaded" and answers[-1]["retry_after"] > 0
        say(sockets[0], type="cancel")
        listen_until(sockets[0], "cancelled")
        say(sockets[4], type="start", text="അമ്മ", voice="toy")
        assert listen_until(sockets[4], "started", "error").told[-1]["type"] == "started"
        for socket in sockets:
            socket.close()


def test_capacity_follows_from_what_a_stream_costs():
    admission = Admission(ServerSettings(workers=2, max_streams=100, utilisation=0.8), Metrics())
    holder = Holder(Grant(name="a"))
    assert admission.capacity() == 100
    admission.measure(computing=0.4, audio=10.0)
    assert admission.capacity() == 40
    for _ in range(40):
        admission.admit(holder, 10, 0)
        admission.enter(holder)
    with pytest.raises(RequestError) as error:
        admission.admit(holder, 10, 0)
    assert error.value.code == "overloaded"
    admission.leave(holder)
    for _ in range(100):
        admission.measure_step("frontend", 0.05)
    with pytest.raises(RequestError, match="too late"):
        admission.admit(holder, 10, waiting=40)
    admission.admit(holder, 10, waiting=2)


def test_nobody_new_begins_for_a_moment_after_somebody_was_nearly_late():
    settings = ServerSettings(workers=2, max_streams=100, first_sound_limit=0.15)
    for note in (lambda a: a.note_start(waited=0.2), lambda a: a.note_margin(left=-0.001)):
        admission, holder = Admission(settings, Metrics()), Holder(Grant(name="a"))
        admission.note_start(waited=0.1)
        admission.note_margin(left=0.05)
        admission.admit(holder, 10, 0)
        admission.enter(holder)
        note(admission)
        with pytest.raises(RequestError, match="too late"):
            admission.admit(holder, 10, 0)
        time.sleep(0.55)
        admission.admit(holder, 10, 0)
        note(admission)
        admission.leave(holder)
        admission.admit(holder, 10, 0)  # an idle server never refuses


def test_metrics_tell_what_happened_and_no_text(server):
    speak(server, LONG, voice="toy")
    with server.websocket() as socket:
        say(socket, type="start", text=TEXT, voice="nobody")
        listen_until(socket, "error")
        page = httpx.get(f"{server.address}/metrics").text
    numbers = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(numbers['tts_time_to_first_audio_seconds_count{voice="toy"}']) >= 1
    assert float(numbers['tts_audio_seconds_total{voice="toy"}']) > 10
    assert float(numbers['tts_output_bytes_total{format="flac"}']) > 10_000
    assert float(numbers['tts_errors_total{code="unknown_voice"}']) >= 1
    assert float(numbers['tts_stage_duration_seconds_count{stage="decode"}']) > 5
    assert float(numbers["tts_connections"]) >= 1
    assert any(name.startswith("tts_model_info{") for name in numbers)
    assert not any(ord(c) > 127 for c in page)


def test_the_journal_has_a_line_for_each_request_without_its_text(server, caplog):
    caplog.set_level(logging.INFO, "swaram.server")
    with server.websocket() as socket:
        say(socket, type="start", request_id="logged", text=TEXT, voice="toy", pace=False)
        listen_until(socket, "done")
    time.sleep(0.1)
    lines = [json.loads(LineFormatter(as_json=True).format(record)) for record in caplog.records]
    told = next(line for line in lines if line.get("request") == "logged")
    assert told["event"] == "speech" and told["outcome"] == "done" and told["characters"] == len(TEXT)
    assert not any(ord(c) > 127 for c in json.dumps(lines, ensure_ascii=False))


def test_sigterm_lets_the_streams_end(toy_voices, tmp_path):
    command = [sys.executable, "-m", "swaram.cli.main", "serve", "--port", "0", "--voices", str(toy_voices)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().split()[-1]
        server = RunningServer(address, None)
        with server.websocket() as socket, server.websocket() as idle:
            listen_until(idle, "hello")
            say(socket, type="start", text=TEXT, voice="toy")
            listen_until(socket, "mark")
            process.send_signal(signal.SIGTERM)
            assert listen_until(idle, "goaway").told[-1]["seconds"] > 0
            with pytest.raises(ConnectionClosed) as closed:
                idle.recv(timeout=5), idle.recv(timeout=5)
            assert closed.value.rcvd.code == 1012
            assert httpx.get(f"{address}/readyz").status_code == 503
            heard = listen_until(socket, "done")
            assert heard.of("goaway") and heard.done["samples"] > 16_000
        assert process.wait(15) in (0, -signal.SIGTERM)
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()


def test_settings_come_from_file_environment_and_flags(tmp_path, monkeypatch):
    file = tmp_path / "server.json"
    file.write_text('{"port": 5001, "max_streams": 7, "idle_timeout": 9}')
    monkeypatch.setenv("SWARAM_SERVER_MAX_STREAMS", "8")
    monkeypatch.setenv("SWARAM_SERVER_ORIGINS", "https://a.example,https://b.example")
    settings = read_settings(file, {"idle_timeout": 5})
    assert (settings.port, settings.max_streams, settings.idle_timeout) == (5001, 8, 5)
    assert settings.origins == ("https://a.example", "https://b.example")
    with pytest.raises(SwaramError, match="did you mean max_streams"):
        read_settings(None, {"max_stream": 3})
    with pytest.raises(SwaramError, match="max_streams is wrong"):
        read_settings(None, {"max_streams": 0})
    for broken in ("[", "[1]", '"port"', "\x00"):
        file.write_text(broken)
        with pytest.raises(SwaramError, match="not a JSON object"):
            read_settings(file, {})
    with pytest.raises(SwaramError, match="no such file"):
        read_settings(tmp_path / "none.json", {})
    for wrong in ('{"origins": 5}', '{"origins": [5]}', '{"origins": null}'):
        file.write_text(wrong)
        monkeypatch.delenv("SWARAM_SERVER_ORIGINS", raising=False)
        with pytest.raises(SwaramError, match="origins is wrong"):
            read_settings(file, {})
    file.write_text('{"prot": 5001}')
    with pytest.raises(SwaramError, match="did you mean port"):
        read_settings(file, {})
    monkeypatch.setenv("SWARAM_SERVER_WORKER", "2")
    with pytest.raises(SwaramError, match="did you mean workers"):
        read_settings(None, {})


def test_who_still_asks_for_worker_processes_is_told_that_they_are_gone(tmp_path, monkeypatch):
    file = tmp_path / "server.json"
    file.write_text('{"worker_kind": "process"}')
    with pytest.raises(SwaramError, match=r"--worker-kind\) is gone"):
        read_settings(file, {})
    with pytest.raises(SwaramError, match=r"--worker-kind\) is gone"):
        read_settings(None, {"worker_kind": "thread"})
    monkeypatch.setenv("SWARAM_SERVER_WORKER_KIND", "process")
    with pytest.raises(SwaramError, match=r"--worker-kind\) is gone"):
        read_settings(None, {})


FRIEND = {"Origin": "https://friend.example"}
ALLOWED = "access-control-allow-origin"


def test_a_page_of_an_allowed_origin_may_ask_before_it_has_a_key(guarded):
    server, _, _ = guarded
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    for path in ("/v1/audio/speech", "/v1/audio/transcriptions", "/convert"):
        answer = httpx.options(server.address + path, headers=FRIEND | asks)
        assert answer.status_code == 200 and answer.headers[ALLOWED] == FRIEND["Origin"]
        assert "authorization" in answer.headers["access-control-allow-headers"].lower()
        refused = httpx.options(server.address + path, headers=asks | {"Origin": "https://evil.example"})
        assert refused.status_code == 400 and ALLOWED not in refused.headers


def test_every_answer_says_that_an_allowed_page_may_read_it(guarded, monkeypatch):
    server, keys, _ = guarded
    mine = {"X-API-Key": keys["one"]}

    def answers(origin: dict[str, str]) -> list[httpx.Response]:
        return [
            httpx.get(f"{server.address}/v1/voices", headers=origin),
            httpx.get(f"{server.address}/no/such/address", headers=origin),
            httpx.post(f"{server.address}/v1/audio/speech", json={"input": TEXT}, headers=origin),
            httpx.post(f"{server.address}/v1/audio/speech", json={"input": ""}, headers=origin | mine),
            httpx.post(f"{server.address}/v1/audio/speech", content=b"x" * 2_000_000, headers=origin | mine),
        ]

    heard = answers(FRIEND)
    assert [answer.status_code for answer in heard] == [200, 404, 401, 400, 413]
    assert all(answer.headers.get_list(ALLOWED) == [FRIEND["Origin"]] for answer in heard)
    assert not any(ALLOWED in answer.headers for answer in answers({"Origin": "https://evil.example"}) + answers({}))
    with monkeypatch.context() as broken:
        broken.setattr(server.service.admission, "capacity", lambda: 0)
        full = httpx.post(f"{server.address}/v1/audio/speech", json={"input": TEXT}, headers=FRIEND | mine)
        assert full.status_code == 429 and full.headers[ALLOWED] == FRIEND["Origin"]
        assert "retry-after" in full.headers["access-control-expose-headers"].lower()
        broken.setattr(server.service, "describe_voices", lambda: 1 / 0)
        failed = httpx.get(f"{server.address}/v1/voices", headers=FRIEND)
        assert failed.status_code == 500 and failed.headers[ALLOWED] == FRIEND["Origin"]


def test_an_origin_may_be_written_as_people_write_it(monkeypatch):
    monkeypatch.setenv("SWARAM_SERVER_ORIGINS", "https://Friend.example/, http://localhost:3000")
    assert read_settings(None, {}).origins == ("https://friend.example", "http://localhost:3000")
