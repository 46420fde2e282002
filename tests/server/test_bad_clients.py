"""Clients that are wrong, silent, gone or hostile: one sentence, no traceback, no hang, nothing left running."""

import json
import logging
import socket as sockets
import subprocess
import sys
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.server.speech_client import TEXT, listen_until, running, say, speak


@pytest.fixture(autouse=True)
def nothing_in_the_log(caplog):
    """No test here may leave a traceback or an error in the log."""
    yield
    for record in caplog.records:
        assert record.exc_info is None and record.levelno < logging.ERROR, record.getMessage()


def sentence_for(server, *messages, path: str = "/v1/speak") -> tuple[dict, int | None]:
    """The error that these messages bring, and the close code (``None`` where the socket stays open)."""
    with server.websocket(path) as socket:
        for message in messages:
            socket.send(message)
        error = listen_until(socket, "error", timeout=10).told[-1]
        assert error["message"].endswith(".") and "\n" not in error["message"]
        try:
            while True:
                socket.recv(timeout=0.3)
        except TimeoutError:
            return error, None
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return error, closed.rcvd.code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ('{"type":"start","text":"അ', "bad_json"),
        ("null", "bad_json"),
        ("[1]", "bad_json"),
        ("[" * 30_000, "bad_json"),
        ('{"type":"start","speed":' + "9" * 5000 + "}", "bad_json"),
        ("{}", "bad_message"),
        ('{"type":"sing"}', "bad_message"),
        ('{"type":["start"]}', "bad_message"),
        ('{"type":"start","tex":"a"}', "bad_message"),
        ('{"type":"start","text":5}', "bad_message"),
        ('{"type":"start","bits":17}', "bad_message"),
        ('{"type":"start","format":"mp7"}', "bad_message"),
        ('{"type":"start","speed":"fast"}', "bad_message"),
        ('{"type":"start","speed":NaN}', "bad_message"),
        ('{"type":"text"}', "bad_message"),
        ('{"type":"start","request_id":"' + "x" * 100 + '"}', "bad_message"),
        (b"\x00\x01", "binary"),
        (b"RIFF", "binary"),
    ],
)
def test_messages_outside_of_the_protocol_close_the_socket(server, message, code):
    error, closed = sentence_for(server, message)
    assert (error["code"], closed) == (code, 4400)


def test_too_large_a_message_is_refused(server):
    error, closed = sentence_for(server, json.dumps({"type": "start", "text": "a" * 70_000}))
    assert (error["code"], closed) == ("too_large", 4413)
    codes = set()
    for _ in range(4):  # a client that is still sending may see the connection break before it sees the code
        with server.websocket() as socket, pytest.raises(ConnectionClosed) as gone:
            socket.send("x" * (2 << 20))
            while True:
                socket.recv(timeout=10)
        codes.add(gone.value.rcvd.code if gone.value.rcvd else None)
    assert 1009 in codes and codes <= {1009, None}


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"text": ""}, "holds no words"),
        ({"text": " \n\t"}, "holds no words"),
        ({"text": "😀你好"}, "holds no words"),
        ({"text": "\ud800\udfff\u0000"}, "holds no words"),
        ({"text": "അമ്മ " * 1200}, "more than 5000 characters"),
        ({"text": TEXT, "voice": "nobody"}, "choose one of toy, toy-tamil"),
        ({"text": TEXT, "voice": "../toy"}, "choose one of toy, toy-tamil"),
        ({"text": TEXT, "speaker": "nobody"}, "no such speaker"),
        ({"text": TEXT, "speaker": 77}, "no such speaker"),
        ({"text": TEXT, "language": "kn"}, "reads ml"),
        ({"text": TEXT, "language": "hi-IN"}, "leaves Hindi out"),
        ({"text": TEXT, "speed": 0}, "speed must be between"),
        ({"text": TEXT, "speed": 1e300}, "speed must be between"),
        ({"text": TEXT, "pitch": -13}, "pitch must be between"),
        ({"text": TEXT, "pitch": 2}, "makes its own pitch"),
        ({"text": TEXT, "seed": -1}, "seed must be between"),
        ({"text": TEXT, "seed": 1 << 70}, "seed must be between"),
        ({"text": TEXT, "pause_scale": 100}, "pause_scale must be between"),
    ],
)
def test_requests_that_cannot_be_served_leave_the_socket_open(server, start, words):
    with server.websocket() as socket:
        say(socket, type="start", request_id="wrong", **start)
        error = listen_until(socket, "error").told[-1]
        assert words in error["message"] and error["request_id"] == "wrong" and "\n" not in error["message"]
        say(socket, type="start", request_id="right", text="അമ്മ", pace=False)
        assert listen_until(socket, "done").done["request_id"] == "right"


def test_messages_in_the_wrong_order_are_said_to_be(server):
    with server.websocket() as socket:
        for message, code in (
            ({"type": "text", "text": "അമ്മ"}, "unknown_request"),
            ({"type": "end"}, "unknown_request"),
            ({"type": "cancel"}, "unknown_request"),
        ):
            say(socket, **message)
            assert listen_until(socket, "error").told[-1]["code"] == code
        say(socket, type="start", request_id="a")
        listen_until(socket, "started")
        say(socket, type="start", request_id="a")
        assert listen_until(socket, "error").told[-1]["code"] == "request_id_taken"
        say(socket, type="end")
        say(socket, type="text", text="അമ്മ")
        assert listen_until(socket, "error").told[-1]["code"] in ("after_end", "nothing_to_say", "unknown_request")


