"""A server running in this process, and a client that does as it is told."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from swaram.server.run import address_of, listen, make_server
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
    server = make_server(ServerSettings(voices=voices, **{"workers": 2, "breather": 0.0} | settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        address = address_of(listener, tls="tls_certificate" in settings)
        yield RunningServer(address, server.service)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive()


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
