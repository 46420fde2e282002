"""``swaram speak`` and ``swaram voice`` as a user types them."""

import shutil
import subprocess
import sys

import pytest
import soundfile

TEXT = "അമ്മ വന്നു. നാളെ രാവിലെ വരാം!"


def swaram(*arguments, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "swaram.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def test_speaking_writes_a_flac_file_that_is_sound(toy_folder, tmp_path):
    out = tmp_path / "hello.flac"
    done = swaram("speak", TEXT, "--out", out, "--voice", toy_folder / "toy", "--speaker", "speaker-1")
    assert done.returncode == 0, done.stderr
    assert "real-time factor" in done.stdout and "first audio" in done.stdout
    audio, rate = soundfile.read(out)
    assert rate == 16_000 and len(audio) > rate and abs(audio).max() > 0.01
    if shutil.which("flac"):
        checked = subprocess.run(["flac", "-t", "-s", "-w", out], capture_output=True, text=True)
        assert (checked.returncode, checked.stderr) == (0, "")
    assert [file.name for file in tmp_path.iterdir()] == ["hello.flac"]


def test_text_comes_from_standard_input_and_goes_to_wav(toy_folder, tmp_path):
    out = tmp_path / "hello.wav"
    done = swaram("speak", "-", "--out", out, "--voice", toy_folder / "toy", input=TEXT)
    assert done.returncode == 0, done.stderr
    assert soundfile.info(out).subtype == "PCM_16"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["", "--out", "a.flac"], "empty"),
        (["😀", "--out", "a.flac"], "no words of Malayalam"),
        ([TEXT, "--out", "a.doc"], "ending"),
        ([TEXT, "--out", "nowhere/a.flac"], "does not exist"),
        ([TEXT, "--speaker", "nobody"], "no such speaker"),
        ([TEXT, "--speed", "9"], "speed must be"),
        ([TEXT, "--language", "ta"], "reads ml"),
        ([TEXT, "--voice", "nowhere"], "no such voice"),
    ],
)
def test_mistakes_are_one_sentence_on_stderr(toy_folder, tmp_path, arguments, words):
    voice = [] if "--voice" in arguments else ["--voice", toy_folder / "toy"]
    done = swaram("speak", *arguments, *voice, cwd=tmp_path)
    assert done.returncode == 1 and words in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_voice_can_be_looked_into_and_checked(toy_folder):
    told = swaram("voice", "info", toy_folder / "toy")
    assert told.returncode == 0 and "speaker-1" in told.stdout and "CC0-1.0" in told.stdout
    checked = swaram("voice", "check", toy_folder / "toy")
    assert checked.returncode == 0 and "differ by at most" in checked.stdout


def test_speaking_needs_no_pytorch(toy_folder, tmp_path):
    code = (
        "import sys; from pathlib import Path; from swaram.cli.speak import speak_command;"
        f"speak_command({TEXT!r}, out=Path({str(tmp_path / 'a.flac')!r}), voice={str(toy_folder / 'toy')!r});"
        "import swaram.cli.serve, swaram.server.run; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_speaking_leaves_no_trace_outside_of_its_file(toy_folder, tmp_path):
    """onnxruntime's telemetry, which keeps a device id and a database in the home folder, stays off."""
    home, out = tmp_path / "home", tmp_path / "a.flac"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = swaram("speak", TEXT, "--out", out, "--voice", toy_folder / "toy", env=environment)
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []
