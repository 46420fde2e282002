"""What the WebSockets of other services have in common: text in, one request after the other, JSON out."""

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket

from swaram.errors import SwaramError
from swaram.server.keys import Holder
from swaram.server.logs import describe_fault
from swaram.server.protocol import Close, ProtocolError, RequestError, Start
from swaram.server.service import Service
from swaram.server.speaking import Message, Speaking
from swaram.server.websocket import Gone, Socket
from swaram.voice.synthesis import Ending

logger = logging.getLogger("swaram.server")

_MOST_WAITING = 4096  # pieces of text that may wait for the sound before them


@dataclass(frozen=True)
class _Order:
    """A piece of text, or the end of a request and what is done then."""

    text: str = ""
    flush: bool = False
    then: Callable[[], Awaitable[None]] | None = None
    always: bool = False


def look_at_fault(task: asyncio.Task[None]) -> None:
    """Keeps the fault of a task that nobody waits for any more out of the log."""
    if not task.cancelled():
        task.exception()


class TextSession:
    """One client. A subclass reads its messages in ``handle``, tells sound in ``sound`` and faults in ``refuse``.

    Text, and where a request ends, is handed to ``write`` and ``finish``; requests are spoken in that order, each going
    on from the one before.
    """

    def __init__(self, websocket: WebSocket, service: Service, holder: Holder) -> None:
        settings = service.settings
        self.service, self.query = service, websocket.query_params
        self.socket = Socket(websocket, settings.idle_timeout, settings.stall_timeout, self._is_busy)
        self._holder = holder
        self._inbox: asyncio.Queue[_Order] = asyncio.Queue()
        self._waiting = 0  # characters in the inbox
        self._speaking: Speaking | None = None
        self._sending: asyncio.Task[None] | None = None
        self._ending: Ending | None = None
        self.request_id = secrets.token_hex(16)
        self.text = ""  # of the request that is being spoken, as far as it has come

    async def open(self) -> None:
        """Say what is said first. Raises SwaramError where the address asks for what there is not."""
        self.service.begin("check", self.start())

    def start(self) -> Start:
        """How the next request is to be spoken."""
        raise NotImplementedError

    async def handle(self, message: dict[str, Any]) -> None:
        """Do what one message asks. Raises SwaramError."""
        raise NotImplementedError

    async def sound(self, started: dict[str, Any], messages: AsyncIterator[Message]) -> None:
        """Send a request's sound."""
        raise NotImplementedError

    async def refuse(self, error: SwaramError, last: bool = False) -> None:
        """Tell that a request failed, or, ``last``, why the connection ends."""
        raise NotImplementedError

    def _is_busy(self) -> bool:
        return self._speaking is not None and not self._speaking.job.waits_for_text

    def write(self, text: str, flush: bool = False) -> None:
        """Text of the request that is being written. Raises RequestError where too much waits."""
        settings = self.service.settings
        self._waiting += len(text)
        most = settings.max_request_characters * settings.max_queued_requests
        if self._waiting > most or self._inbox.qsize() >= _MOST_WAITING:
            self._waiting -= len(text)
            raise RequestError("too_many_requests", "Too much text waits to be spoken; wait for the sound.", 1.0)
        self._inbox.put_nowait(_Order(text, flush))

    def finish(self, then: Callable[[], Awaitable[None]], always: bool = False) -> None:
        """The request is complete; ``then`` runs once it is spoken, and where it was dropped only if ``always``."""
        if not always and self._inbox.qsize() >= _MOST_WAITING:
            raise RequestError("too_many_requests", "Too much text waits to be spoken; wait for the sound.", 1.0)
        self._inbox.put_nowait(_Order(flush=True, then=then, always=always))

    def drop(self) -> None:
        """Stop the request that is spoken, and forget all text that waits."""
        while not self._inbox.empty():
            self._inbox.get_nowait()
        self._waiting = 0
        if self._speaking is not None:
            self._speaking.cancel()
            self._stop()

    async def _work(self) -> None:
        while True:
            order = await self._inbox.get()
            self._waiting -= len(order.text)
            try:
                if self._speaking is None and order.text.strip():
                    self._begin()
                if self._speaking is not None:
                    self.text += order.text
                    self._speaking.push(order.text, order.flush, end=order.then is not None)
            except SwaramError as error:
                self._stop()
                await self.refuse(error)
            if order.then is not None and (await self._spoken() or order.always):
                await order.then()

    def _begin(self) -> None:
        self._speaking = Speaking(self.service, self._holder, self.start(), self.request_id, self._ending)
        self._sending = asyncio.create_task(self.sound(self._speaking.started, self._speaking.messages()))
        self._sending.add_done_callback(look_at_fault)
        self.text = ""

    async def _spoken(self) -> bool:
        """Wait for the end of the request; False where it was dropped meanwhile."""
        speaking, sending = self._speaking, self._sending
        if speaking is None or sending is None:
            return True
        await asyncio.wait([sending])
        if sending.cancelled():
            return False
        self._stop()
        fault = sending.exception()
        if isinstance(fault, SwaramError):
            await self.refuse(fault)
        elif fault is not None:
            raise fault
        return True

    def _stop(self) -> None:
        if self._speaking is not None:
            self._ending = self._speaking.job.ending
            self._speaking.close()
        if self._sending is not None:
            self._sending.cancel()
        self._speaking = self._sending = None

    async def _receive(self) -> None:
        async for message in self.socket.receive():
            if len(message) > self.service.settings.max_message_bytes:
                limit = self.service.settings.max_message_bytes
                raise ProtocolError("too_large", f"The message is larger than {limit} bytes.", Close.TOO_LARGE)
            try:
                told = json.loads(message)
            except (ValueError, RecursionError):
                told = None
            if not isinstance(told, dict):
                raise ProtocolError("bad_json", "The message is not a JSON object.")
            try:
                await self.handle(told)
            except ProtocolError:
                raise
            except SwaramError as error:
                await self.refuse(error)

    async def _expire(self) -> None:
        await asyncio.sleep(self.service.settings.session_timeout)
        raise ProtocolError("session_over", "The session has reached its longest time; connect again.", Close.IDLE)

    async def run(self) -> None:
        """Serve until the client leaves, is done, or breaks the protocol."""
        tasks: list[asyncio.Task[None]] = []
        try:
            await self.open()
            works = (self._receive, self._work, self.socket.watch, self._expire)
            tasks = [asyncio.create_task(work()) for work in works]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            await self.socket.close(Close.NORMAL)
        except Gone:
            pass
        except SwaramError as error:
            with suppress(Gone):
                await self.refuse(error, last=True)
            await self.socket.close(getattr(error, "close", Close.BAD_MESSAGE), reason=str(error))
        except Exception as error:
            logger.error("%s: internal error: %s", type(self).__name__, describe_fault(error))
            await self.socket.close(Close.INTERNAL)
        finally:
            self._stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def go_away(self, seconds: float) -> None:
        """Say nothing: these protocols have no word for it."""
