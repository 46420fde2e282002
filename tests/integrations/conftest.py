"""A server with the toy voices, for plugins; it runs in the process of the tests."""

from collections.abc import Iterator

import pytest

from tests.server.speech_client import RunningServer, running
from tests.voice.toy_voice import write_toy_voice


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[RunningServer]:
    """One server for all plugins."""
    folder = tmp_path_factory.mktemp("spoken")
    write_toy_voice(folder / "toy")
    with running(folder) as server:
        yield server
