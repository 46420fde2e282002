"""What holds for every command: help with defaults, JSON, completion, the version."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import typer.core
from typer.testing import CliRunner

import swaram
from swaram.cli.main import COMMANDS, app, load

# Commands that change something and say one line about it, or write only what was asked for.
WITHOUT_JSON = {
    "wyoming",
    "mcp",
    "align",
    "adapt",
    "train",
    "serve",
    "pack",  # prints an entry for a catalogue, which is JSON
    "schema",
}


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command with its whole name."""
    for name in COMMANDS:
        found = load(name)
        if hasattr(found, "commands"):
            yield from ((f"{name} {inner}", command) for inner, command in found.commands.items() if not command.hidden)
        else:
            yield name, found


EVERY = dict(commands())


def options(command) -> list:
    return [parameter for parameter in command.params if getattr(parameter, "opts", None)]


@pytest.mark.parametrize("name", EVERY)
def test_every_default_is_visible_in_the_help(name):
    command = EVERY[name]
    shown = " ".join(CliRunner(env={"COLUMNS": "250"}).invoke(app, [*name.split(), "--help"]).output.split())
    for option in options(command):
        assert "[default" not in (option.help or ""), f"{name} {option.name}: rich takes that for markup"
        default = option.default
        plain = isinstance(default, int | float | str) and not isinstance(default, bool) and default != ""
        if plain and not getattr(option, "hidden", False):
            assert f"[default: {default}]" in shown, f"{name} {option.name}"
        if isinstance(option.show_default, str):
            assert f"[default: ({option.show_default})]" in shown, f"{name} {option.name}"


@pytest.mark.parametrize("name", EVERY)
def test_every_option_and_argument_is_explained(name):
    for parameter in EVERY[name].params:
        assert getattr(parameter, "hidden", False) or parameter.name == "help" or parameter.help, parameter.name


@pytest.mark.parametrize("name", [name for name in EVERY if name.split()[-1] not in WITHOUT_JSON])
def test_every_command_that_reports_can_report_as_json(name):
    if name in ("recognizer train", "recognizer export"):
        return  # a run that lasts hours, and one that writes a folder
    assert "--json" in {spelling for option in options(EVERY[name]) for spelling in option.opts}


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["voice", "list"], {"voices"}),
        (["voice", "info", "toy"], {"path", "name", "speakers", "files"}),
        (["voice", "check", "toy"], {"name", "difference", "symbols", "notes"}),
        (["voice", "search", "tamil"], {"voices"}),
        (["text", "25 പേർ", "--explain"], {"language", "steps", "rules", "sentences", "notices"}),
        (["speak", "അമ്മ", "--out", "a.wav", "--voice", "toy"], {"voice", "spoken"}),
        (["doctor"], {"swaram", "python", "processor", "voices", "recognizers", "programs", "extras", "disk"}),
    ],
)
def test_json_is_one_object_with_letters_as_they_are(arguments, keys, toy_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWARAM_VOICES", str(toy_folder / "toy"))
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    assert keys <= set(json.loads(result.stdout)) and "\\u0d" not in result.stdout


def test_the_version_is_said_in_both_ways():
    for arguments in (["--version"], ["version"]):
        assert CliRunner().invoke(app, arguments).stdout == f"{swaram.__version__}\n"


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("swaram speak --voice t", "toy"),
        ("swaram speak --voice toy --speaker speaker-", "speaker-1"),
        ("swaram text --language m", "mr"),
        ("swaram voice inf", "info"),
        ("swaram voice info t", "toy"),
        ("swaram trans", "transcribe"),
    ],
)
def test_the_shell_completes_commands_voices_speakers_and_languages(line, offered, toy_folder, tmp_path):
    words = line.split()
    environment = {
        **os.environ, "SWARAM_VOICES": str(toy_folder / "toy"), "_SWARAM_COMPLETE": "complete_bash",
        "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "swaram"], env=environment, capture_output=True, encoding="utf-8")
    assert offered in done.stdout.split(), done.stderr


def test_completion_of_a_voice_that_is_not_there_offers_nothing(tmp_path):
    from swaram.cli import completion

    context = SimpleNamespace(params={"voice": str(tmp_path / "nowhere")})
    assert completion.speakers(context, "") == []


def test_no_command_needs_the_consoles_encoding(toy_folder):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "SWARAM_VOICES": str(toy_folder)}
    for arguments in (["doctor"], ["voice", "search"], ["voice", "list"], ["--help"]):
        done = subprocess.run([sys.executable, "-m", "swaram", *arguments], env=environment, capture_output=True)
        assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr
