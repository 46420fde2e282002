"""``swaram voice get`` and ``voice search``, against a stand-in on loopback."""

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.errors import SwaramError
from swaram.files import file_sha256, zip_folder
from swaram.voice import fetch
from swaram.voice.catalogue import read_catalogue, search
from swaram.voice.errors import VoiceError
from swaram.voice.voice import Voice
from tests.corpora.hub import stand_in

__all__ = ["stand_in"]


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty folder of voices; downloads wait in a folder of the test's."""
    monkeypatch.setattr(fetch, "downloads_folder", lambda: tmp_path / "downloads")
    monkeypatch.setattr(fetch.time, "sleep", lambda seconds: None)
    monkeypatch.delenv("SWARAM_CATALOGUE", raising=False)
    (tmp_path / "voices").mkdir()
    return tmp_path / "voices"


@pytest.fixture(scope="module")
def archive(toy_folder, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("zips") / "anu.zip"
    zip_folder(toy_folder / "toy", path)
    return path


def test_a_zip_is_fetched_checked_and_added_and_nothing_is_left_over(stand_in, home, archive, tmp_path):
    address, handler = stand_in({"anu.zip": archive.read_bytes()})
    assert "added" in run("voice", "get", f"{address}/v/anu.zip", "--folder", home, "--sha256", file_sha256(archive))
    assert Voice.open(home / "anu").manifest.licence == "CC0-1.0"
    assert list((tmp_path / "downloads").iterdir()) == []
    assert not [seen for seen in handler.seen if seen[1].endswith(".sha256")]


def test_what_broke_off_goes_on_from_there(stand_in, home, archive):
    content = archive.read_bytes()
    address, handler = stand_in({"anu.zip": content}, cuts={"anu.zip": [700, 500]})
    steps = []
    fetch.fetch_voice(f"{address}/anu.zip", home / ".d", progress=lambda done, total: steps.append((done, total)))
    ranges = [seen[2] for seen in handler.seen if seen[1] == "/anu.zip"]
    assert ranges == ["", "bytes=700-", "bytes=1200-"]
    assert (home / ".d" / "anu.zip").read_bytes() == content and steps[-1] == (len(content), len(content))


def test_a_second_call_goes_on_where_the_first_gave_up(stand_in, home, archive, monkeypatch):
    monkeypatch.setattr(fetch, "ATTEMPTS", 1)
    address, handler = stand_in({"anu.zip": archive.read_bytes()}, cuts={"anu.zip": [900]})
    with pytest.raises(VoiceError, match="goes on from there") as error:
        run("voice", "get", f"{address}/anu.zip", "--folder", home)
    assert "\n" not in str(error.value) and list(home.iterdir()) == []
    run("voice", "get", f"{address}/anu.zip", "--folder", home)
    assert [seen[2] for seen in handler.seen if seen[1] == "/anu.zip"] == ["", "bytes=900-"]
    assert (home / "anu" / "voice.json").is_file()


def test_another_checksum_is_refused_and_nothing_of_it_stays(stand_in, home, archive, tmp_path):
    address, _ = stand_in({"anu.zip": archive.read_bytes()})
    with pytest.raises(VoiceError, match="not 0000"):
        run("voice", "get", f"{address}/anu.zip", "--folder", home, "--sha256", "0" * 64)
    assert list(home.iterdir()) == [] and list((tmp_path / "downloads").iterdir()) == []


def test_the_sum_that_the_server_states_beside_it_counts(stand_in, home, archive):
    stated = {"anu.zip": archive.read_bytes(), "anu.zip.sha256": f"{'1' * 64}  anu.zip\n".encode()}
    address, _ = stand_in(stated)
    with pytest.raises(VoiceError, match="not 1111"):
        run("voice", "get", f"{address}/anu.zip", "--folder", home)
    stated["anu.zip.sha256"] = f"{file_sha256(archive)}  anu.zip\n".encode()
    address, _ = stand_in(stated)
    run("voice", "get", f"{address}/anu.zip", "--folder", home)


def test_the_rest_of_an_older_version_is_fetched_anew(stand_in, home, archive, tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "anu.zip.partial").write_bytes(b"old" * 100)
    address, _ = stand_in({"anu.zip": archive.read_bytes()})
    run("voice", "get", f"{address}/anu.zip", "--folder", home, "--sha256", file_sha256(archive))
    assert (home / "anu" / "voice.json").is_file()


def test_a_zip_that_is_no_sound_voice_is_not_added(stand_in, home, tmp_path, toy_folder):
    broken = Path(shutil.copytree(toy_folder / "toy", tmp_path / "broken"))
    (broken / "decoder.onnx").write_bytes(b"\0")
    zip_folder(broken, tmp_path / "broken.zip")
    address, _ = stand_in({"broken.zip": (tmp_path / "broken.zip").read_bytes(), "page.zip": b"<html>"})
    with pytest.raises(VoiceError, match="does not match its checksum"):
        run("voice", "get", f"{address}/broken.zip", "--folder", home)
    with pytest.raises(VoiceError, match="not a readable zip"):
        run("voice", "get", f"{address}/page.zip", "--folder", home)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "source", ["http://127.0.0.1:9/x", "ftp://a/b.zip", "file:///etc/a.zip", "a/b", "hub:a", "hub:a/../b"]
)
def test_what_is_no_source_is_one_sentence(home, source):
    with pytest.raises(VoiceError) as error:
        run("voice", "get", source, "--folder", home)
    assert "\n" not in str(error.value)


