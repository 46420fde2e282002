"""``swaram transcribe`` as a user types it."""

import json
import subprocess
import sys

import pytest

from tests.recorded_speech import RECORDINGS, ROOT

RECORDING = RECORDINGS / "unheard-01.webm"


def transcribe(*arguments: object, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "swaram", "transcribe", "--recognizer", str(ROOT / "recognizers" / "ml")]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, timeout=120, **options)


@pytest.mark.parametrize("how", [["-"], []])
def test_a_recording_comes_through_a_pipe(how):
    named = transcribe(RECORDING, "--json")
    piped = transcribe(*how, "--json", input=RECORDING.read_bytes())
    one, other = (json.loads(done.stdout) for done in (named, piped))
    assert one["text"] and one["words"] == other["words"] and other["file"] == "-"


def test_a_pipe_without_a_recording_is_one_sentence():
    for given in (b"", b"no recording"):
        done = transcribe("-", input=given)
        told = done.stderr.decode()
        assert done.returncode == 1 and "standard input" in told and told.count("\n") == 1
