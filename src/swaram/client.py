"""The shortest client of the server: text out, FLAC in, over its WebSocket (docs/protocol.md). Made to be copied.

``speak(url, text)`` gives a whole file, ``stream(url, text)`` its pieces as they come; ``aspeak`` and ``astream`` are
the same for asyncio. ``options`` are the keys of ``start`` in the protocol: voice, speaker, language, speed, seed, ...
"""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from websockets.asyncio.client import connect as aconnect
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from swaram.errors import SwaramError

FAULTS = (OSError, TimeoutError, WebSocketException)


class ClientError(SwaramError):
    """The server could not be reached, or refused; the message says why."""


def stream(url: str, text: str, *, key: str | None = None, **options: Any) -> Iterator[bytes | dict[str, Any]]:
    """The FLAC header, then FLAC frames as they are made, and between them what the server tells as dictionaries.

    The last one has ``type`` "done", and ``header``: the complete one, in base64, for a file that is kept.
    """
    try:
        with connect(**connection(url, key)) as socket:
            socket.recv(timeout=30)  # what the server offers
            socket.send(json.dumps({"type": "start", "text": text, "marks": "none", "pace": False} | options))
            while True:
                yield (message := _read(socket.recv(timeout=60)))
                if isinstance(message, dict) and message["type"] == "done":
                    return
    except FAULTS as error:
        raise ClientError(f"The server at {url} could not be spoken to ({type(error).__name__}).") from error


def speak(url: str, text: str, *, key: str | None = None, **options: Any) -> bytes:
    """The speech as a FLAC file. Raises ClientError."""
    return assemble(list(stream(url, text, key=key, **options)))


async def astream(url: str, text: str, *, key: str | None = None, **options: Any) -> AsyncIterator[Any]:
    """As ``stream``, for asyncio."""
    try:
        async with aconnect(**connection(url, key)) as socket:
            await socket.recv()
            await socket.send(json.dumps({"type": "start", "text": text, "marks": "none", "pace": False} | options))
            while True:
                yield (message := _read(await socket.recv()))
                if isinstance(message, dict) and message["type"] == "done":
                    return
    except FAULTS as error:
        raise ClientError(f"The server at {url} could not be spoken to ({type(error).__name__}).") from error


async def aspeak(url: str, text: str, *, key: str | None = None, **options: Any) -> bytes:
    """As ``speak``, for asyncio."""
    return assemble([message async for message in astream(url, text, key=key, **options)])


def connection(url: str, key: str | None) -> dict[str, Any]:
    """What ``connect`` of the package websockets is called with."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    address = url.rstrip("/").replace("http", "ws", 1) + "/v1/speak"
    return {"uri": address, "compression": None, "proxy": None, "additional_headers": headers}


def _read(message: str | bytes) -> bytes | dict[str, Any]:
    if isinstance(message, bytes):
        return message
    told: dict[str, Any] = json.loads(message)
    if told["type"] == "error":
        raise ClientError(f"The server could not speak: {told['message']}")
    return told


def assemble(messages: list[Any]) -> bytes:
    """A file of all that ``stream`` gave: the complete header in place of the first, which did not know the length."""
    pieces = [message for message in messages if isinstance(message, bytes)]
    return base64.b64decode(messages[-1]["header"]) + b"".join(pieces[1:])
