"""The server's log: one line for each request, with everything but its text, and one for each internal error."""

import json
import logging
import time
import traceback


def describe_fault(error: BaseException) -> str:
    """The exception's type and the last places it came through, without its message."""
    places = traceback.extract_tb(error.__traceback__)[-3:]
    way = " < ".join(f"{place.filename.rsplit('/', 1)[-1]}:{place.lineno}" for place in reversed(places))
    return f"{type(error).__name__} at {way or 'an unknown place'}"


class LineFormatter(logging.Formatter):
    """A record as one line, as JSON or for people."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts = getattr(record, "facts", {})
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        if self._as_json:
            return json.dumps({"time": at, "level": record.levelname.lower(), "event": record.getMessage(), **facts})
        told = " ".join(f"{name}={value}" for name, value in facts.items())
        return f"{at} {record.levelname.lower()} {record.getMessage()} {told}".rstrip()


def configure_logging(as_json: bool) -> None:
    """Send the server's log to stderr; requests are written one by one only as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(as_json))
    logger = logging.getLogger("swaram.server")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO if as_json else logging.WARNING)
    logger.propagate = False
