"""The server's settings: one typed section, with a default for each."""

import difflib
import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swaram.errors import SwaramError

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


PREFIX = "SWARAM_SERVER_"


class SettingsError(SwaramError):
    """Settings that cannot be used; the key is named."""


class ServerSettings(BaseModel):
    """Where the server listens, with what it works, and what it grants each client. Times are in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 5000
    voices: Path | None = None
    recognizers: Path | None = None
    workers: Count = max(1, os.cpu_count() or 1)
    worker_kind: Literal["thread", "process"] = "thread"

    tls_certificate: Path | None = None
    tls_key: Path | None = None
    json_log: bool = False

    keys: Path | None = None
    origins: tuple[str, ...] = ()

    watch_seconds: Annotated[float, Field(ge=0, le=3600)] = 2.0

    max_connections: Count = 512
    max_streams: Count = 256
    utilisation: Annotated[float, Field(gt=0, le=1)] = 0.55
    first_sound_limit: Positive = 0.15
    breather: Annotated[float, Field(ge=0)] = 0.5
    drain_timeout: Annotated[float, Field(ge=0)] = 20.0
    max_queued_requests: Count = 8

    max_message_bytes: Count = 65_536
    max_message_characters: Count = 2_000
    max_request_characters: Count = 5_000
    idle_timeout: Positive = 60.0
    session_timeout: Positive = 3600.0
    stall_timeout: Positive = 10.0
    seconds_ahead: Positive = 3.0

    max_upload_bytes: Count = 256 << 20
    upload_timeout: Positive = 300.0
    max_convert_message_bytes: Count = 1 << 20
    max_convert_seconds: Positive = 4 * 3600.0

    max_transcription_bytes: Count = 25 << 20
    max_transcription_seconds: Positive = 1800.0
    max_queued_transcriptions: Count = 4


def read_settings(path: Path | None, given: dict[str, Any]) -> ServerSettings:
    """Settings from a JSON file, then the environment (``SWARAM_SERVER_PORT`` ...), then flags; the last one counts.

    Raises SettingsError for an unknown key, naming the nearest right one, and for a wrong value.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = json.loads(path.read_text())
        except OSError as error:
            raise SettingsError(f"{path}: the settings cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise SettingsError(f"{path}: the settings are not JSON.") from error
        if not isinstance(values, dict):
            raise SettingsError(f"{path}: the settings are not a JSON object.")
    values |= _from_environment()
    values |= given
    for key in values:
        if key not in ServerSettings.model_fields:
            near = difflib.get_close_matches(key, ServerSettings.model_fields, 1)
            meant = f"; did you mean {near[0]}" if near else ""
            raise SettingsError(f"The server has no setting {key!r}{meant}.")
    try:
        return ServerSettings.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        raise SettingsError(f"The server's setting {fault['loc'][0]} is wrong: {fault['msg'].lower()}.") from error


def _from_environment() -> dict[str, Any]:
    found = {name[len(PREFIX) :].lower(): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    return {key: tuple(value.split(",")) if key == "origins" else value for key, value in found.items()}
