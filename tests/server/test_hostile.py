"""Hostile and broken clients in number: no 5xx, no traceback, nothing left behind. The long runs are soak tests."""

import json
import logging
import os
import random
import socket as sockets
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from swaram.server.connection import HttpConnection
from tests.server.speech_client import TEXT, RunningServer, listen_until, running, say, speak

soak = pytest.mark.skipif(not os.environ.get("SWARAM_SOAK"), reason="takes minutes: set SWARAM_SOAK=1")

TYPES = ["start", "text", "flush", "end", "cancel", "ping", "sing", "", None, 7]
VALUES = [
    None,
    True,
    -1,
    0,
    1,
    1e308,
    "",
    "അ",
    "😀",
    "\ud800",
    "toy",
    "x" * 3000,
    [],
    {},
    [[]],
    {"a": {}},
    "NaN",
    2**70,
]
KEYS = [
    "request_id",
    "context",
    "continues",
    "sample_rate",
    "voice",
    "speaker",
    "language",
    "speed",
    "pitch",
    "seed",
    "format",
    "bits",
    "marks",
    "pace",
    "text",
    "other",
]


@pytest.fixture(scope="module")
def besieged(toy_voices):
    """A server of its own, with patience for nobody."""
    with running(toy_voices, idle_timeout=3, stall_timeout=2) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_in_the_log(caplog):
    """Whatever comes, the log holds no error and no traceback."""
    yield
    for record in caplog.records:
        assert record.exc_info is None and record.levelno < logging.ERROR, record.getMessage()


def wait_for_peace(server, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while server.service.connections or server.service.streams or server.service.scheduler.waiting:
        assert time.monotonic() < deadline, "something was left running"
        time.sleep(0.02)


def strange_message(chance: random.Random) -> str | bytes:
    """A message that is wrong in one of many ways, or right."""
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    message = {"type": chance.choice(TYPES)} | {
        chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(4))
    }
    text = json.dumps(message)
    if kind == 1:
        return text[: chance.randrange(len(text))]
    if kind == 2:
        return "".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(chance.randrange(100)))
    return text


def besiege(server, messages: int, seed: int) -> None:
    chance, sent = random.Random(seed), 0
    while sent < messages:
        with server.websocket() as socket:
            try:
                for _ in range(chance.randrange(1, 12)):
                    socket.send(strange_message(chance))
                    sent += 1
                say(socket, type="ping")
                while True:
                    told = socket.recv(timeout=3)
                    if isinstance(told, str):
                        told = json.loads(told)
                        if told["type"] == "error":
                            assert told["message"].endswith(".") and "\n" not in told["message"]
                            assert told["code"] != "internal", told
                        if told["type"] == "pong":
                            break
            except ConnectionClosed as closed:
                assert closed.rcvd is not None and closed.rcvd.code in (4400, 4413, 1009), closed
    wait_for_peace(server)


