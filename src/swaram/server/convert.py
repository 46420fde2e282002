"""WAV to FLAC: ``POST /convert`` answers a whole upload, ``WS /v1/convert`` sends frames while the bytes come.

``read_form`` reads the form of an upload no further than its limit, for transcriptions too.
"""

import asyncio
import base64
import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, BinaryIO

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import Message
from starlette.websockets import WebSocket

from swaram.audio.convert import Conversion, convert_stream
from swaram.audio.files import AudioError
from swaram.audio.flac import BLOCK_SAMPLES
from swaram.audio.wav import TruncatedWav
from swaram.server.errors import HttpError
from swaram.server.logs import describe_fault
from swaram.server.protocol import CONVERT, PROTOCOL_VERSION, Begin, Close, ProtocolError, parse
from swaram.server.service import Service
from swaram.server.settings import ServerSettings
from swaram.server.websocket import Gone, Socket

_IN_MEMORY = 1 << 20
_PIECE = 1 << 16
# A form around one file: its boundary lines and headers.
_FORM_BYTES = 1 << 16


async def convert_upload(request: Request, settings: ServerSettings) -> Response:
    """Answer a ``POST /convert``. Raises HttpError."""
    lossy = _flag(request.query_params.get("lossy"))
    try:
        async with asyncio.timeout(settings.upload_timeout):
            form = await read_form(request, settings.max_upload_bytes, settings.idle_timeout, "WAV")
    except TimeoutError:
        raise HttpError(408, "too_slow", "The upload came too slowly; send it again.") from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise HttpError(400, "no_file", "Send the WAV as the multipart form field 'file'.")
        target: Any = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by the answer
        try:
            encoder = await asyncio.to_thread(convert_stream, file.file, target, lossy, settings.max_convert_seconds)
        except AudioError as error:
            target.close()
            raise HttpError(422 if isinstance(error, TruncatedWav) else 415, "bad_wav", str(error)) from error
        except BaseException:
            target.close()
            raise
    finally:
        await form.close()
    length = await asyncio.to_thread(target.seek, 0, 2)
    headers = {
        "Content-Length": str(length),
        "X-Audio-MD5": encoder.md5,
        "X-Samples": str(encoder.samples),
        "Content-Disposition": 'attachment; filename="converted.flac"',
    }
    return StreamingResponse(_pieces(target), media_type="audio/flac", headers=headers)


def _flag(value: str | None) -> bool:
    if value is None or value.lower() in ("0", "false", "no", ""):
        return False
    if value.lower() in ("1", "true", "yes"):
        return True
    raise HttpError(422, "bad_parameter", "The parameter lossy must be 0 or 1.")


async def read_form(request: Request, limit: int, patience: float, what: str, fields: int = 8) -> FormData:
    """A form with one file, read no further than ``limit`` bytes whatever the headers claim. Raises HttpError."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HttpError(415, "no_form", f"Send a multipart/form-data body with the {what} in the field 'file'.")
    too_large = HttpError(413, "too_large", f"The upload is larger than {limit} bytes.")
    claimed = request.headers.get("content-length", "")
    if claimed.isdecimal() and int(claimed) > limit + _FORM_BYTES:
        raise too_large
    received = 0
    receive = request.receive

    async def counted() -> Message:
        nonlocal received
        async with asyncio.timeout(patience):
            message = await receive()
        received += len(message.get("body", b""))
        if received > limit + _FORM_BYTES:
            raise too_large
        return message

    try:
        return await Request(request.scope, counted).form(max_files=1, max_fields=fields)
    except HTTPException as error:
        raise HttpError(400, "bad_form", f"The form cannot be read: {str(error.detail).rstrip('.')}.") from error


async def _pieces(file: Any) -> AsyncIterator[bytes]:
    source: BinaryIO = file
    try:
        source.seek(0)
        while piece := await asyncio.to_thread(source.read, _PIECE):
            yield piece
    finally:
        source.close()


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