def test_a_message_of_text_and_a_queue_of_requests_have_their_limits(server):
    with server.websocket() as socket:
        say(socket, type="start", request_id="a")
        say(socket, type="text", text="അ" * 2001)
        assert "at most 2000 characters" in listen_until(socket, "error").told[-1]["message"]
        for number in range(10):
            say(socket, type="start", request_id=f"b{number}", text=TEXT)
        assert listen_until(socket, "error").told[-1]["code"] == "too_many_requests"


def test_endless_text_is_stopped_at_the_limit(server):
    with server.websocket() as socket:
        say(socket, type="start", request_id="endless", pace=False)
        for _ in range(300):
            say(socket, type="text", text="അമ്മ വീട്ടിൽ വന്നു ")
        assert listen_until(socket, "error").told[-1]["code"] == "text_too_long"


def test_a_client_that_says_nothing_is_told_and_closed(toy_voices):
    with running(toy_voices, idle_timeout=0.6) as server:
        for path in ("/v1/speak", "/v1/convert"):
            begun = time.monotonic()
            error, closed = sentence_for(server, path=path)
            assert (error["code"], closed) == ("idle", 4408)
            assert time.monotonic() - begun < 3
        with server.websocket() as socket:  # a request that waits for its text is silence too
            say(socket, type="start")
            assert listen_until(socket, "error", timeout=5).told[-1]["code"] == "idle"
        assert server.service.connections == 0


def test_a_connection_that_never_becomes_a_websocket_harms_nobody(server):
    host, port = server.address.removeprefix("http://").split(":")
    raw = sockets.create_connection((host, int(port)))
    raw.sendall(b"GET /v1/speak HTTP/1.1\r\nHost: a\r\nUpgrade: webs")
    assert speak(server).done["samples"] > 0
    raw.close()
    plain = httpx.get(f"{server.address}/v1/speak")
    assert plain.status_code == 404 and plain.json()["error"]["message"].endswith(".")


def test_small_answers_come_at_once(server):
    """Without TCP_NODELAY each of them waits 40 ms for an acknowledgement."""
    with httpx.Client(base_url=server.address) as client:
        took = []
        for _ in range(15):
            begun = time.perf_counter()
            client.get("/healthz")
            took.append(time.perf_counter() - begun)
    assert sorted(took)[7] < 0.03


def test_a_client_that_stops_reading_is_dropped(toy_voices):
    with running(toy_voices, stall_timeout=1.0) as server:
        socket = server.websocket(legacy=True, max_queue=1)
        for _ in range(8):  # loud noise of 24 bits for minutes: more than all buffers hold
            say(socket, type="start", text=" ".join([TEXT] * 70), pace=False, bits=24, voice="toy", marks="none")
        wait_until(lambda: server.service.streams == 1)
        wait_until(lambda: server.service.streams == 0 and server.service.connections == 0, 20)
        assert speak(server).done["samples"] > 0
        socket.socket.close()


def wait_until(condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_client_that_vanishes_leaves_nothing_running(server):
    for _ in range(10):
        socket = server.websocket(legacy=True)
        say(socket, type="start", text=" ".join([TEXT] * 20))
        listen_until(socket, "started")
        socket.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        socket.socket.close()
    wait_until(lambda: server.service.connections == 0 and server.service.streams == 0)


def test_text_that_is_not_utf8_is_closed_without_a_traceback(server):
    with server.websocket() as socket:
        socket.recv(timeout=5)
        with socket.protocol_mutex:
            socket.protocol.send_text(b"\xff\xfe")
            socket.socket.sendall(b"".join(socket.protocol.data_to_send()))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=5)
    assert closed.value.rcvd is None or closed.value.rcvd.code == 1007


def test_too_many_connections_are_refused(toy_voices):
    with running(toy_voices, max_connections=2) as server, server.websocket() as one, server.websocket() as two:
        one.recv(timeout=5), two.recv(timeout=5)
        with server.websocket() as three, pytest.raises(ConnectionClosed) as closed:
            assert listen_until(three, "error").told[-1]["code"] == "overloaded"
            three.recv(timeout=5)
        assert closed.value.rcvd.code == 1013 and closed.value.rcvd.reason.endswith(".")


def test_an_error_inside_is_one_line_without_the_text(server, monkeypatch, caplog):
    def fail(*_):
        raise ValueError("it failed at: " + TEXT)

    monkeypatch.setattr(server.service.engines["toy"].models, "decode", fail)
    with server.websocket() as socket:
        say(socket, type="start", text=TEXT, voice="toy")
        error = listen_until(socket, "error").told[-1]
        assert error["code"] == "internal" and TEXT not in error["message"]
        monkeypatch.undo()
        say(socket, type="start", text=TEXT, voice="toy", pace=False)
        assert listen_until(socket, "done").done["samples"] > 0
    lines = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(lines) == 1 and lines[0].exc_info is None and TEXT not in lines[0].getMessage()
    caplog.clear()


def test_a_taken_port_and_a_missing_voice_are_one_sentence(server, toy_voices, tmp_path):
    port = server.address.rsplit(":", 1)[1]
    for arguments, words in (
        (["--port", port, "--voices", toy_voices], "is taken"),
        (["--port", "0", "--voices", tmp_path], "no voice there"),
        (["--port", "0", "--voices", tmp_path / "nowhere"], "no voice there"),
        (["--port", "0", "--host", "203.0.113.1", "--voices", toy_voices], "cannot be listened on"),
    ):
        command = [sys.executable, "-m", "swaram.cli.main", "serve", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and words in done.stderr
        assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
