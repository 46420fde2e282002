"""The folder of voices is watched: voices come and go without a restart, and streams that run go on."""

import asyncio
import json
import logging
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swaram.server.metrics import Metrics
from swaram.server.voice_watch import VoiceWatch
from swaram.voice.library import add_voice, remove_voice
from tests.server.speech_client import TEXT, RunningServer, listen_until, running, say, speak
from tests.voice.toy_voice import write_toy_voice


@pytest.fixture
def watching(toy_voices, tmp_path) -> Iterator[tuple[RunningServer, Path]]:
    """A server whose folder holds the voice ``toy`` at first, and that folder."""
    folder = tmp_path / "voices"
    shutil.copytree(toy_voices / "toy", folder / "toy")
    with running(folder, workers=1, watch_seconds=0.1) as server:
        yield server, folder


def offered(server: RunningServer) -> list[str]:
    with urllib.request.urlopen(f"{server.address}/v1/voices") as answer:
        return sorted(voice["name"] for voice in json.load(answer)["voices"])


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_voice_that_is_added_speaks_and_one_that_is_removed_is_gone(watching, toy_voices):
    server, folder = watching
    before = speak(server, voice="toy", seed=2).done["md5"]
    add_voice(toy_voices / "toy-tamil", folder)
    wait_for(lambda: offered(server) == ["toy", "toy-tamil"])
    heard = speak(server, "வணக்கம் உலகம்", voice="toy-tamil")
    assert heard.done["samples"] > 24_000 and heard.of("started")[0]["sample_rate"] == 24_000
    remove_voice("toy-tamil", folder)
    wait_for(lambda: offered(server) == ["toy"])
    assert speak(server, voice="toy-tamil").of("error")[0]["code"] == "unknown_voice"
    assert speak(server, voice="toy", seed=2).done["md5"] == before


def test_a_running_stream_goes_on_when_its_voice_is_removed_or_replaced(watching, tmp_path):
    server, folder = watching

    def begin(socket, **start) -> None:
        say(socket, type="start", voice="toy", seed=5, pace=False, **start)
        say(socket, type="text", text=TEXT)
        say(socket, type="flush")
        listen_until(socket, "mark")

    def end(socket) -> dict:
        say(socket, type="text", text=TEXT)
        say(socket, type="end")
        return listen_until(socket, "done", "error").told[-1]

    with server.websocket() as alone:
        begin(alone)
        undisturbed = end(alone)
    with server.websocket() as one, server.websocket() as two:
        begin(one)
        add_voice(write_toy_voice(tmp_path / "other", speakers=3), folder, "toy", replace=True)
        wait_for(lambda: len(server.service.engines["toy"].voice.manifest.speakers) == 3)
        begin(two, speaker="speaker-2")
        remove_voice("toy", folder)
        wait_for(lambda: offered(server) == [])
        assert speak(server).of("error")[0]["code"] == "unknown_voice"
        assert server.service.streams == 2
        assert end(one)["md5"] == undisturbed["md5"]
        assert end(two)["type"] == "done"


def test_a_voice_that_is_half_there_or_broken_waits_and_harms_nobody(toy_voices, tmp_path, caplog):
    folder = tmp_path / "voices"
    shutil.copytree(toy_voices / "toy", folder / "toy")
    with running(folder, watch_seconds=0.05) as server, caplog.at_level(logging.WARNING, "swaram.server"):
        target = folder / "slow"
        target.mkdir()
        for name in ("voice.json", "frontend.onnx", "decoder.onnx"):  # a copy that takes its time
            shutil.copy(toy_voices / "toy-tamil" / name, target / name)
            time.sleep(0.4)
        wait_for(lambda: offered(server) == ["slow", "toy"])
        (target / "decoder.onnx").write_bytes(b"damaged")
        wait_for(lambda: any("does not match its checksum" in record.message for record in caplog.records))
        assert offered(server) == ["slow", "toy"]  # what was opened speaks on
        told = len(caplog.records)
        time.sleep(0.4)
        assert len(caplog.records) == told  # said once, not at every look
        shutil.copy(toy_voices / "toy-tamil" / "decoder.onnx", target / "decoder.onnx")
        folder.rename(tmp_path / "away")  # a folder that is away is no empty one
        wait_for(lambda: any("cannot be read" in record.message for record in caplog.records))
        assert offered(server) == ["slow", "toy"]
        assert speak(server, voice="slow", text="வணக்கம்").done["samples"] > 0


def test_watching_can_be_switched_off(toy_voices, tmp_path):
    folder = tmp_path / "voices"
    shutil.copytree(toy_voices / "toy", folder / "toy")
    with running(folder, watch_seconds=0) as server:
        shutil.copytree(toy_voices / "toy", folder / "another")
        time.sleep(0.5)
        assert offered(server) == ["toy"]


def test_a_folder_of_voices_that_never_was_there_is_not_waited_for(monkeypatch, tmp_path):
    """As in a container without a volume: the voice that was installed is served all the same."""
    monkeypatch.setenv("SWARAM_VOICES", str(tmp_path / "volume"))
    asyncio.run(VoiceWatch({}, Metrics(), None, 1.0).look())
