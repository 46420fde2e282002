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


def test_explain_shows_which_rule_read_what():
    result = run("₹2.5 കോടിയുടെ 5 കി.മീ. ഡോ. BJP", "--language", "ml", "--explain")
    assert result.exit_code == 0
    for part in ("amount", "0–13", "രൂപയുടെ", "unit", "measure", "abbreviation", "English"):
        assert part in result.output


def test_emoji_are_named_on_request_and_another_word_is_refused():
    assert "thumbs up sign" not in run("ok 👍", "--language", "en-IN").output
    assert "thumbs up" in run("ok 👍", "--language", "en-IN", "--emoji", "name").output
    refused = run("ok", "--language", "en-IN", "--emoji", "say")
    assert "emoji must be 'drop' or 'name', not 'say'" in str(refused.exception)


def test_markup_is_followed_and_a_lexicon_spells(tmp_path):
    (tmp_path / "words.tsv").write_text("swaram\tസ്വരം\n", encoding="utf-8")
    markup = "<speak>Swaram <break time='2s'/> <lang xml:lang='ta'>5</lang></speak>"
    shown = run(markup, "-l", "ml", "--lexicon", str(tmp_path / "words.tsv"))
    for part in ("സ്വരം", "ஐந்து", "2 s", "Tamil (ta)", "lexicon"):
        assert part in shown.output
    assert "speak" not in shown.output and "break" not in shown.output
