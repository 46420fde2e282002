"""The client that people copy: a whole file, pieces as they come, asyncio, and refusals in one sentence."""

import asyncio
import shutil
import subprocess

import httpx
import numpy as np
import pytest

from swaram.audio.files import read_audio
from swaram.client import ClientError, aspeak, assemble, astream, speak, stream
from tests.server.speech_client import running
from tests.voice.toy_voice import write_toy_voice

TEXT = "അമ്മ വന്നു. മഴ പെയ്യുന്നു."


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    write_toy_voice(folder / "toy")
    with running(folder) as server:
        yield server.address


def test_a_speech_is_a_sound_flac_file(address, tmp_path):
    content = speak(address, TEXT, voice="toy", seed=5)
    recording = read_audio(content)
    assert recording.sample_rate == 16_000 and recording.duration > 0.5
    (tmp_path / "a.flac").write_bytes(content)
    if shutil.which("flac"):
        assert subprocess.run(["flac", "-t", "-s", str(tmp_path / "a.flac")], check=False).returncode == 0


def test_pieces_come_before_the_end_and_join_to_the_same_samples(address):
    messages = list(stream(address, TEXT, seed=5))
    kinds = [type(message) for message in messages]
    assert kinds.index(bytes) < len(kinds) - 1 and messages[-1]["type"] == "done"
    whole = read_audio(speak(address, TEXT, seed=5)).audio
    assert np.array_equal(read_audio(assemble(messages)).audio, whole)


def test_asyncio_gets_the_same(address):
    async def both():
        messages = [message async for message in astream(address, TEXT, seed=5)]
        return messages, await aspeak(address, TEXT, seed=5)

    messages, content = asyncio.run(both())
    assert assemble(messages)[-2000:] == content[-2000:]
    assert np.array_equal(read_audio(content).audio, read_audio(speak(address, TEXT, seed=5)).audio)


def test_refusals_are_one_sentence(address):
    with pytest.raises(ClientError, match="no such speaker"):
        speak(address, TEXT, speaker="nobody")
    with pytest.raises(ClientError, match="no such speaker"):
        asyncio.run(aspeak(address, TEXT, speaker="nobody"))
    with pytest.raises(ClientError, match="could not be spoken to"):
        speak("http://127.0.0.1:9", TEXT)
    assert httpx.get(f"{address}/healthz").status_code == 200
