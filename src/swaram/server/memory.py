"""Memory that is free inside this process goes back to the system, once a minute.

Every passage has tensors of other sizes, and glibc keeps what they leave behind: after half an hour of mixed load
twice as much as is in use. Giving it back takes a few milliseconds, beside the synthesis.
"""

import ctypes
import threading
from collections.abc import Callable

EVERY_SECONDS = 60.0


def find_trim() -> Callable[[int], int] | None:
    """glibc's ``malloc_trim``, or None where the C library is another one."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def give_back(stopped: threading.Event, every: float = EVERY_SECONDS) -> None:
    """Begin to give free memory back every so many seconds, in a thread of its own, until ``stopped`` is set."""
    trim = find_trim()
    if trim is None:
        return

    def work() -> None:
        while not stopped.wait(every):
            trim(0)

    threading.Thread(target=work, name="memory", daemon=True).start()
