"""The code of docs/python.md and of README.md runs as it stands, with the voice that ships."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def blocks(page: str) -> list[str]:
    """The Python blocks of a page, without those that say why they cannot run."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"([^\n]*)\n```python\n(.*?)```", text, re.S)
    return [code for before, code in found if not before.startswith("<!-- not run: ")]


@pytest.mark.parametrize(
    ("page", "files"),
    [("docs/python.md", ["hello.mp3", "price.flac"]), ("README.md", ["hello.mp3"]), ("docs/index.md", ["hello.mp3"])],
)
def test_the_code_of_a_page_runs(page, files, tmp_path):
    program = "\n".join(blocks(page))
    assert program
    environment = {**os.environ, "SWARAM_VOICES": str(ROOT / "voices"), "SWARAM_RECOGNIZERS": str(ROOT / "recognizers")}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
