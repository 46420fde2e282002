"""Memory that the allocator keeps goes back to the system while the server runs."""

import re
import threading
import time
from pathlib import Path

import pytest

from swaram.server.service import find_trim, give_memory_back


def resident_mb() -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


@pytest.mark.skipif(find_trim() is None, reason="the C library is not glibc, and has no malloc_trim")
def test_what_lies_free_between_what_is_used_goes_back():
    pieces = [bytearray(b"x") * 100_000 for _ in range(1500)]
    held = resident_mb()
    pieces = pieces[::8] + pieces[-1:]  # holes: the heap's end is still in use
    stopped = threading.Event()
    give_memory_back(stopped, every=0.05)
    deadline = time.monotonic() + 10
    while resident_mb() > held - 80 and time.monotonic() < deadline:
        time.sleep(0.05)
    stopped.set()
    assert len(pieces) > 100
    assert resident_mb() < held - 80