def leave_at_random(server, times: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(times):
        path = chance.choice(["/v1/speak", "/v1/convert"])
        socket = server.websocket(path, legacy=True)
        if path == "/v1/speak":
            say(socket, type="start", text=TEXT * chance.randrange(1, 8), pace=chance.random() < 0.5, seed=number)
        else:
            form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
            socket.send(struct.pack("<4sI8sI16s4sI", b"RIFF", 10**6, b"WAVEfmt ", 16, form, b"data", 10**6))
            socket.send(chance.randbytes(2 * chance.randrange(1, 20_000)))
        deadline = time.monotonic() + chance.random() * 0.03
        while time.monotonic() < deadline:
            try:
                socket.recv(timeout=0.01)
            except (TimeoutError, ConnectionClosed):
                break
        if chance.random() < 0.5:  # a reset instead of a goodbye
            socket.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close()
    wait_for_peace(server)


def test_four_hundred_strange_messages(besieged):
    besiege(besieged, 400, seed=1)
    assert speak(besieged).done["samples"] > 0


def test_forty_disconnects_at_random_moments(besieged):
    leave_at_random(besieged, 40, seed=1)
    assert speak(besieged).done["samples"] > 0


def mangled_uploads(server, times: int, seed: int) -> None:
    chance = random.Random(seed)
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    wav = struct.pack("<4sI8sI16s4sI", b"RIFF", 2036, b"WAVEfmt ", 16, form, b"data", 2000) + chance.randbytes(2000)
    with httpx.Client(base_url=server.address, timeout=20) as client:
        for _ in range(times):
            data = bytearray(wav)
            for _ in range(chance.randrange(6)):
                data[chance.randrange(60)] = chance.randrange(256)
            del data[chance.choice([10, 30, 44, 100, 2044, 2044, 2044]) :]
            answer = client.post("/convert", files={"file": ("a.wav", bytes(data))})
            assert answer.status_code in (200, 415, 422), answer.text
            if answer.status_code != 200:
                assert answer.json()["error"]["message"].endswith(".")


def test_mangled_wavs_are_answered_with_4xx(besieged):
    mangled_uploads(besieged, 150, seed=1)


def leave_no_handles(toy_voices, times: int) -> None:
    """In a process of its own, since clients that vanish leave handles on their side."""
    command = [sys.executable, "-m", "swaram.cli.main", "serve", "--port", "0", "--voices", str(toy_voices)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        nobody = SimpleNamespace(connections=0, streams=0, scheduler=SimpleNamespace(waiting=0))
        server = RunningServer(process.stdout.readline().split()[-1], nobody)
        handles = Path(f"/proc/{process.pid}/fd")
        leave_at_random(server, 10, seed=0)
        time.sleep(0.5)
        before = len(list(handles.iterdir()))
        leave_at_random(server, times, seed=3)
        deadline = time.monotonic() + 10
        while len(list(handles.iterdir())) > before:
            assert time.monotonic() < deadline, "handles were left open"
            time.sleep(0.05)
        streams = httpx.get(f"{server.address}/readyz").json()["streams"]
        assert streams == 0
    finally:
        process.terminate()
        process.wait(30)


def test_clients_who_vanish_leave_no_handle_open(toy_voices):
    leave_no_handles(toy_voices, 30)


def test_bodies_that_are_too_large_or_no_json_are_refused(besieged):
    address = f"{besieged.address}/v1/audio/speech"
    assert httpx.post(address, content=b"{" * 600_000).status_code == 413

    def endless():
        for _ in range(100):
            yield bytes(100_000)

    assert httpx.post(address, content=endless()).status_code == 413
    for content in (b"", b"{", b"[]", b"\xff\xfe", b'{"input": "' + b"a" * 100, b"[" * 50_000):
        answer = httpx.post(address, content=content, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422) and answer.json()["error"]["message"].endswith(".")


def test_headers_that_come_drop_by_drop_are_cut_off(toy_voices, monkeypatch):
    monkeypatch.setattr(HttpConnection, "patience", 0.5)
    with running(toy_voices) as server:
        host, port = server.address.removeprefix("http://").split(":")
        slow = [sockets.create_connection((host, int(port))) for _ in range(20)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        time.sleep(1)
        for connection in slow:
            connection.settimeout(2)
            with suppress(ConnectionResetError):
                assert connection.recv(100) == b""
            connection.close()
        with server.websocket() as socket:  # a socket that lives longer than that is left alone
            time.sleep(0.8)
            say(socket, type="start", text="അമ്മ", pace=False)
            assert listen_until(socket, "done").done["samples"] > 0


def test_bodies_that_come_drop_by_drop_are_cut_off(toy_voices):
    with running(toy_voices, idle_timeout=0.5) as server:

        def drops():
            yield b"--b\r\n"
            time.sleep(1.5)
            yield b"--b--\r\n"

        headers = {"content-type": "multipart/form-data; boundary=b"}
        answer = httpx.post(f"{server.address}/convert", content=drops(), headers=headers, timeout=10)
        assert answer.status_code == 408


@soak
@pytest.mark.timeout(1800)
def test_five_thousand_strange_messages_and_uploads(besieged):
    besiege(besieged, 4000, seed=2)
    mangled_uploads(besieged, 1000, seed=2)


@soak
@pytest.mark.timeout(1800)
def test_five_hundred_disconnects(toy_voices):
    leave_no_handles(toy_voices, 500)
