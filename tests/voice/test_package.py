"""A voice package is checked before anything in it is used, folder or zip."""

import hashlib
import json
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from swaram.voice.engine import Engine
from swaram.voice.errors import VoiceError
from swaram.voice.library import find_voice, open_engines
from swaram.voice.packing import write_package
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.voice.toy_voice import write_toy_voice


@pytest.fixture
def package(toy_folder, tmp_path) -> Path:
    """A copy of the toy voice to damage."""
    return Path(shutil.copytree(toy_folder / "toy", tmp_path / "copy"))


def change(package: Path, **keys) -> Path:
    file = package / "voice.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))
    return package


def zipped(package: Path, target: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in package.iterdir():
            archive.write(file, inside + file.name)
    return target


@pytest.mark.parametrize("inside", ["", "malayalam/"])
def test_folder_and_zip_are_the_same_voice(package, tmp_path, inside):
    folder, archive = Voice.open(package), Voice.open(zipped(package, tmp_path / "voice.zip", inside))
    assert archive.manifest == folder.manifest
    assert archive.package.sha256 == folder.package.sha256
    assert (folder.name, folder.languages, folder.sample_rate) == ("Toy", ("ml",), 16_000)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"format_version": 3}, "format_version 3 .* update swaram"),
        ({"format_version": 0}, "format_version 0 .* make the voice again"),
        ({"format_version": True}, "format_version True .* make the voice again"),
        ({"name": "evil\x1b[2J"}, "key name: .*control characters"),
        ({"speakers": [{"id": 10**9, "name": "a"}]}, r"key speakers\.0\.id"),
        (
            {
                "symbols": {
                    "symbols": [chr(0x20000 + n) for n in range(20_001)],
                    "blank": False,
                    "bos": False,
                    "eos": False,
                }
            },
            "at most 20000",
        ),
        ({"hop_length": "long"}, "key hop_length"),
        ({"sample_rate": -1}, "key sample_rate"),
        ({"decoder": {"left_margin": 1}}, "decoder.right_margin"),
        ({"symbols": {"symbols": ["ab"]}}, "key symbols"),
        ({"speakers": [{"id": 0, "name": "a"}, {"id": 0, "name": "b"}]}, "key speakers"),
        ({"default_speaker": 9}, "key default_speaker"),
        ({"files": {}}, "key files"),
        ({"files": {f"{n}.txt": {"sha256": "0" * 64, "bytes": 1} for n in range(70)}}, "key files"),
        ({"files": {"../../etc/passwd": {"sha256": "0" * 64, "bytes": 1}}}, "key files"),
    ],
)
def test_a_wrong_manifest_names_its_key(package, keys, words):
    with pytest.raises(VoiceError, match=words) as error:
        Voice.open(change(package, **keys))
    assert "\n" not in str(error.value)


def test_a_manifest_that_is_no_json_or_missing(package):
    (package / "voice.json").write_text("{")
    with pytest.raises(VoiceError, match="not JSON"):
        Voice.open(package)
    (package / "voice.json").unlink()
    with pytest.raises(VoiceError, match=r"voice\.json is missing"):
        Voice.open(package)
    with pytest.raises(VoiceError, match="no such voice"):
        Voice.open(package / "nowhere")


def test_damaged_and_missing_models_are_noticed(package):
    model = package / "decoder.onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(VoiceError, match=r"decoder\.onnx does not match its checksum"):
        Voice.open(package)
    model.unlink()
    with pytest.raises(VoiceError, match=r"decoder\.onnx is missing"):
        Voice.open(package)


