"""The server's settings: one typed section, with a default for each."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class ServerSettings(BaseModel):
    """Where the server listens, with what it works, and what it grants each client. Times are in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 5000
    voices: Path | None = None
    workers: Count = max(1, os.cpu_count() or 1)

    max_connections: Count = 256
    max_streams: Count = 64
    max_queued_requests: Count = 8

    max_message_bytes: Count = 65_536
    max_message_characters: Count = 2_000
    max_request_characters: Count = 5_000
    idle_timeout: Positive = 60.0
    session_timeout: Positive = 3600.0
    stall_timeout: Positive = 10.0
    seconds_ahead: Positive = 3.0

    max_upload_bytes: Count = 256 << 20
    max_convert_message_bytes: Count = 1 << 20
    max_convert_seconds: Positive = 4 * 3600.0
