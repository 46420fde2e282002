"""Text from any console or pipe: UTF-8, UTF-16 with its mark, or one sentence; never a traceback, never gibberish."""

import subprocess
import sys

import pytest

from swaram.cli.console import decode_text
from swaram.errors import SwaramError

TEXT = "നമസ്കാരം, സുഖമാണോ?"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_mark_or_in_utf8_is_read(encoding):
    assert decode_text(TEXT.encode(encoding), "x") == TEXT


@pytest.mark.parametrize("content", [TEXT.encode("utf-16-le"), b"\xff\xfe\x00", "é".encode("latin-1"), b"a\0b"])
def test_anything_else_is_one_sentence(content):
    with pytest.raises(SwaramError, match="standard input is not UTF-8") as error:
        decode_text(content, "standard input")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
@pytest.mark.parametrize("arguments", [["text", TEXT, "--language", "ml"], ["voice", "list"], ["nonsense-നമ"]])
def test_a_console_of_another_encoding_brings_no_traceback(encoding, arguments, toy_folder):
    environment = {"PYTHONIOENCODING": encoding, "SWARAM_VOICES": str(toy_folder), "PATH": ""}
    done = subprocess.run([sys.executable, "-m", "swaram", *arguments], capture_output=True, env=environment)
    assert b"Traceback" not in done.stderr
    if arguments[0] == "text":
        assert done.returncode == 0 and "നമസ്കാരം" in done.stdout.decode("utf-8")


def test_piped_text_is_spoken_whatever_the_console_says(toy_folder, tmp_path):
    for number, content in enumerate((TEXT.encode(), TEXT.encode("utf-16"))):
        out = tmp_path / f"{number}.wav"
        command = [sys.executable, "-m", "swaram", "speak", "-", "--voice", str(toy_folder / "toy"), "--out", str(out)]
        environment = {"PYTHONIOENCODING": "cp1252", "PATH": ""}
        done = subprocess.run(command, input=content, capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "0.wav").read_bytes() == (tmp_path / "1.wav").read_bytes()


def test_what_may_not_be_read_is_one_sentence(tmp_path, monkeypatch, capsys):
    from swaram.cli import main as cli

    def denied(*_args, **_keywords):
        raise PermissionError(13, "Permission denied", str(tmp_path / "secret"))

    monkeypatch.setattr(cli, "app", denied)
    with pytest.raises(SystemExit) as ended:
        cli.main(["speak"])
    told = capsys.readouterr().err
    assert ended.value.code == 1 and "secret: Permission denied" in told and told.count("\n") == 1
