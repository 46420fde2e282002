"""Whatever clients of the adapters send: no traceback, no internal error, nothing left behind."""

import asyncio
import json
import logging
import random
import time
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from tests.server.speech_client import TEXT, running

VALUES = [
    None,
    True,
    -1,
    0,
    1.5,
    1e308,
    "",
    " ",
    "അ",
    "😀",
    "\ud800",
    "toy",
    "x" * 3000,
    [],
    {},
    [[]],
    {"speed": "x"},
    2**70,
]
DEEPGRAM = ["type", "text", "other"], ["Speak", "Flush", "Clear", "Close", "Sing", None, 7]
ELEVENLABS = ["text", "flush", "voice_settings", "try_trigger_generation", "xi_api_key"], [None]
WYOMING = [
    "describe", "ping", "synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop", "transcribe",
    "audio-start", "audio-chunk", "audio-stop", "info", "",
]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_in_the_log(caplog):
    """Whatever comes, the log holds no error and no traceback."""
    yield
    for record in caplog.records:
        assert record.exc_info is None and record.levelno < logging.ERROR, record.getMessage()


def wait_for_peace(server) -> None:
    deadline = time.monotonic() + 15
    while (server.service.connections or server.service.streams) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.service.connections == server.service.streams == 0


@pytest.mark.parametrize(
    ("path", "words"),
    [("/deepgram/v1/speak", DEEPGRAM), ("/elevenlabs/v1/text-to-speech/toy/stream-input", ELEVENLABS)],
    ids=["deepgram", "elevenlabs"],
)
def test_sockets_survive_whatever_is_sent(toy_voices, path, words):
    keys, types = words
    chance = random.Random(3)
    with running(toy_voices, idle_timeout=3) as server:
        for _ in range(60):
            with server.websocket(path) as socket, suppress(ConnectionClosed, UnicodeEncodeError):
                for _ in range(chance.randrange(1, 8)):
                    message = {
                        key: chance.choice(VALUES) for key in chance.sample(keys, chance.randrange(len(keys) + 1))
                    }
                    if chance.random() < 0.7:
                        message |= {"type": chance.choice(types)} if types != [None] else {"text": TEXT}
                    if chance.random() < 0.1:
                        socket.send(chance.choice([b"\x00\xff", b"", b"{}"]))
                    socket.send(json.dumps(message))
                if chance.random() < 0.5:
                    socket.socket.close()
        wait_for_peace(server)


def test_wyoming_survives_whatever_is_sent(toy_voices):
    pytest.importorskip("wyoming", reason="the package wyoming is not installed")
    from tests.server.wyoming_server import serving

    chance = random.Random(4)

    def event() -> bytes:
        header: dict = {"type": chance.choice([*WYOMING, None, 7, []])}
        keys = ["text", "voice", "rate", "width", "channels", "name", "language", "text_format"]
        data = {key: chance.choice(VALUES) for key in chance.sample(keys, chance.randrange(5))}
        if chance.random() < 0.8:
            header["data"] = chance.choice([data, data, data, None, [], 5])
        payload = bytes(chance.randrange(200)) if chance.random() < 0.4 else b""
        if payload or chance.random() < 0.2:
            header["payload_length"] = chance.choice([len(payload), len(payload), 10**12, -5, "x", None, 2**40])
        line = json.dumps(header).encode() + b"\n" + payload
        return line if chance.random() < 0.9 else chance.choice([b"\xff\xfe\n", b"[]\n", b"x" * 100_000 + b"\n", b"\n"])

    async def attack(uri: str) -> None:
        host, port = uri.removeprefix("tcp://").split(":")
        for _ in range(150):
            reader, writer = await asyncio.open_connection(host, int(port))
            with suppress(ConnectionError):
                for _ in range(chance.randrange(1, 6)):
                    writer.write(event())
                await writer.drain()
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), 0.02)
            writer.close()

    with serving(voices=toy_voices) as uri:
        asyncio.run(attack(uri))
        reader_answers = asyncio.run(_described(uri))
    assert b'"info"' in reader_answers


async def _described(uri: str) -> bytes:
    host, port = uri.removeprefix("tcp://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b'{"type": "describe"}\n')
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return line
