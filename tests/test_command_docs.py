"""The commands in README and docs: each block is run as it stands or says why not, and each command is one."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from swaram.audio.files import read_audio
from swaram.cli.main import COMMANDS, load
from tests.recorded_speech import RECORDINGS, ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PROGRAMS = {
    "swaram", "pip", "python", "python3", "make", "git", "docker", "curl", "cat", "echo", "torchrun", "tensorboard",
    "sha256sum", "kubectl", "systemctl", "uv", ".venv/bin/swaram",
}  # fmt: skip
FENCE = re.compile(r"^(?P<before>[^\n]*)\n```(?P<kind>[^\n`]*)\n(?P<body>.*?)^```$", re.M | re.S)
MARK = re.compile(r"<!-- (?P<run>run|not run)(?:: (?P<why>[^>]+?))? -->")


def blocks() -> list[tuple[str, int, str, re.Match | None]]:
    """(page, line, block, its mark) of every block whose lines begin with a program's name."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in FENCE.finditer(text):
            if block["kind"].strip() not in ("", "sh", "bash", "console"):
                continue
            first = [line.split()[0] for line in block["body"].split("\n") if line.strip()]
            if first and first[0] in PROGRAMS:
                line = text.count("\n", 0, block.start("body"))
                found.append((page.relative_to(ROOT).as_posix(), line, block["body"], MARK.match(block["before"])))
    return found


BLOCKS = blocks()
RUNNING = [block for block in BLOCKS if block[3] and block[3]["run"] == "run"]


@pytest.mark.parametrize(("page", "line", "body", "mark"), BLOCKS, ids=[f"{b[0]}:{b[1]}" for b in BLOCKS])
def test_every_block_of_commands_is_run_or_says_why_not(page, line, body, mark):
    assert mark, f"{page}, line {line}: put <!-- run --> or <!-- not run: why --> before the block"
    assert mark["run"] == "run" or (mark["why"] and len(mark["why"]) > 15), (
        f"{page}, line {line}: say why it is not run"
    )


def commands(body: str) -> list[list[str]]:
    """The arguments of every ``swaram`` in a block, comments left out."""
    found = []
    for line in re.sub(r"\\\n", " ", body).split("\n"):
        words = shlex.split(line, comments=True)
        for place, word in enumerate(words):
            if word in ("swaram", ".venv/bin/swaram") and (place == 0 or words[place - 1] == "|"):
                rest = words[place + 1 :]
                end = next((i for i, w in enumerate(rest) if w in ("|", "&&", ">", ";")), len(rest))
                found.append(rest[:end])
    return found


@pytest.mark.parametrize(("page", "line", "body", "mark"), BLOCKS, ids=[f"{b[0]}:{b[1]}" for b in BLOCKS])
def test_every_command_and_option_in_a_block_exists(page, line, body, mark):
    for words in commands(body):
        assert words[0] in COMMANDS, words
        command = load(words[0])
        rest = words[1:]
        if hasattr(command, "commands"):
            assert rest[0] in command.commands, words
            command, rest = command.commands[rest[0]], rest[1:]
        known = {spelling for p in command.params for spelling in (*p.opts, *getattr(p, "secondary_opts", ()))}
        used = {word.split("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word)}
        assert used <= known, (words, used - known)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """A folder with the files that the pages name, and a ``swaram`` to call."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "programs").mkdir()
    program = folder / "programs" / "swaram"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m swaram "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    recording = read_audio(RECORDINGS / "unheard-01.webm")
    soundfile.write(folder / "recording.wav", recording.audio, recording.sample_rate, subtype="PCM_16")
    soundfile.write(folder / "talk.mp3", recording.audio, recording.sample_rate, format="MP3")
    (folder / "poem.txt").write_text("അമ്മ വന്നു.\nനാളെ വരാം.\n", encoding="utf-8")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the blocks are for a POSIX shell")
@pytest.mark.parametrize(("page", "line", "body", "mark"), RUNNING, ids=[f"{b[0]}:{b[1]}" for b in RUNNING])
def test_the_block_runs_as_it_stands(page, line, body, mark, workplace, monkeypatch):
    needs = re.search(r"needs (\S+)", mark["why"] or "")
    if needs and not shutil.which(needs[1]):
        pytest.skip(f"{needs[1]} is not there")
    environment = {**os.environ, "SWARAM_VOICES": str(ROOT / "voices"), "XDG_DATA_HOME": str(workplace / "data")}
    environment |= {"SWARAM_RECOGNIZERS": str(ROOT / "recognizers"), "SWARAM_PLAYER": "none"}
    environment |= {"PATH": os.pathsep.join([str(workplace / "programs"), os.environ["PATH"]])}
    if "voice add" in body:  # into a folder of the test's, not beside the voice that ships
        environment["SWARAM_VOICES"] = os.pathsep.join([str(workplace / "voices"), str(ROOT / "voices")])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", body], cwd=workplace, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr


def test_the_page_of_commands_is_what_the_program_says():
    command = [sys.executable, str(ROOT / "docs" / "commands.py"), "--check"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_the_site_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages - {"index"} <= {path.parent.name for path in (tmp_path / "site").rglob("index.html")}
    listed = set(re.findall(r"(\w[\w-]*)\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert listed == pages
    html = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="https?://(?!squidfunk)[^"]*\.(?:js|css|woff2?)"', html)  # nothing from others
