"""API keys: only their hashes are kept, and each has limits of its own."""

import hashlib
import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import HTTPConnection

from swaram.errors import SwaramError
from swaram.server.tokens import PREFIX, Tokens
from swaram.validation import first_problem


class KeyFileError(SwaramError):
    """A file of keys that cannot be used."""


class Grant(BaseModel):
    """What the holder of one key may do; ``None`` sets no limit."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = ""
    streams: Annotated[int, Field(ge=1)] | None = None
    characters_per_minute: Annotated[int, Field(ge=1)] | None = None


class Holder:
    """A grant in use: how many streams it has open, and a bucket of characters that fills with time."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.streams = 0
        self._characters = float(grant.characters_per_minute or 0)
        self._filled = time.monotonic()

    def take(self, characters: int) -> float:
        """Take characters out of the bucket; return 0, or the seconds to wait until so many are there."""
        rate = self.grant.characters_per_minute
        if rate is None:
            return 0.0
        now = time.monotonic()
        self._characters = min(float(rate), self._characters + (now - self._filled) * rate / 60)
        self._filled = now
        # A text longer than a minute's worth may go once the bucket is full, and leaves it in debt.
        wanted = min(characters, rate)
        if self._characters < wanted:
            return (wanted - self._characters) * 60 / rate
        self._characters -= characters
        return 0.0


class KeyRing:
    """The keys of a server; without any, ``everybody`` is let in under the same, unlimited grant."""

    def __init__(self, grants: list[Grant] | None = None, tokens: Tokens | None = None) -> None:
        self._holders = [Holder(grant) for grant in grants or []]
        self.everybody = Holder(Grant(name="everybody"))
        self.tokens = tokens or Tokens()

    @classmethod
    def read(cls, path: Path | None, tokens: Tokens | None = None) -> "KeyRing":
        """Read a file of keys. Raises KeyFileError, naming the entry that is wrong."""
        return cls(None if path is None else read_grants(path), tokens)

    @property
    def needed(self) -> bool:
        """Whether a key is asked for."""
        return bool(self._holders)

    def find(self, connection: HTTPConnection) -> Holder | None:
        """Whose key, or token, a connection shows."""
        if not self._holders:
            return self.everybody
        shown = _shown(connection)
        if shown.startswith(PREFIX):
            claims = self.tokens.read(shown)
            origin = connection.headers.get("origin")
            if claims is None or (claims.origin is not None and claims.origin != origin):
                return None
            return self._of(claims.key)
        return self._of(hash_key(shown))

    def shows_token(self, connection: HTTPConnection) -> bool:
        """Whether a connection shows a token and no key."""
        return _shown(connection).startswith(PREFIX)

    def _of(self, digest: str) -> Holder | None:
        found = None
        for holder in self._holders:  # all are compared, whichever fits
            if hmac.compare_digest(holder.grant.sha256, digest):
                found = holder
        return found


def _shown(connection: HTTPConnection) -> str:
    """The key that a connection shows: ``Authorization`` as Bearer, or as Token as Deepgram's clients write it,
    ``X-API-Key``, ElevenLabs' ``xi-api-key``, or ``?key=`` for browsers."""
    headers = connection.headers
    scheme, _, given = headers.get("authorization", "").partition(" ")
    shown = given.strip() if scheme.lower() in ("bearer", "token") else ""
    return shown or headers.get("x-api-key") or headers.get("xi-api-key") or connection.query_params.get("key", "")


def hash_key(key: str) -> str:
    """The form in which a key is kept. Keys are random and long, so that a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def read_grants(path: Path) -> list[Grant]:
    """The grants of a file ``{"keys": [...]}``. Raises KeyFileError."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))["keys"]
        return [Grant.model_validate(entry) for entry in entries]
    except OSError as error:
        raise KeyFileError(f"{path}: the file of keys cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        raise KeyFileError(f"{path}: one of the keys is wrong, {first_problem(error, Grant)}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileError(f'{path}: a file of keys is JSON of the form {{"keys": [...]}}.') from error


def add_key(path: Path, name: str) -> str:
    """Add a new key to a file, which is made where it is missing; return the key, which is kept nowhere."""
    grants = read_grants(path) if path.exists() else []
    if any(grant.name == name for grant in grants):
        raise KeyFileError(f"{path}: there is a key of the name {name} already; choose another name.")
    key = "swaram-" + secrets.token_urlsafe(32)
    grants.append(Grant(name=name, sha256=hash_key(key)))
    content = json.dumps({"keys": [grant.model_dump(exclude_none=True) for grant in grants]}, indent=1)
    path.touch(mode=0o600)
    path.write_text(content + "\n", encoding="utf-8")
    return key
