"""One WebSocket to a server, over which several requests are spoken at once: what the plugins for agents share."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from swaram.client import FAULTS, ClientError, connection

Message = bytes | dict[str, Any]
_ENDS = ("done", "cancelled", "error")


class RequestRefused(ClientError):
    """The server's own sentence. ``code``: as in the protocol; ``retry_after``: seconds, where trying again helps."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told["message"])
        self.code: str = told["code"]
        self.retry_after: float | None = told.get("retry_after")


@dataclass(frozen=True)
class TimedText:
    """A word of the text with all that stands between it and the next one, and when it is heard, in seconds."""

    text: str
    start: float
    end: float


class RemoteSpeech:
    """One request on a connection: text in, ``messages`` out."""

    def __init__(self, owner: "SpeakConnection", request_id: str, rate: int) -> None:
        self._owner, self._id, self._rate = owner, request_id, rate
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._cursor = 0
        self._over = False
        self.text = ""
        self.ending: dict[str, Any] = {}

    async def push(self, text: str) -> None:
        """More of the text. Raises ClientError where the connection is lost."""
        self.text += text
        longest = self._owner.message_characters
        for start in range(0, len(text), longest):
            await self._say("text", text=text[start : start + longest])

    async def flush(self) -> None:
        """Speak what has come, without waiting for the end of the sentence."""
        await self._say("flush")

    async def end(self) -> None:
        """No more text follows."""
        await self._say("end")

    async def cancel(self) -> None:
        """Stop; ``ending`` then says how much was given out. Nothing happens where it has ended already."""
        if not self._over:
            with suppress(ClientError):
                await self._say("cancel")

    async def _say(self, kind: str, **more: Any) -> None:
        if not self._over:
            await self._owner.send({"type": kind, "request_id": self._id, **more})

    def take(self, message: Message) -> None:
        """A message of the server about this request."""
        self._over = self._over or (isinstance(message, dict) and message["type"] in _ENDS)
        self._inbox.put_nowait(message)

    async def messages(self) -> AsyncIterator[Message]:
        """Sound, and what is told, until the end; left early, the request is cancelled. Raises ClientError."""
        try:
            while True:
                message = await self._inbox.get()
                if isinstance(message, dict) and message["type"] in _ENDS:
                    self.ending = message
                    if message["type"] == "error":
                        raise RequestRefused(message)
                    return
                yield message
        finally:
            await self.cancel()

    def timed(self, mark: dict[str, Any]) -> list[TimedText]:
        """The words of a ``mark``; joined, they are the text from the beginning to its last word."""
        spans: list[list[int]] = []
        for start, end, first, last in mark["words"]:
            if spans and start < spans[-1][1]:  # a number becomes several words
                spans[-1][1:] = [max(end, spans[-1][1]), spans[-1][2], last]
            elif end > self._cursor:
                spans.append([start, end, first, last])
        words = []
        for number, (_, _, first, last) in enumerate(spans):
            until = spans[number + 1][0] if number + 1 < len(spans) else max(mark["end"], spans[-1][1])
            words.append(TimedText(self.text[self._cursor : until], first / self._rate, last / self._rate))
            self._cursor = until
        return words


class SpeakConnection:
    """An open WebSocket; ``open`` makes one."""

    def __init__(self, socket: ClientConnection, hello: dict[str, Any]) -> None:
        self._socket = socket
        self._speeches: dict[str, RemoteSpeech] = {}
        self._names = itertools.count(1)
        self._current: RemoteSpeech | None = None
        self.message_characters: int = hello["limits"]["message_characters"]
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, key: str | None = None) -> "SpeakConnection":
        """Connect to a server, such as ``http://127.0.0.1:5000``. Raises ClientError."""
        try:
            socket = await open_socket(**connection(url, key), max_queue=None)
            hello = json.loads(await asyncio.wait_for(socket.recv(), 20))
        except FAULTS as error:
            raise ClientError(f"The server at {url} could not be spoken to ({type(error).__name__}).") from error
        if hello["type"] == "error":
            await socket.close()
            raise RequestRefused(hello)
        return cls(socket, hello)

    @property
    def usable(self) -> bool:
        """Whether requests can still be sent."""
        return not self._reader.done()

    async def speak(self, sample_rate: int, **options: Any) -> RemoteSpeech:
        """Begin a request of 16-bit samples, beside all others; ``options``: keys of ``start``. Raises ClientError."""
        name = f"request-{next(self._names)}"
        speech = self._speeches[name] = RemoteSpeech(self, name, sample_rate)
        start = {"format": "pcm", "sample_rate": sample_rate, "request_id": name, "context": name, **options}
        await self.send({"type": "start", **{key: value for key, value in start.items() if value is not None}})
        return speech

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message. Raises ClientError where the connection is lost."""
        try:
            await self._socket.send(json.dumps(message))
        except FAULTS as error:
            raise ClientError("The connection to the server is lost.") from error

    async def close(self) -> None:
        """Close the connection; requests that still run end with it."""
        await self._socket.close()
        await self._reader

    async def _read(self) -> None:
        lost = {"type": "error", "code": "connection", "message": "The connection to the server is lost."}
        try:
            async for message in self._socket:
                self._pass_on(message)
        except FAULTS:
            pass
        finally:
            for speech in self._speeches.values():
                speech.take(lost)
            self._speeches.clear()

    def _pass_on(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            if self._current is not None:
                self._current.take(message)
            return
        told = json.loads(message)
        speech = self._speeches.get(told.get("request_id", ""))
        if told["type"] == "audio":
            self._current = speech
        elif speech is not None:
            if told["type"] in _ENDS:
                del self._speeches[told["request_id"]]
            speech.take(told)


class Connector:
    """Gives a connection that is open: the one before, or a new one where that is lost."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url, self._key = url, key
        self._connection: SpeakConnection | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> SpeakConnection:
        """An open connection. Raises ClientError."""
        async with self._lock:
            if self._connection is None or not self._connection.usable:
                self._connection = await SpeakConnection.open(self._url, self._key)
            return self._connection

    async def close(self) -> None:
        """Close it where one is open."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
