"""``POST /convert``: a WAV in a form, its FLAC back, bit for bit the same samples."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import Message

from swaram.audio.files import AudioError
from swaram.audio.wav import TruncatedWav
from swaram.server.conversion import convert_stream
from swaram.server.settings import ServerSettings

_IN_MEMORY = 1 << 20
_PIECE = 1 << 16
# A form around one file: its boundary lines and headers.
_FORM_BYTES = 1 << 16


class HttpError(Exception):
    """An answer that is an error: status, code and one sentence."""

    def __init__(self, status: int, code: str, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence, self.headers = status, code, sentence, headers


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
