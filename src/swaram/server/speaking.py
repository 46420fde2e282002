"""One request spoken into a short queue: what every adapter reads that is not the server's own WebSocket.

Admission, limits, the log and the metrics are those of the WebSocket; an adapter only translates what comes out.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from swaram.errors import SwaramError
from swaram.server.keys import Holder
from swaram.server.logs import describe_fault
from swaram.server.protocol import RequestError, Start
from swaram.server.service import Service
from swaram.server.speech_job import Sink
from swaram.voice.synthesis import Ending

logger = logging.getLogger("swaram.server")

# A reader may leave this many messages lying before synthesis waits for it, and no longer than so many seconds.
_QUEUE = 64
_READER_PATIENCE = 120.0
Message = bytes | dict[str, Any]


class Speaking:
    """A request that is being spoken. Raises SwaramError where it is refused.

    With ``start.text`` the request is complete; otherwise ``push`` gives it text. ``messages`` are those that the
    WebSocket sends between ``started`` and ``done``. ``after``: the ``ending`` of a request that this one continues.
    """

    def __init__(
        self, service: Service, holder: Holder, start: Start, request_id: str, after: Ending | None = None
    ) -> None:
        service.admission.admit(holder, len(start.text or ""), service.scheduler.waiting)
        self.job, self.started = service.begin(request_id, start)
        self.job.follow(after)
        if start.text is not None:
            self.job.push(start.text, end=True)
        self._service, self._holder = service, holder
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue(_QUEUE)
        self._fault: SwaramError | None = None
        self._outcome = "disconnected"
        self._begun = service.admission.enter(holder)
        self._task = asyncio.create_task(self._speak())
        self._task.add_done_callback(self._leave)  # also where it is cancelled before it has begun

    @property
    def controls(self) -> dict[str, Any]:
        """The voice, the speaker and so on that are used."""
        return self.job.controls

    def push(self, text: str = "", flush: bool = False, end: bool = False) -> None:
        """More text. Raises SwaramError when there was too much, or it comes after the end."""
        if text:
            self._service.admission.take(self._holder, len(text))
        self.job.push(text, flush, end)

    def cancel(self) -> None:
        """Speak no further; ``job.given_out()`` says how far it came."""
        self._outcome = "cancelled"
        self.close()

    def close(self) -> None:
        """Give up whatever is still to do."""
        self.job.close()
        self._task.cancel()

    async def _speak(self) -> None:
        try:
            await self.job.run(Sink(self._take, self._take))
            self._outcome = "done"
        except SwaramError as error:
            self._outcome, self._fault = "failed", error
        except TimeoutError:
            sentence = f"The sound was not read for {_READER_PATIENCE:g} seconds, so it was given up."
            self._fault = RequestError("too_slow", sentence)
        except Exception as error:
            logger.error("speech: internal error: %s", describe_fault(error))
            sentence = "Something went wrong in the server while speaking; try again."
            self._outcome, self._fault = "failed", RequestError("internal", sentence)

    def _leave(self, _: asyncio.Task[None]) -> None:
        self._service.admission.leave(self._holder)
        self._service.record(self.job, self._outcome, time.monotonic() - self._begun)
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)

    async def _take(self, message: Message) -> None:
        async with asyncio.timeout(_READER_PATIENCE):
            await self._queue.put(message)

    async def messages(self) -> AsyncIterator[Message]:
        """Everything until the end, or until it is cancelled. Raises SwaramError for what the user can mend."""
        try:
            while not (self._task.done() and self._queue.empty()):
                message = await self._queue.get()
                if message is None:
                    break
                yield message
            if self._fault is not None:
                raise self._fault
        finally:
            self.close()
