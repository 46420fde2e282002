"""What the OpenAPI page promises holds against Schemathesis, in an environment of its own (``make soak``)."""

import os
import subprocess

import pytest

from tests.server.speech_client import running

program = os.environ.get("SCHEMATHESIS")


@pytest.mark.skipif(not program, reason="Schemathesis is run by make soak, in an environment of its own")
def test_schemathesis_finds_nothing(toy_voices):
    with running(toy_voices) as server:
        # A schema cannot say that a file is a WAV or that a text holds words: some data that it calls valid is refused.
        command = [program, "run", f"{server.address}/openapi.json", "--checks", "all", "--max-examples", "150"]
        command += ["--exclude-checks", "positive_data_acceptance", "--no-color"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert told.returncode == 0, told.stdout[-4000:]
    assert "Fuzzing" in told.stdout and "generated" in told.stdout
