"""``POST /v1/tokens``: a token for a visitor's browser, given for a key."""

import time
from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from swaram.server.auth import authenticate
from swaram.server.errors import HttpError
from swaram.server.service import Service
from swaram.server.settings import as_browsers_write
from swaram.server.tokens import Claims

SHORTEST, LONGEST = 10, 3600  # seconds


class TokenBody(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    expires_in: Annotated[int, Field(ge=SHORTEST, le=LONGEST, description="Seconds.")] = 300
    origin: Annotated[
        str | None,
        Field(max_length=300, description="The only origin whose pages may use it, such as https://a.example."),
    ] = None


def add_tokens(app: FastAPI, service: Service, errors: dict[int | str, dict[str, Any]]) -> None:
    """Add the address to an application."""

    @app.post("/v1/tokens", responses=errors)
    async def tokens(request: Request, body: TokenBody | None = None) -> dict[str, Any]:
        """A token that stands for the key for some minutes; it has the key's limits and gives no further tokens."""
        holder = authenticate(request, service)
        if service.keys.shows_token(request):
            raise HttpError(403, "token", "A token gives no tokens; ask with the key itself.")
        body = body or TokenBody()
        expires_at = int(time.time()) + body.expires_in
        origin = as_browsers_write(body.origin) if body.origin else None
        token = service.keys.tokens.issue(Claims(holder.grant.sha256, origin, expires_at))
        return {"token": token, "expires_in": body.expires_in, "expires_at": expires_at}