def test_a_model_that_is_no_model_is_one_sentence(package):
    content = b"not a model"
    (package / "decoder.onnx").write_bytes(content)
    files = json.loads((package / "voice.json").read_text())["files"]
    files["decoder.onnx"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    with pytest.raises(VoiceError, match=r"decoder\.onnx is not an ONNX model"):
        Voice.open(change(package, files=files))


def test_files_outside_of_the_package_are_not_read(package, tmp_path):
    files = json.loads((package / "voice.json").read_text())["files"]
    secret = tmp_path / "secret"
    secret.write_text("secret")
    entry = {"sha256": hashlib.sha256(b"secret").hexdigest(), "bytes": 6}
    with pytest.raises(VoiceError, match="outside"):
        Voice.open(change(package, files=files | {"../secret": entry}))
    (package / "link").symlink_to(secret)
    with pytest.raises(VoiceError, match="link is missing"):
        Voice.open(change(package, files=files | {"link": entry}))


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil"])
def test_zip_entries_that_climb_out_are_refused(package, tmp_path, name):
    archive = zipped(package, tmp_path / "voice.zip")
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(name, "evil")
    with pytest.raises(VoiceError, match="climbs out"):
        Voice.open(archive)


def test_zips_with_links_doubles_or_without_a_voice_are_refused(package, tmp_path):
    archive = zipped(package, tmp_path / "voice.zip")
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(VoiceError, match="link"):
        Voice.open(archive)
    archive = zipped(package, tmp_path / "double.zip")
    with zipfile.ZipFile(archive, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("decoder.onnx", "another")
    with pytest.raises(VoiceError, match="two entries"):
        Voice.open(archive)
    empty = tmp_path / "empty.zip"
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(VoiceError, match=r"no voice\.json"):
        Voice.open(empty)
    (tmp_path / "no.zip").write_bytes(b"PK\3\4 nothing more")
    with pytest.raises(VoiceError, match="not a readable zip"):
        Voice.open(tmp_path / "no.zip")


def test_a_zip_bomb_is_not_unpacked(package, tmp_path):
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("voice.json", "frontend.onnx"):
            file.write(package / name, name)
        file.writestr("decoder.onnx", bytes(64 << 20))
    with pytest.raises(VoiceError, match=r"decoder\.onnx is larger"):
        Voice.open(archive)


def test_voices_are_found_by_path_by_name_or_alone(toy_folder, tmp_path, monkeypatch):
    assert (
        find_voice(toy_folder / "toy").name == find_voice("toy", toy_folder).name == find_voice(None, toy_folder).name
    )
    monkeypatch.setenv("SWARAM_VOICES", str(toy_folder))
    assert find_voice("toy").name == "Toy"
    with pytest.raises(VoiceError, match="there are toy"):
        find_voice("other", toy_folder)
    with pytest.raises(VoiceError, match="no voice there"):
        find_voice(None, tmp_path)
    write_toy_voice(tmp_path / "one")
    write_toy_voice(tmp_path / "two")
    with pytest.raises(VoiceError, match="one of one, two"):
        find_voice(None, tmp_path)
    assert list(open_engines(tmp_path)) == ["one", "two"]


def test_a_voice_of_the_first_version_loads_without_the_keys_that_came_later(tmp_path):
    folder = write_toy_voice(tmp_path / "old", speakers=1)
    manifest = json.loads((folder / "voice.json").read_text())
    needed = {"format_version", "name", "language", "sample_rate", "hop_length", "latent_channels", "symbols"}
    needed |= {"decoder", "files"}
    (folder / "voice.json").write_text(json.dumps({key: manifest[key] for key in needed}))
    voice = Voice.open(folder)
    assert voice.manifest.format_version == 1 and voice.manifest.text.symbols == "letters"
    assert Engine(voice).synthesise(SpeechRequest("നമസ്കാരം")).duration > 0.2


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, 1),
        ({"symbols": {"symbols": ["_", "^", "$"], "blank_id": 1}}, 2),
        ({"symbols": {"symbols": ["_", "^", "$"], "edges": False}}, 2),
        ({"symbols": {"symbols": ["_", "^", "$", ""]}}, 2),
        ({"text": {"symbols": "phonemes", "espeak_voice": "ml"}}, 2),
        ({"styles": ["none", "news"]}, 2),
    ],
)
def test_a_voice_states_the_lowest_version_that_reads_it(package, tmp_path, changes, version):
    manifest = json.loads((package / "voice.json").read_text()) | changes
    models = {name: (package / name).read_bytes() for name in ("frontend.onnx", "decoder.onnx")}
    write_package(tmp_path / "written", models, {k: v for k, v in manifest.items() if k != "files"}, "", "")
    assert json.loads((tmp_path / "written" / "voice.json").read_text())["format_version"] == version
