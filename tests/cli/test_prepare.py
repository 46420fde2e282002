"""``swaram prepare`` as a person meets it: its messages, its options, ``--explain``, and the report page."""

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from swaram.cli.main import app
from swaram.config.prepare import SettingsError, load_settings
from swaram.corpora import CORPORA
from swaram.errors import SwaramError
from tests.prepare.fixtures import good_clips

FREE = ["--language", "ml", "--licence", "CC0-1.0", "--workers", "1"]


def run(*arguments):
    return CliRunner().invoke(app, ["prepare", *map(str, arguments)])


def shell(*arguments):
    """The command as a process, for what reaches the person: output, errors, status."""
    program = "from swaram.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "prepare", *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


def test_every_corpus_has_its_command_and_news_has_none():
    shown = run("--help").output
    assert all(name in shown for name in CORPORA)
    assert "shrutilipi" not in shown


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["msc", "nowhere"], "nowhere: there is no such folder; give the folder that holds Malayalam Speech Corpus"),
        (["shrutilipi", "x", "--out", "y"], "mined from the news bulletins of All India Radio"),
        (["rasa", ".", "--language", "hi"], "swaram leaves Hindi out"),
        (["ljspeech", ".", "--language", "xx"], "language 'xx' is not offered"),
        (["msc", ".", "--split", "random"], "split.mode: input should be 'stratified' or 'speaker'"),
        (["msc", ".", "--sample-rate", "4000"], "audio.sample_rate: input should be greater than or equal to 8000"),
        (["msc", ".", "--settings", "gone.json"], "gone.json does not exist"),
        (["iitm", "x", "--download", "--language", "ta"], "this corpus cannot be fetched from here"),
    ],
)
def test_mistakes_are_one_sentence_and_status_1(arguments, said):
    done = shell(*arguments)
    assert done.returncode == 1
    assert said in done.stderr.replace("\n", " ")
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr


def test_the_light_install_is_told_what_to_add(monkeypatch, tmp_path):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    result = run("msc", tmp_path)
    assert isinstance(result.exception, SwaramError)
    assert "[train]'" in str(result.exception)


def test_help_imports_nothing_heavy():
    program = (
        "import sys; from swaram.cli.prepare import prepare_app; "
        "print([m for m in ('torch', 'pyarrow', 'scipy', 'pyloudnorm', 'huggingface_hub') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_a_corpus_is_prepared_and_its_report_is_one_page_with_clips_to_play(corpus, tmp_path):
    clips = [*good_clips(), ("bad", "നല്ല ദിവസം", b"RIFF"), ("latin", "<b>hello</b>", next(good_clips())[2])]
    result = run("ljspeech", corpus(clips), "--out", tmp_path / "data", *FREE)
    assert result.exit_code == 0, result.output
    assert re.search(r"^read +12 clips", result.output, re.MULTILINE)
    assert "decode: unreadable audio" in result.output
    page = (tmp_path / "data" / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio controls") >= 10
    assert "script: other letters" in page and "<b>hello" not in page
    assert not re.search(r"(src|href)=['\"](?!data:)", page)  # nothing is fetched from anywhere
    assert "lj-reader" in page and "<svg" in page and "Symbols of ml" in page


def test_explain_shows_every_gate_and_writes_nothing(corpus, tmp_path):
    folder = corpus([*list(good_clips())[:2], ("latin", "hello", next(good_clips())[2])])
    for wanted in ("lj-s01", "s01", "metadata.csv:2"):
        result = run("ljspeech", folder, "--out", tmp_path / "data", *FREE, "--explain", wanted)
        assert result.exit_code == 0
        assert "lj-s01" in result.output and "Hz" in result.output and "kept" in result.output
    result = run("ljspeech", folder, *FREE, "--explain", "lj-latin")
    assert "script: other letters" in result.output and "left out" in result.output
    assert not (tmp_path / "data").exists()
    twin = corpus([*list(good_clips())[:1], ("twin", *next(iter(good_clips()))[1:])], name="twins")
    run("ljspeech", twin, "--out", tmp_path / "data", *FREE)
    again = run("ljspeech", twin, "--out", tmp_path / "data", *FREE, "--explain", "lj-twin")
    assert "left out, duplicates: same audio" in again.output
    missing = run("ljspeech", folder, *FREE, "--explain", "nobody")
    assert "no such utterance" in str(missing.exception)


def test_settings_come_from_the_prepare_section_of_a_file_and_options_win(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"train": {}, "prepare": {"audio": {"sample_rate": 22050}, "sound": {"min_snr": 5}}}')
    settings = load_settings(path, audio={"format": "wav"})
    assert (settings.audio.sample_rate, settings.audio.format, settings.sound.min_snr) == (22_050, "wav", 5)
    assert load_settings(path, audio={"sample_rate": 24_000}).audio.sample_rate == 24_000


@pytest.mark.parametrize(
    "content,said",
    [
        ('{"prepare": {"sound": {"min_snrr": 5}}}', "sound.min_snrr is not a key; did you mean sound.min_snr"),
        ('{"sound": {"min_snr": "loud"}}', "sound.min_snr: input should be a valid number"),
        ('{"split": {"test": 2}}', "split.test: input should be less than or equal to 0.5"),
        ('{"sond": {}}', "sond is not a key; did you mean sound"),
        ("[1]", "must be a JSON object"),
        ("{", "is not readable JSON"),
    ],
)
def test_a_wrong_setting_names_its_key(tmp_path, content, said):
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=re.escape(said)):
        load_settings(path)


def test_progress_is_shown_on_a_terminal_and_nowhere_else(corpus, tmp_path):
    import os
    import pty

    folder = corpus(list(good_clips())[:3])
    quiet = shell("ljspeech", folder, "--out", tmp_path / "quiet", *FREE)
    assert quiet.stderr == "" and quiet.returncode == 0
    ours, theirs = pty.openpty()
    program = [sys.executable, "-c", "from swaram.cli.main import main; main()", "prepare", "ljspeech", str(folder)]
    run = subprocess.Popen([*program, "--out", str(tmp_path / "data"), *FREE], stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert run.wait(timeout=60) == 0
    assert b"preparing" in shown and b"3/" in shown
