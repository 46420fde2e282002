"""Internal errors in the log: what and where, in one line, and never a value that a user sent."""

import traceback


def describe_fault(error: BaseException) -> str:
    """The exception's type and the last places it came through, without its message."""
    told = getattr(error, "description", None)
    if told:
        return f"in a worker: {told}"
    places = traceback.extract_tb(error.__traceback__)[-3:]
    way = " < ".join(f"{place.filename.rsplit('/', 1)[-1]}:{place.lineno}" for place in reversed(places))
    return f"{type(error).__name__} at {way or 'an unknown place'}"
