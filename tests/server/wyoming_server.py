"""A Wyoming server running in this process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from swaram.server.adapters.wyoming import serve_wyoming
from swaram.server.run import listen
from swaram.server.settings import ServerSettings


@contextmanager
def serving(name: str | None = None, **settings) -> Iterator[str]:
    """A Wyoming server in this process, announced under a name; yields its URI."""
    listener, up, loops = listen("127.0.0.1", 0), threading.Event(), []

    async def serve() -> None:
        loops.append((asyncio.get_running_loop(), asyncio.current_task()))
        await serve_wyoming(ServerSettings(workers=2, **settings), listener, name, up.set)

    def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert up.wait(20)
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        loop, task = loops[0]
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        listener.close()
        assert not thread.is_alive()
