"""``swaram voice``: voices come whole or not at all, and go at once."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.voice.check import examine_voice
from swaram.voice.errors import VoiceError
from swaram.voice.library import add_voice, list_voices, remove_voice
from swaram.voice.voice import Voice
from tests.conftest import SHIPPED
from tests.voice.toy_voice import write_toy_voice


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture
def home(tmp_path) -> Path:
    """An empty folder of voices."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"{folder.name}/{file.name}")
        archive.writestr(f"{folder.name}/unlisted.sh", "echo surplus")
    return target


def test_a_zip_is_added_listed_described_and_removed(toy_folder, home, tmp_path):
    assert "holds no voice" in run("voice", "list", "--folder", home)
    archive = zipped(toy_folder / "toy", tmp_path / "downloaded.zip")
    assert "added" in run("voice", "add", archive, "--folder", home, "--name", "anu")
    assert sorted(file.name for file in (home / "anu").iterdir()) == [
        "LICENSE", "MODEL_CARD.md", "decoder.onnx", "frontend.onnx", "voice.json",
    ]  # fmt: skip
    assert Voice.open(home / "anu").package.sha256 == Voice.open(toy_folder / "toy").package.sha256
    assert "anu ml 2 16000 Hz" in run("voice", "list", "--folder", home)
    described = run("voice", "info", "anu", "--folder", home)
    assert "speaker 1: speaker-1 female" in described and "licence CC0-1.0" in described
    assert "removed" in run("voice", "remove", "anu", "--folder", home)
    assert list(home.iterdir()) == []


def test_the_name_is_its_own_by_default_and_never_a_path(toy_folder, home, tmp_path):
    add_voice(toy_folder / "toy", home)
    assert [voice.name for voice in list_voices(home)] == ["toy"]
    for name in ("../evil", ".hidden", "a/b", "", "x" * 200, "a\nb"):
        with pytest.raises(VoiceError, match=r"cannot be a voice.s name|already") as error:
            add_voice(toy_folder / "toy", home, name)
        assert "\n" not in str(error.value)
    assert [path.name for path in home.iterdir()] == ["toy"]
    for name in ("../home/toy", "", "..", "unknown"):
        with pytest.raises(VoiceError, match="has no voice"):
            remove_voice(name, home)


def test_a_voice_is_replaced_only_when_asked(toy_folder, home, tmp_path):
    other = write_toy_voice(tmp_path / "toy", speakers=1)
    add_voice(toy_folder / "toy", home)
    with pytest.raises(VoiceError, match="already"):
        add_voice(other, home)
    add_voice(other, home, replace=True)
    assert Voice.open(home / "toy").manifest.speakers == []
    (home / "notes").mkdir()
    with pytest.raises(VoiceError, match="notes"):
        add_voice(other, home, "notes", replace=True)
    with pytest.raises(VoiceError, match="is already in"):
        add_voice(home / "toy", home, replace=True)


def test_an_unsound_voice_is_not_added(toy_folder, home, tmp_path):
    broken = Path(shutil.copytree(toy_folder / "toy", tmp_path / "broken"))
    manifest = json.loads((broken / "voice.json").read_text())
    manifest["decoder"] = {"left_margin": 0, "right_margin": 0}
    (broken / "voice.json").write_text(json.dumps(manifest))
    with pytest.raises(VoiceError, match="margins"):
        add_voice(broken, home)
    (broken / "decoder.onnx").write_bytes(b"\0")
    with pytest.raises(VoiceError, match="does not match its checksum"):
        add_voice(broken, home)
    assert list(home.iterdir()) == []


def test_a_broken_voice_is_listed_with_its_fault_and_can_be_removed(toy_folder, home):
    broken = Path(shutil.copytree(toy_folder / "toy", home / "broken"))
    (broken / "voice.json").write_text('{"format_version": 99}')
    output = run("voice", "list", "--folder", home)
    assert "broken cannot be used" in output and "format_version 99" in output
    remove_voice("broken", home)
    assert list_voices(home) == []


