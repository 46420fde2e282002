"""A running server with the toy voice, and a client that behaves as it is told."""

import base64
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "voice"))
from toy_voice import write_toy_voice

from swaram.server.serving import address_of, listen, make_server
from swaram.server.settings import ServerSettings

TEXT = "എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും. നാളെ രാവിലെ വരാം! സുഖമാണോ?"


@dataclass
class RunningServer:
    """A server in this process, on a port of its own."""

    address: str
    service: Any

    def websocket(self, path: str = "/v1/speak", **options: Any) -> ClientConnection:
        options = {"compression": None, "proxy": None, "max_size": None, "max_queue": None} | options
        return connect(self.address.replace("http", "ws", 1) + path, **options)


@contextmanager
def running(voices: Path, **settings: Any) -> Iterator[RunningServer]:
    """A server for these voices while the block lasts."""
    listener = listen("127.0.0.1", 0)
    server = make_server(ServerSettings(voices=voices, **{"workers": 2} | settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        yield RunningServer(address_of(listener), server.config.app.state.service)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def toy_voices(tmp_path_factory) -> Path:
    """A folder with the voices ``toy`` (two speakers, 16 kHz) and ``toy-tamil`` (one speaker, 24 kHz)."""
    folder = tmp_path_factory.mktemp("served")
    write_toy_voice(folder / "toy")
    write_toy_voice(folder / "toy-tamil", speakers=1, hop_length=240, sample_rate=24_000, language="ta")
    return folder


@pytest.fixture(scope="session")
def server(toy_voices) -> Iterator[RunningServer]:
    """One server for all tests that leave it as it was."""
    with running(toy_voices) as server:
        yield server


@dataclass
class Heard:
    """What came for one request, in order."""

    binary: list[bytes] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    first_frame: float | None = None

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.told if message["type"] == kind]

    @property
    def done(self) -> dict[str, Any]:
        return self.of("done")[0]

    @property
    def frames(self) -> list[bytes]:
        return self.binary[1:]

    @property
    def file(self) -> bytes:
        """The stream as received, with its final header."""
        return base64.b64decode(self.done["header"]) + b"".join(self.frames)


def say(socket: ClientConnection, **message: Any) -> None:
    """Send one JSON message."""
    socket.send(json.dumps(message))


def listen_until(socket: ClientConnection, *kinds: str, timeout: float = 20) -> Heard:
    """Everything up to the first message of one of these types."""
    heard = Heard()
    while True:
        message = socket.recv(timeout=timeout)
        if isinstance(message, bytes):
            heard.binary.append(message)
            if heard.first_frame is None and message[:4] != b"fLaC":
                heard.first_frame = time.monotonic()
            continue
        heard.told.append(json.loads(message))
        if heard.told[-1]["type"] in kinds:
            return heard


def speak(server: RunningServer, text: str = TEXT, **start: Any) -> Heard:
    """One text, whole, as fast as it comes."""
    with server.websocket() as socket:
        say(socket, type="start", text=text, **{"pace": False} | start)
        return listen_until(socket, "done", "error")
