"""``swaram doctor`` tells what is here, also on systems that say less."""

import builtins
import os
from pathlib import Path

from typer.testing import CliRunner

from swaram.cli import doctor
from swaram.cli.main import app


def test_it_names_voices_recognisers_and_where_they_lie(toy_folder, monkeypatch):
    monkeypatch.setenv("SWARAM_VOICES", str(toy_folder))
    told = CliRunner().invoke(app, ["doctor"]).stdout
    assert f"toy, {toy_folder / 'toy'}, SWARAM_VOICES" in told
    for word in ("processor:", "player:", "extras:", "memory:", "disk:", "python:"):
        assert word in told


def test_a_broken_voice_is_told_with_its_fault(toy_folder, tmp_path, monkeypatch):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "voice.json").write_text("{", encoding="utf-8")
    monkeypatch.setenv("SWARAM_VOICES", str(tmp_path))
    (bad,) = [voice for voice in doctor.examine()["voices"] if voice["name"] == "bad"]
    assert "not JSON" in bad["fault"]


def test_a_system_without_proc_affinity_and_programs_is_examined_too(monkeypatch):
    """As on macOS and Windows."""
    read_text = Path.read_text

    def without_proc(self, *arguments, **keywords):
        if str(self).startswith("/proc"):
            raise FileNotFoundError(2, "No such file or directory", str(self))
        return read_text(self, *arguments, **keywords)

    monkeypatch.setattr(Path, "read_text", without_proc)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("SWARAM_PLAYER", "none")
    found = doctor.examine()
    assert found["processor"]["cores"] >= 1 and found["processor"]["features"] == []
    assert found["memory"]["GB"] == "unknown on this system" and "missing" in found["programs"]["flac"]


def test_a_clone_that_is_not_installed_is_examined_too(monkeypatch):
    def missing(name: str):
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", missing)
    assert doctor.examine()["extras"] == {}


def test_it_imports_no_pytorch(monkeypatch):
    imported = builtins.__import__

    def watched(name, *arguments, **keywords):
        assert name.partition(".")[0] != "torch"
        return imported(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", watched)
    doctor.examine()
