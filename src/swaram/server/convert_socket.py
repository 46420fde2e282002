"""``WS /v1/convert``: the bytes of a WAV in as they come, FLAC frames out as they are made."""

import asyncio
import base64
import logging
from contextlib import suppress

from starlette.websockets import WebSocket

from swaram.audio.files import AudioError
from swaram.audio.flac import BLOCK_SAMPLES
from swaram.server.conversion import Conversion
from swaram.server.faults import describe_fault
from swaram.server.messages import CONVERT, PROTOCOL_VERSION, Begin, Close, ProtocolError, parse
from swaram.server.service import Service
from swaram.server.socket import Gone, Socket

logger = logging.getLogger("swaram.server")


class ConvertSession:
    """One WAV on one socket."""

    def __init__(self, websocket: WebSocket, service: Service) -> None:
        self._settings = settings = service.settings
        self._metrics = service.metrics
        self._socket = Socket(websocket, settings.idle_timeout, settings.stall_timeout, lambda: False)
        self._lossy = False
        self._conversion: Conversion | None = None
        self._started = False
        self._received = 0

    async def run(self) -> None:
        """Convert until the WAV is complete, or say in one sentence why that cannot be."""
        tasks = [asyncio.create_task(work()) for work in (self._convert, self._socket.watch, self._expire)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [fault for fault in results if isinstance(fault, Exception) and not isinstance(fault, Gone)]
        self._metrics.converted.labels("socket", "failed" if faults else "done").inc()
        for fault in faults:
            if isinstance(fault, ProtocolError):
                await self._socket.close(fault.close, fault.code, str(fault))
            elif isinstance(fault, AudioError):
                await self._socket.close(Close.BAD_MESSAGE, "bad_wav", str(fault))
            else:
                logger.error("convert: internal error: %s", describe_fault(fault))
                await self._socket.close(Close.INTERNAL, "internal", "Something went wrong in the server.")
            return
        await self._socket.close(Close.NORMAL)

    async def go_away(self, seconds: float) -> None:
        """Tell the client that the server restarts."""
        with suppress(Gone):
            await self._socket.send_json({"type": "goaway", "seconds": seconds})

    async def _expire(self) -> None:
        await asyncio.sleep(self._settings.session_timeout)
        raise ProtocolError("session_over", "The session has reached its longest time; connect again.", Close.IDLE)

    async def _convert(self) -> None:
        await self._socket.send_json(
            {
                "type": "hello",
                "protocol": PROTOCOL_VERSION,
                "limits": {
                    "message_bytes": self._settings.max_convert_message_bytes,
                    "total_bytes": self._settings.max_upload_bytes,
                    "seconds": self._settings.max_convert_seconds,
                    "idle_seconds": self._settings.idle_timeout,
                },
            }
        )
        async for message in self._socket.receive():
            if isinstance(message, str):
                if isinstance(self._command(message), Begin):
                    continue
                await self._finish()
                return
            await self._take(message)
            if self._conversion is not None and self._conversion.complete:
                await self._finish()
                return

    def _command(self, message: str) -> object:
        command = parse(CONVERT, message)
        if isinstance(command, Begin):
            if self._conversion is not None:
                raise ProtocolError("late_start", "The start message must come before the first bytes of the WAV.")
            self._lossy = command.lossy
        return command

    async def _take(self, data: bytes) -> None:
        self._received += len(data)
        limit = self._settings.max_upload_bytes
        if self._received > limit:
            raise ProtocolError("too_large", f"The WAV is larger than {limit} bytes.", Close.TOO_LARGE)
        if self._conversion is None:
            self._conversion = Conversion(self._lossy, self._settings.max_convert_seconds)
        frames = await asyncio.to_thread(self._conversion.feed, data)
        await self._begin()
        for frame in frames:
            await self._socket.send_bytes(frame)

    async def _begin(self) -> None:
        form = self._conversion.format if self._conversion else None
        if self._started or form is None or self._conversion is None:
            return
        self._started = True
        await self._socket.send_json(
            {
                "type": "started",
                "format": "flac",
                "sample_rate": form.sample_rate,
                "channels": form.channels,
                "bits": form.bits,
                "block_samples": BLOCK_SAMPLES,
                "samples": form.frames,
                "lossless": form.lossless,
            }
        )
        await self._socket.send_bytes(self._conversion.encoder.header)

    async def _finish(self) -> None:
        conversion = self._conversion or Conversion()
        for frame in await asyncio.to_thread(conversion.finish):
            await self._socket.send_bytes(frame)
        encoder = conversion.encoder
        await self._socket.send_json(
            {
                "type": "done",
                "samples": encoder.samples,
                "md5": encoder.md5,
                "header": base64.b64encode(encoder.final_header).decode(),
            }
        )
