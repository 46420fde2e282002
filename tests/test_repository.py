"""What the repository holds: little enough to be cloned by anybody."""

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES = 35 << 20


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files that git tracks, and those that it would."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode:
        pytest.skip("not a clone: git knows nothing of this folder")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_all_files_together_stay_small(tracked):
    total = sum(path.stat().st_size for path in tracked)
    largest = sorted(tracked, key=lambda path: -path.stat().st_size)[:5]
    assert total <= MOST_BYTES, f"{total} bytes; the largest: {[str(path.relative_to(ROOT)) for path in largest]}"


def test_there_is_one_copy_of_each_large_file(tracked):
    large = [path for path in tracked if path.stat().st_size > 500_000]
    assert len({path.read_bytes() for path in large}) == len(large)


def test_no_file_is_named_so_that_another_system_cannot_hold_it(tracked):
    """Windows: no colons, no devices, no dot at the end; and no two names that differ by case alone."""
    names = [path.relative_to(ROOT).as_posix() for path in tracked]
    devices = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
    for name in names:
        for part in name.split("/"):
            assert not set(part) & set('<>:"|?*\\') and part[-1] not in ". "
            assert part.split(".")[0].casefold() not in devices
    assert len({name.casefold() for name in names}) == len(names)
    assert max(map(len, names)) < 150


def test_every_extra_that_a_message_names_is_one():
    import re

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    named = set(re.findall(r"install_command\(\"(\w+)\"\)|install_command\('(\w+)'\)", source))
    assert {a or b for a, b in named} <= set(extras) and named
    assert re.findall(r"pip install ['\"]?swaram\[", source) == []


def test_advice_to_install_fits_the_installation(monkeypatch, tmp_path):
    from swaram import extras

    monkeypatch.setattr(extras, "source_tree", lambda: None)
    assert extras.install_command("train") == "pip install 'swaram[train]'"
    clone = tmp_path / "with space"
    monkeypatch.setattr(extras, "source_tree", lambda: clone)
    assert extras.install_command("train") == f"pip install -e '{clone}[train]'"
    monkeypatch.setattr(extras.sys, "platform", "win32")
    assert extras.install_command("train") == f'pip install -e "{clone}[train]"'
