"""Answers that are errors, in the form that OpenAI's clients know."""

from typing import Any

from swaram.errors import SwaramError

_STATUS = {
    "overloaded": 429,
    "rate": 429,
    "too_many_streams": 429,
    "restarting": 503,
    "internal": 500,
    "model_not_found": 404,
    "bad_parameter": 422,
}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class HttpError(Exception):
    """An answer that is an error: status, code and one sentence; ``param``: the key of the request that it is about."""

    def __init__(
        self, status: int, code: str, sentence: str, headers: dict[str, str] | None = None, param: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence, self.headers, self.param = status, code, sentence, headers, param


def error_body(status: int, code: str, sentence: str, param: str | None = None) -> dict[str, Any]:
    """The JSON of an error: ``{"error": {"code", "message", "type", "param"}}``; ``type`` follows from the status."""
    # Half a surrogate pair in what a client sent must not become a fault of the answer about it.
    safe = sentence.encode("utf-8", "replace").decode()
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"code": code, "message": safe, "type": kind, "param": param}}


def to_http(error: SwaramError, names: dict[str, str] | None = None) -> HttpError:
    """An error of a request as an answer, with Retry-After where trying again helps.

    ``names``: what a form calls the keys of ``start``, where it calls them otherwise.
    """
    code = getattr(error, "code", "bad_request")
    retry = getattr(error, "retry_after", None)
    headers = None if retry is None else {"Retry-After": str(max(1, round(retry)))}
    key = getattr(error, "key", None)
    return HttpError(_STATUS.get(code, 400), code, str(error), headers, (names or {}).get(str(key), key))
