"""``swaram text`` shows a person what will be spoken."""

import typer
from typer.testing import CliRunner

from swaram.cli.text import text_command

app = typer.Typer()
app.command()(text_command)


def run(*arguments: str, given: bytes | None = None):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments), input=given)


def test_each_step_and_the_sentences_are_shown():
    result = run("டாக்டர். ராமன் 25 பேர் 😀", "--language", "ta")
    assert result.exit_code == 0
    for part in ("typed", "abbreviations", "numbers", "இருபத்தைந்து பேர்", "GRINNING FACE", "sentence"):
        assert part in result.output


def test_text_can_come_from_standard_input_whatever_its_bytes():
    result = run("-", "--language", "ml", given="ശരി".encode() + b"\xff\xfe")
    assert result.exit_code == 0 and "ശരി" in result.output


def test_control_characters_never_reach_the_terminal():
    result = run("ശരി \x1b[31m[red]", "--language", "ml")
    assert result.exit_code == 0 and "\x1b[31m" not in result.output and "[red]" in result.output


def test_strict_fails_with_one_sentence():
    result = run("ശരി 😀", "--language", "ml", "--strict")
    assert result.exit_code != 0
    assert "character 4: dropped U+1F600" in str(result.exception)
