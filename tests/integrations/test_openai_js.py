"""OpenAI's official JavaScript client. It is fetched by npm, so make soak runs it (SWARAM_SOAK=1)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import SHIPPED
from tests.recorded_speech import file_bytes, spoken_clips
from tests.server.speech_client import running

pytestmark = pytest.mark.skipif(not os.environ.get("SWARAM_SOAK"), reason="fetches a package by npm: set SWARAM_SOAK=1")
SCRIPT = Path(__file__).parent / "node" / "openai_client.mjs"
VERSION = "6.49.0"


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> dict:
    """What the client saw."""
    if shutil.which("npm") is None:
        pytest.skip("the program npm fetches the client")
    folder = tmp_path_factory.mktemp("node")
    install = ["npm", "install", "--no-audit", "--no-fund", f"openai@{VERSION}"]
    subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=120)
    shutil.copy(SCRIPT, folder)
    clip = spoken_clips()[0]
    (folder / "said.wav").write_bytes(file_bytes(clip.audio, clip.rate, "wav"))
    with running(SHIPPED, recognizers=SHIPPED.parent / "recognizers") as server:
        command = ["node", SCRIPT.name, server.address, "said.wav"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_format_comes_whole_and_says_who_speaks(seen):
    assert set(seen["formats"]) == {"mp3", "opus", "aac", "flac", "wav", "pcm"}
    assert all(answer["bytes"] > 5000 and "/" in answer["voice"] for answer in seen["formats"].values())
    assert seen["formats"]["pcm"]["type"].startswith("audio/pcm;rate=24000") and seen["pieces"] > 1


def test_models_and_errors(seen):
    assert seen["models"][0] == "swaram" and seen["model"] == "tts-1"
    error = seen["error"]
    assert (error["name"], error["status"], error["param"]) == ("BadRequestError", 400, "voice")
    assert error["requestID"].startswith("req_") and "no such speaker" in error["message"]
    assert seen["missing"] == {"name": "NotFoundError", "status": 404, "code": "model_not_found"}


def test_recordings_are_written_down_whole_by_words_and_as_events(seen):
    assert seen["text"] and seen["streamed"] == seen["text"] == " ".join(seen["words"])
    assert seen["events"] == ["transcript.text.delta", "transcript.text.done"]
