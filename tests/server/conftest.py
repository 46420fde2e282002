"""Servers with the toy voices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.speech_client import RunningServer, running
from tests.voice.toy_voice import write_toy_voice


@pytest.fixture(scope="session")
def toy_voices(tmp_path_factory) -> Path:
    """A folder with the voices ``toy`` (two speakers, 16 kHz) and ``toy-tamil`` (one speaker, 24 kHz)."""
    folder = tmp_path_factory.mktemp("served")
    write_toy_voice(folder / "toy")
    write_toy_voice(folder / "toy-tamil", speakers=1, hop_length=240, sample_rate=24_000, language="ta")
    return folder


@pytest.fixture(scope="session")
def server(toy_voices) -> Iterator[RunningServer]:
    """One server for all tests that leave it as it was."""
    with running(toy_voices) as server:
        yield server