def test_an_address_with_nothing_behind_it_is_one_sentence(stand_in, home):
    address, _ = stand_in({})
    with pytest.raises(VoiceError, match="there is nothing there"):
        run("voice", "get", f"{address}/anu.zip", "--folder", home)
    with pytest.raises(VoiceError, match="fetching broke off"):
        run("voice", "get", "http://127.0.0.1:9/anu.zip", "--folder", home)


def test_more_than_a_voice_may_have_is_not_stored(stand_in, home, archive, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_PACKAGE_BYTES", 1000)
    address, _ = stand_in({"anu.zip": archive.read_bytes()})
    with pytest.raises(VoiceError, match="larger than the 1000 bytes"):
        run("voice", "get", f"{address}/anu.zip", "--folder", home)


def hub_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_voice_that_lies_open_on_the_hub_is_fetched_file_by_file(stand_in, home, toy_folder, monkeypatch):
    address, handler = stand_in(hub_files(toy_folder / "toy"), cuts={"decoder.onnx": [100]})
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("HF_TOKEN", "right")
    run("voice", "get", "hub:someone/anu", "--folder", home)
    assert Voice.open(home / "anu").package.sha256 == Voice.open(toy_folder / "toy").package.sha256
    assert handler.seen[0][1] == "/someone/anu/resolve/main/voice.json"
    assert {seen[3] for seen in handler.seen} == {"Bearer right"}
    run("voice", "get", "hub:someone/anu/inner", "--folder", home, "--name", "inner")
    assert handler.seen[-1][1].startswith("/someone/anu/resolve/main/inner/")


def test_the_token_of_the_hub_goes_to_nobody_else(stand_in, home, archive, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    address, handler = stand_in({"anu.zip": archive.read_bytes()})
    run("voice", "get", f"{address}/anu.zip", "--folder", home)
    assert {seen[3] for seen in handler.seen} == {""}


def test_where_the_hub_sends_one_on_to_another_host_the_token_stays_behind(stand_in, home, toy_folder, monkeypatch):
    address, handler = stand_in(hub_files(toy_folder / "toy"))
    asked = []

    class Redirects(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers.get("Authorization"))
            self.send_response(302)
            self.send_header("Location", address + self.path)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirects) as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.server_port}")
        monkeypatch.setenv("HF_TOKEN", "secret")
        run("voice", "get", "hub:someone/anu", "--folder", home)
        hub.shutdown()
    assert set(asked) == {"Bearer secret"}
    assert handler.seen and {seen[3] for seen in handler.seen} == {""}


