"""Tokens that live for minutes: a site gets them with its key, and its visitors' browsers speak with them.

A token says whose key it stands for and until when, and for which origin where it is bound to one, signed by
HMAC-SHA256 (RFC 2104). Nothing about it is kept: servers that share the setting ``token_secret`` take each other's.
"""

import base64
import binascii
import hmac
import json
import secrets
import time
from dataclasses import dataclass

PREFIX = "swaram-token."
_DIGEST = "sha256"


@dataclass(frozen=True)
class Claims:
    """What a token says: the hash of its key (empty where the server has none), an origin or None, seconds since 1970
    at which it ends."""

    key: str
    origin: str | None
    expires_at: int


class Tokens:
    """Issues and reads tokens. ``secret``: what they are signed with; by default a new one each time."""

    def __init__(self, secret: str | None = None) -> None:
        self._secret = (secret or secrets.token_hex(32)).encode()

    def issue(self, claims: Claims) -> str:
        """A token that says so."""
        content = json.dumps([claims.key, claims.origin, claims.expires_at], separators=(",", ":")).encode()
        return f"{PREFIX}{_text(content)}.{_text(self._sign(content))}"

    def read(self, token: str) -> Claims | None:
        """What a token says, or None where it is none, was changed, was signed by somebody else, or has ended."""
        try:
            content, signature = (_bytes(part) for part in token.removeprefix(PREFIX).split("."))
        except (ValueError, binascii.Error):
            return None
        if not hmac.compare_digest(self._sign(content), signature):
            return None
        claims = Claims(*json.loads(content))
        return claims if time.time() < claims.expires_at else None

    def _sign(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, _DIGEST)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
