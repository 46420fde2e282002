"""The server's settings: from flags, the environment and a JSON file, with a default for each."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from swaram.errors import SwaramError
from swaram.validation import first_fault, message, nearest

# Voices of other services, and who speaks here for them: a gender, or a voice, a speaker, or voice/speaker. The stars
# and question marks of a shell may stand for parts of a name. Those of Kokoro say their gender in the second letter,
# those of Deepgram by the god or hero they are named after.
VOICE_NAMES = {
    "alloy": "female", "ash": "male", "ballad": "male", "cedar": "male", "coral": "female", "echo": "male",
    "fable": "male", "marin": "female", "nova": "female", "onyx": "male", "sage": "female", "shimmer": "female",
    "verse": "male", "?f_*": "female", "?m_*": "male",
}  # fmt: skip
_MEN = (
    "angus", "apollo", "arcas", "aries", "atlas", "draco", "helios", "hermes", "hyperion", "jupiter", "mars", "neptune",
    "odysseus", "orion", "orpheus", "perseus", "pluto", "saturn", "zeus",
)  # fmt: skip
VOICE_NAMES |= {f"aura-*{name}-*": "male" for name in _MEN} | {"aura-*": "female"}
# Models of other services that are answered as if they were this one's.
MODEL_NAMES = ("tts-*", "gpt-*", "*whisper*", "kokoro*")

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
PREFIX = "SWARAM_SERVER_"
_REMOVED = {
    "worker_kind": "The setting worker_kind (--worker-kind) is gone: speech is computed in threads. Leave it out; to "
    "keep a crash from all listeners, run several servers behind a proxy.",
}


def as_browsers_write(origin: str) -> str:
    """An origin in small letters and without a slash at the end."""
    return origin.strip().rstrip("/").lower()


class SettingsError(SwaramError):
    """Settings that cannot be used; the key is named."""


class ServerSettings(BaseSettings):
    """Where the server listens, with what it works, and what it grants each client. Times are in seconds.

    What is given by name counts before the environment (``SWARAM_SERVER_PORT`` ...), and that before the JSON file.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=PREFIX)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 5000
    root_path: Annotated[str, Field(pattern=r"^(/[^/?#]+)*$")] = ""
    voices: Path | None = None
    recognizers: Path | None = None
    workers: Count = max(1, os.cpu_count() or 1)

    tls_certificate: Path | None = None
    tls_key: Path | None = None
    json_log: bool = False

    lexicon: Path | None = None
    keys: Path | None = None
    token_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    origins: Annotated[tuple[str, ...], NoDecode] = ()

    voice_names: dict[str, str] = VOICE_NAMES
    model_names: tuple[str, ...] = MODEL_NAMES

    watch_seconds: Annotated[float, Field(ge=0, le=3600)] = 2.0

    max_connections: Count = 512
    max_streams: Count = 256
    utilisation: Annotated[float, Field(gt=0, le=1)] = 0.55
    first_sound_limit: Positive = 0.15
    breather: Annotated[float, Field(ge=0)] = 0.5
    drain_timeout: Annotated[float, Field(ge=0)] = 20.0
    max_queued_requests: Count = 8
    max_contexts: Count = 8

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

    @field_validator("origins", mode="before")
    @classmethod
    def _as_browsers_write(cls, origins: Any) -> Any:
        """A list, or text with commas; browsers write an origin in small letters and without a slash at the end."""
        listed = origins.split(",") if isinstance(origins, str) else origins
        if not isinstance(listed, list | tuple):
            return listed
        return tuple(as_browsers_write(o) if isinstance(o, str) else o for o in listed)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The first one that names a setting counts."""
        return init_settings, env_settings, JsonConfigSettingsSource(settings_cls)


def read_settings(path: Path | None, given: dict[str, Any]) -> ServerSettings:
    """Settings from a JSON file, then the environment (``SWARAM_SERVER_PORT`` ...), then flags; the last one counts.

    Raises SettingsError for an unknown key, naming the nearest right one, and for a wrong value.
    """

    class Settings(ServerSettings):
        model_config = SettingsConfigDict(json_file=path, json_file_encoding="utf-8-sig")

    for name in os.environ:  # pydantic-settings passes over variables that name no setting
        if name.startswith(PREFIX):
            _check_name(name.removeprefix(PREFIX).lower())
    if path is not None and not path.is_file():
        raise SettingsError(f"{path}: there is no such file; name the JSON file of the server's settings.")
    try:
        return Settings(**given)
    except ValidationError as error:
        fault = first_fault(error)
        name = str(fault["loc"][0])
        _check_name(name)
        raise SettingsError(f"The server's setting {name} is wrong: {message(fault)}.") from error
    except OSError as error:
        raise SettingsError(f"{path}: the settings cannot be read ({error.strerror}).") from error
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{path}: the settings are not a JSON object.") from error


def _check_name(name: str) -> None:
    if name in _REMOVED:
        raise SettingsError(_REMOVED[name])
    if name not in ServerSettings.model_fields:
        near = nearest(name, ServerSettings.model_fields)
        meant = f"; did you mean {near}" if near else ""
        raise SettingsError(f"The server has no setting {name!r}{meant}.")