def test_damaged_or_foreign_voices_of_the_hub_are_refused(stand_in, home, toy_folder, monkeypatch):
    files = hub_files(toy_folder / "toy") | {"decoder.onnx": b"other"}
    address, _ = stand_in(files)
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(VoiceError, match=r"decoder\.onnx does not match its checksum"):
        run("voice", "get", "hub:someone/anu", "--folder", home)
    address, _ = stand_in({"config.json": b"{}"})
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(VoiceError, match="swaram voice import someone/anu"):
        run("voice", "get", "hub:someone/anu", "--folder", home)
    climbing = json.loads(files["voice.json"])
    climbing["files"]["../evil"] = climbing["files"]["decoder.onnx"]
    address, _ = stand_in(files | {"voice.json": json.dumps(climbing).encode()})
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(VoiceError, match="which is not fetched"):
        run("voice", "get", "hub:someone/anu", "--folder", home)
    assert list(home.iterdir()) == []


def test_a_name_of_a_catalogue_is_fetched_from_beside_it(stand_in, home, archive, tmp_path, monkeypatch):
    packed = json.loads(run("voice", "pack", archive, "--out", tmp_path / "published.zip"))
    assert (tmp_path / "published.zip.sha256").read_text().split() == [packed["sha256"], "published.zip"]
    catalogue = {"format_version": 1, "voices": [packed]}
    address, _ = stand_in(
        {"voices.json": json.dumps(catalogue).encode(), "published.zip": (tmp_path / "published.zip").read_bytes()}
    )
    found = json.loads(run("voice", "search", "--catalogue", f"{address}/c/voices.json", "--json"))["voices"]
    assert found[0]["source"] == f"{address}/c/published.zip" and found[0]["way"] == "swaram voice get published"
    monkeypatch.setenv("SWARAM_CATALOGUE", f"{address}/c/voices.json")
    run("voice", "get", "published", "--folder", home)
    assert (home / "published" / "voice.json").is_file()
    with pytest.raises(VoiceError, match="not in the catalogue; it has published"):
        run("voice", "get", "unknown", "--folder", home)


def test_the_catalogue_that_comes_along_is_sound_and_says_how_each_voice_is_got():
    entries = read_catalogue()
    assert [entry.way for entry in search(entries, ["malayalam"], "ml") if entry.package] == [
        "pip install swaram-voice-malayalam"
    ]
    assert search(entries, ["TAMIL", "nc"]) and not search(entries, ["klingon"])
    assert all("hi" not in entry.languages for entry in entries)
    for entry in entries:
        if not entry.package:
            with pytest.raises(VoiceError, match=f"swaram voice import {entry.foreign}"):
                fetch.fetch_entry(entry, Path("nowhere"))


def test_a_voice_that_comes_as_a_package_says_so_or_that_it_is_here(home, monkeypatch, shipped):
    with pytest.raises(VoiceError, match="pip install swaram-voice-malayalam"):
        run("voice", "get", "malayalam", "--folder", home)
    monkeypatch.setenv("SWARAM_VOICES", shipped.voice.package.source)
    assert "is here already" in run("voice", "get", "malayalam")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "format_version 1"),
        ('{"format_version": 2, "voices": []}', "format_version 1"),
        ('{"format_version": 1, "voices": [{"name": "x", "languages": ["ml"]}]}', "licence"),
        ('{"format_version": 1, "voices": [{"name": "../x", "languages": ["ml"], "licence": ""}]}', "name"),
        ('{"format_version": 1, "voices": [{"name": "x", "languages": ["ml"], "licence": ""}]}', "exactly one"),
    ],
)
def test_a_catalogue_that_is_wrong_is_one_sentence(tmp_path, text, words):
    path = tmp_path / "catalogue.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SwaramError, match=words) as error:
        read_catalogue(str(path))
    assert "\n" not in str(error.value)