def test_a_linked_voice_is_unlinked_and_stays_where_it_lies(toy_folder, home):
    (home / "linked").symlink_to(toy_folder / "toy")
    remove_voice("linked", home)
    assert list(home.iterdir()) == [] and (toy_folder / "toy" / "voice.json").is_file()


def test_a_check_speaks_every_symbol_and_tells_what_is_missing(toy, toy_folder, tmp_path):
    report = examine_voice(toy.voice)
    assert report.difference < 1e-5 and report.symbols == len(toy.voice.symbols) and report.speakers == 2
    assert "MODEL_CARD.md is not in the package." in report.notes
    poor = Path(shutil.copytree(toy_folder / "toy", tmp_path / "poor"))
    manifest = json.loads((poor / "voice.json").read_text()) | {"licence": "CC-BY-NC-4.0", "attribution": ""}
    (poor / "voice.json").write_text(json.dumps(manifest))
    output = run("voice", "check", poor)
    assert "NOT FOR COMMERCIAL USE: the licence is CC-BY-NC-4.0" in output and "attribution" in output


def test_a_check_refuses_a_table_with_more_symbols_than_the_model_knows(toy_folder, tmp_path):
    greedy = Path(shutil.copytree(toy_folder / "toy", tmp_path / "greedy"))
    manifest = json.loads((greedy / "voice.json").read_text())
    manifest["symbols"]["symbols"].append("ñ")
    (greedy / "voice.json").write_text(json.dumps(manifest))
    with pytest.raises(VoiceError, match="cannot be run"):
        examine_voice(Voice.open(greedy))


def test_a_check_refuses_a_front_end_that_makes_endless_frames(toy_folder, tmp_path):
    endless = Path(shutil.copytree(toy_folder / "toy", tmp_path / "endless"))
    model = onnx.load(endless / "frontend.onnx")
    lasts = next(weight for weight in model.graph.initializer if weight.name == "lasts")
    lasts.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(lasts) * 0 + 900, "lasts"))
    content = model.SerializeToString()
    (endless / "frontend.onnx").write_bytes(content)
    manifest = json.loads((endless / "voice.json").read_text())
    manifest["files"]["frontend.onnx"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (endless / "voice.json").write_text(json.dumps(manifest))
    with pytest.raises(VoiceError, match=r"makes \d+ frames of \d+ symbols"):
        examine_voice(Voice.open(endless))


def test_the_shipped_voice_passes_its_check_without_a_note(shipped):
    report = examine_voice(shipped.voice)
    assert report.difference < 1e-5 and report.notes == []


def test_the_schema_holds_for_the_voice_that_ships_and_names_what_is_needed():
    schema = json.loads(run("voice", "schema"))
    shipped = json.loads((SHIPPED / "malayalam" / "voice.json").read_text())
    assert set(schema["required"]) <= set(shipped) <= set(schema["properties"])
    assert schema["properties"]["format_version"] == {"enum": [1, 2]}
    assert {"sha256", "bytes"} == set(schema["$defs"]["FileEntry"]["required"])


def test_the_old_name_works_and_says_the_new_one(toy_folder):
    result = CliRunner().invoke(app, ["voices", "list", "--folder", str(toy_folder)])
    assert result.exit_code == 0 and "toy" in result.stdout
    assert result.stderr.count("swaram voice now") == 1


def test_what_is_added_packed_small_and_removed_is_told_as_json(toy_folder, home, tmp_path):
    added = json.loads(run("voice", "add", toy_folder / "toy", "--folder", home, "--name", "anu", "--json"))
    assert added["path"] == str(home / "anu") and added["difference"] < 1e-4
    shrunk = json.loads(run("voice", "shrink", toy_folder / "toy", "--out", tmp_path / "small", "--json"))
    assert shrunk["path"] == str(tmp_path / "small") and shrunk["bytes"] > 0
    removed = json.loads(run("voice", "remove", "anu", "--folder", home, "--json"))
    assert removed == {"removed": str(home / "anu")} and not (home / "anu").exists()
