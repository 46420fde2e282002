"""The JavaScript client: Node's own tests against a server, its types, and the copy that the server gives out."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile

from swaram.server.pages import FOLDER
from tests.recorded_speech import spoken_clips

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "js"
MODULES = sorted(path.name for path in CLIENT.glob("*.js"))


def node(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = ["node", "--experimental-websocket", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=os.environ | environment, cwd=CLIENT, check=False
    )


def test_the_server_gives_out_the_client_as_it_is():
    assert MODULES == ["inbox.js", "player.js", "stretch.js", "swaram.js"]
    for name in MODULES:
        told = f"clients/js/{name} and its copy in server/page/client differ: copy the one that is right"
        assert (CLIENT / name).read_bytes() == (FOLDER / "client" / name).read_bytes(), told


@pytest.mark.skipif(shutil.which("node") is None, reason="not installed: node")
def test_nodes_own_tests_pass(server, tmp_path):
    clip = spoken_clips()[0]
    soundfile.write(tmp_path / "speech.wav", clip.audio, clip.rate, subtype="PCM_16")
    told = node("--test", "test/", SWARAM_ADDRESS=server.address, SWARAM_WAV=str(tmp_path / "speech.wav"))
    assert told.returncode == 0, told.stdout[-4000:] + told.stderr[-1000:]
    assert "# skipped 0" in told.stdout or "skipped 0" in told.stdout


def test_every_export_has_its_type():
    for module, types in (("swaram.js", "swaram.d.ts"), ("player.js", "player.d.ts")):
        lines = (CLIENT / module).read_text().splitlines()
        kinds = ("class ", "function ", "async function ", "const ")
        names = [
            line.removeprefix("export ").removeprefix(kind).split(maxsplit=1)[0].split("(")[0]
            for line in lines
            if line.startswith("export ")
            for kind in kinds
            if line.removeprefix("export ").startswith(kind)
        ]
        assert len(names) >= 5
        declared = (CLIENT / types).read_text()
        for name in names:
            assert any(f"export declare {kind}{name}" in declared for kind in ("class ", "function ", "const ")), name
