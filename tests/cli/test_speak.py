"""``swaram speak`` and ``swaram voice`` as a user types them."""

import io
import json
import os
import shlex
import shutil
import subprocess
import sys

import av
import pytest
import soundfile

from swaram.cli.speak import speak_command

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
        ([TEXT, "--raw", "--format", "mp3"], "exclude each other"),
        ([TEXT, "-o", "a.wav", "--format", "aiff"], "not written"),
        (["-f", "nowhere.txt"], "no such file"),
        ([TEXT, "-f", "nowhere.txt"], "not both"),
        ([TEXT, "--lines", "-o", "-"], "one file a line"),
        ([], "Nothing to say"),
    ],
)
def test_mistakes_are_one_sentence_on_stderr(toy_folder, tmp_path, arguments, words):
    voice = [] if "--voice" in arguments else ["--voice", toy_folder / "toy"]
    done = swaram("speak", *arguments, *voice, cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and words in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_ending_decides_the_format(toy_folder, tmp_path):
    kinds = {"flac": "flac", "wav": "wav", "mp3": "mp3", "opus": "ogg", "ogg": "ogg"}
    for ending, container in kinds.items():
        out = tmp_path / f"hello.{ending}"
        speak_command(TEXT, out=out, voice=str(toy_folder / "toy"))
        with av.open(str(out)) as opened:
            assert opened.format.name == container
            assert sum(frame.samples for frame in opened.decode(audio=0)) > 16_000
    speak_command(TEXT, out=tmp_path / "hello.pcm", voice=str(toy_folder / "toy"))
    whole, _ = soundfile.read(tmp_path / "hello.wav", dtype="int16")
    assert (tmp_path / "hello.pcm").read_bytes() == whole.tobytes()


@pytest.mark.parametrize("how", [["-"], [], ["--file", "-"], ["-f", "text.txt"]])
def test_text_comes_from_a_pipe_or_a_file(toy_folder, tmp_path, how):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8-sig")
    given = None if "text.txt" in how else TEXT
    options = {"input": given} if given else {"stdin": subprocess.DEVNULL}
    done = swaram("speak", *how, "-o", "a.wav", "--voice", toy_folder / "toy", cwd=tmp_path, **options)
    assert done.returncode == 0, done.stderr
    swaram("speak", TEXT, "-o", "b.wav", "--voice", toy_folder / "toy", cwd=tmp_path)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_sound_goes_to_standard_output_and_the_report_beside_it(toy_folder, tmp_path):
    command = [sys.executable, "-m", "swaram", "speak", TEXT, "--voice", str(toy_folder / "toy")]
    flac, raw, mp3, report = (
        subprocess.run([*command, *more], capture_output=True, cwd=tmp_path)
        for more in (["-o", "-"], ["--raw"], ["-o", "-", "--format", "mp3"], ["-o", "-", "--json"])
    )
    with av.open(io.BytesIO(flac.stdout)) as opened:  # its header leaves the length open, as in every stream
        audio = b"".join(frame.to_ndarray().tobytes() for frame in opened.decode(audio=0))
    assert raw.stdout == audio and len(audio) > 32_000
    assert mp3.stdout[:3] == b"ID3" or mp3.stdout[0] == 0xFF
    assert b"real-time factor" in flac.stderr and b"real-time factor" in raw.stderr
    assert json.loads(report.stderr)["spoken"][0]["file"] == "-" and report.stdout == flac.stdout
    assert list(tmp_path.iterdir()) == []


def test_each_line_becomes_a_file(toy_folder, tmp_path):
    (tmp_path / "lines.txt").write_text("അമ്മ വന്നു.\n\nനാളെ വരാം.\n", encoding="utf-8")
    voice = ["--voice", toy_folder / "toy", "--lines", "-f", "lines.txt"]
    done = swaram("speak", *voice, "-o", "poem.wav", "--json", cwd=tmp_path)
    assert [part["file"] for part in json.loads(done.stdout)["spoken"]] == ["poem-001.wav", "poem-002.wav"]
    (tmp_path / "folder").mkdir()
    swaram("speak", *voice, "-o", "folder", "--format", "mp3", cwd=tmp_path)
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["001.mp3", "002.mp3"]
    swaram("speak", "നാളെ വരാം.", "--voice", toy_folder / "toy", "-o", "one.wav", cwd=tmp_path)
    assert (tmp_path / "poem-002.wav").read_bytes() == (tmp_path / "one.wav").read_bytes()


def test_without_a_terminal_the_usual_file_is_written_as_ever(toy_folder, tmp_path):
    done = swaram("speak", TEXT, "--voice", toy_folder / "toy", cwd=tmp_path)
    assert done.returncode == 0 and [path.name for path in tmp_path.iterdir()] == ["swaram.flac"]


def player(tmp_path, program: str) -> dict[str, str]:
    """An environment whose player is a Python program."""
    (tmp_path / "player.py").write_text(program, encoding="utf-8")
    return {**os.environ, "SWARAM_PLAYER": shlex.join([sys.executable, str(tmp_path / "player.py")])}


HEARD = "import sys; open(sys.argv[0] + '.wav', 'wb').write(sys.stdin.buffer.read())"


def test_play_gives_the_sound_to_the_player_and_to_a_file_too(toy_folder, tmp_path):
    environment = player(tmp_path, HEARD)
    out = tmp_path / "kept.pcm"
    done = swaram("speak", TEXT, "--play", "-o", out, "--voice", toy_folder / "toy", env=environment)
    assert done.returncode == 0, done.stderr
    played = (tmp_path / "player.py.wav").read_bytes()
    assert played[:4] == b"RIFF" and played[44:] == out.read_bytes()


def test_a_player_that_fails_or_is_missing_is_one_sentence(toy_folder, tmp_path):
    failing = player(tmp_path, "import sys; sys.exit('no sound card')")
    for environment, words in (
        (failing, "could not play (no sound card)"),
        ({**os.environ, "SWARAM_PLAYER": "none"}, "No program that plays"),
        ({**os.environ, "SWARAM_PLAYER": "/nowhere/player"}, "cannot be started"),
    ):
        done = swaram("speak", TEXT, "--play", "--voice", toy_folder / "toy", env=environment, cwd=tmp_path)
        assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_on_a_terminal_it_plays_and_refuses_to_print_sound(toy_folder, tmp_path):
    environment = player(tmp_path, HEARD)
    voice = ["--voice", str(toy_folder / "toy")]
    status, told = on_terminal(["speak", TEXT, *voice], tmp_path, environment)
    assert status == 0 and "played: " in told and (tmp_path / "player.py.wav").stat().st_size > 20_000
    assert not (tmp_path / "swaram.flac").exists()
    status, told = on_terminal(["speak", TEXT, *voice, "--no-play"], tmp_path, environment)
    assert status == 0 and (tmp_path / "swaram.flac").exists()
    status, told = on_terminal(["speak", TEXT, *voice, "-o", "-"], tmp_path, environment)
    assert status == 1 and "not written to a terminal" in " ".join(told.split())


def on_terminal(arguments: list[str], folder, environment) -> tuple[int, str]:
    """Status and output of a command whose standard output is a terminal."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "swaram", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    told = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so at the end
            break
        if not part:
            break
        told += part
    os.close(ours)
    return process.wait(60), told.decode("utf-8", "replace")


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
