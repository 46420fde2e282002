"""Where voices and recognisers are looked for, in which order."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from swaram import search_path
from swaram.voice.errors import VoiceError
from swaram.voice.library import add_voice, find_package, known_packages, list_voices, remove_voice


@pytest.fixture
def alone(tmp_path, monkeypatch, toy_folder):
    """An empty folder to work in, an empty user's folder, no data package, no clone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SWARAM_VOICES", raising=False)
    monkeypatch.setattr(search_path, "user_folder", lambda kind: tmp_path / "user" / kind)
    monkeypatch.setattr(search_path, "source_tree", lambda: None)
    monkeypatch.setattr(search_path, "_installed", lambda kind: [])
    return tmp_path


def copy(toy_folder: Path, target: Path) -> Path:
    return Path(shutil.copytree(toy_folder / "toy", target))


def install(folder: Path, toy_folder: Path, name: str) -> None:
    """A data package as a wheel lays it out: a Python package with the voice in it, and its metadata."""
    copy(toy_folder, folder / "voice_data" / name)
    (folder / "voice_data" / "__init__.py").touch()
    info = folder / "voice_data-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: voice-data\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[swaram.voices]\n{name} = voice_data\n", encoding="utf-8")


def test_every_place_is_found_and_the_first_one_counts(alone, toy_folder, monkeypatch):
    site = alone / "site packages"
    monkeypatch.setattr(search_path, "_installed", lambda kind: [search_path.Place(site / "v", "package p", "v")])
    monkeypatch.setattr(search_path, "source_tree", lambda: alone / "clone")
    monkeypatch.setenv("SWARAM_VOICES", os.pathsep.join([str(alone / "first"), str(alone / "second")]))
    homes = ["first", "second", "voices", "user/voices"]
    orders = [*(alone / home / "v" for home in homes), site / "v", alone / "clone" / "voices" / "v"]
    for number, path in enumerate(reversed(orders)):
        copy(toy_folder, path)
        assert known_packages()["v"].path.resolve() == path
        assert len(list_voices()) == number + 1
    listed = list_voices()
    assert [voice.hidden for voice in listed] == [False] + [True] * 5
    told = ["SWARAM_VOICES", "SWARAM_VOICES", "this folder", "the user's folder", "package p", "the clone"]
    assert [voice.told_by for voice in listed] == told
    assert find_package(alone / "second" / "v") == alone / "second" / "v"


def test_a_folder_that_is_given_is_the_only_one(alone, toy_folder):
    copy(toy_folder, alone / "voices" / "mine")
    copy(toy_folder, alone / "other" / "yours")
    assert list(known_packages(alone / "other")) == ["yours"]
    assert list(known_packages(alone / "other" / "yours")) == ["yours"]
    assert list(known_packages()) == ["mine"]


def test_a_variable_may_name_a_voice_itself(alone, toy_folder, monkeypatch):
    copy(toy_folder, alone / "somewhere" / "anu")
    monkeypatch.setenv("SWARAM_VOICES", str(alone / "somewhere" / "anu"))
    assert find_package() == alone / "somewhere" / "anu"
    assert find_package("anu") == alone / "somewhere" / "anu"


def test_an_installed_data_package_is_found_and_named_by_the_list(alone, toy_folder):
    install(alone / "site", toy_folder, "anu")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(alone / "site")])}
    command = [sys.executable, "-m", "swaram", "voice", "list", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True)
    (anu,) = [voice for voice in json.loads(done.stdout)["voices"] if voice["name"] == "anu"]
    assert anu["path"] == str(alone / "site" / "voice_data" / "anu") and anu["told_by"] == "package voice-data"


def test_a_data_package_whose_files_are_gone_is_passed_over(alone, toy_folder, monkeypatch):
    install(alone / "site", toy_folder, "anu")
    shutil.rmtree(alone / "site" / "voice_data")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(alone / "site")])}
    command = [sys.executable, "-m", "swaram", "voice", "list"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0 and "anu" not in done.stdout and not done.stderr


def test_what_is_added_goes_to_the_users_folder_where_there_is_no_folder_of_voices(alone, toy_folder):
    target, _ = add_voice(toy_folder / "toy")
    assert target == alone / "user" / "voices" / "toy" and find_package("toy") == target
    (alone / "voices").mkdir()
    assert add_voice(toy_folder / "toy", name="here")[0] == Path("voices") / "here"
    remove_voice("toy")
    assert list(known_packages()) == ["here"]


def test_what_a_package_brought_is_removed_with_the_package(alone, toy_folder, monkeypatch):
    copy(toy_folder, alone / "site" / "v")
    place = search_path.Place(alone / "site" / "v", "package voice-data", "v")
    monkeypatch.setattr(search_path, "_installed", lambda kind: [place])
    with pytest.raises(VoiceError, match="pip uninstall voice-data"):
        remove_voice("v")
    assert known_packages()["v"].path.is_dir()


def test_without_any_voice_the_message_says_where_it_looked_and_how_to_get_one(alone):
    with pytest.raises(VoiceError) as error:
        find_package()
    assert str(alone / "user" / "voices") in str(error.value) and "pip install swaram-voice-malayalam" in str(
        error.value
    )


def test_a_folder_that_only_has_the_name_of_a_voice_does_not_hide_it(alone, toy_folder):
    copy(toy_folder, alone / "voices" / "anu")
    (alone / "anu").mkdir()
    assert find_package("anu") == Path("voices") / "anu"
