"""The JavaScript client: Node's own tests against a server, a browser, its types, and the copy that the server has."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swaram.server.pages import FOLDER
from tests.recorded_speech import spoken_clips
from tests.server.browser import Browser, missing_programs
from tests.server.speech_client import TEXT

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


PLAY_WHILE_IT_IS_WRITTEN = """
  window.told = { heard: [], before: 0 };
  Promise.all([import('./page/client/swaram.js'), import('./page/client/player.js')]).then(async ([one, two]) => {
    const client = new one.SwaramClient(new URL('.', location.href));
    const player = new two.Player({ context: two.openContext(16000) });
    player.addEventListener('scheduled', ({ detail }) => window.told.heard.push(...detail.samples));
    player.play();
    const speech = client.speak({ format: await two.playableFormat(), speed: 2 });
    const all = two.playSpeech(speech, player);
    for (const piece of %s) {
      speech.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    window.told.before = window.told.heard.length;
    speech.end();
    await all;
    window.told.done = speech.done;
    await new Promise((resolve) => player.addEventListener('change', () => player.state === 'ended' && resolve()));
    window.told.ended = player.position;
  }).catch((error) => { window.told.error = String(error); });
"""


@pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {missing_programs()}")
def test_in_a_browser_it_plays_while_the_text_is_written(server):
    pieces = [word + " " for word in f"{TEXT} {TEXT}".split()]
    with Browser() as browser:
        browser.open(server.address)
        browser.run(PLAY_WHILE_IT_IS_WRITTEN % json.dumps(pieces))
        browser.wait_for("window.told?.ended || window.told?.error", 40)
        told = browser.run(
            "return {...window.told, heard: window.told.heard.map((value) => Math.round(value * 32768))}"
        )
    assert "error" not in told
    assert told["before"] > 8000  # heard before the text had ended
    assert told["ended"] == told["done"]["samples"] == len(told["heard"])
    samples = np.array(told["heard"], dtype="<i2")
    assert hashlib.md5(samples.tobytes()).hexdigest() == told["done"]["md5"]
