"""What other systems lack is not needed: imitated here, since only Linux is at hand."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from swaram.voice.errors import VoiceError
from swaram.voice.library import add_voice, find_package

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))

# What CPython has on POSIX alone, or on Linux alone.
NO_MODULES = ("resource", "fcntl", "pwd", "grp", "termios", "pty", "tty", "syslog", "posix_ipc", "readline")
# Those that the libraries themselves use on Linux stay.
NO_FUNCTIONS = (
    "fork", "forkpty", "setpriority", "getpriority", "sched_getaffinity", "sched_setaffinity", "setsid", "killpg",
    "nice", "mkfifo", "wait3", "wait4", "pread", "sendfile", "sysconf",
)  # fmt: skip
LIKE_WINDOWS = f"""
import os, sys, multiprocessing
for name in {NO_MODULES!r}:
    sys.modules[name] = None
for name in {NO_FUNCTIONS!r}:
    if hasattr(os, name):
        delattr(os, name)
multiprocessing.get_all_start_methods = lambda: ["spawn"]
multiprocessing.context._concrete_contexts.pop("fork", None)
multiprocessing.context._concrete_contexts.pop("forkserver", None)
"""


def run(program: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, **options)


def test_speaking_transcribing_and_looking_need_nothing_that_windows_lacks(toy_folder, tmp_path):
    program = LIKE_WINDOWS + "from swaram.cli.main import main; main(sys.argv[1:])"
    spoken = run(program, "speak", "അമ്മ വന്നു", "--voice", toy_folder / "toy", "--out", tmp_path / "a.wav")
    assert spoken.returncode == 0 and (tmp_path / "a.wav").stat().st_size > 10_000, spoken.stderr
    heard = run(program, "transcribe", "--recognizer", ROOT / "recognizers" / "ml", tmp_path / "a.wav")
    assert heard.returncode == 0, heard.stderr
    assert run(program, "doctor").returncode == 0
    assert run(program, "voice", "list").returncode == 0


def test_a_server_needs_nothing_that_windows_lacks(toy_folder, tmp_path):
    program = LIKE_WINDOWS + (
        "import threading, _thread\n"
        "from swaram.cli.main import main\n"
        "import swaram.cli.serve as serve\n"
        "prove = serve._prove\n"
        "def once(*given): prove(*given); _thread.interrupt_main()\n"
        "serve._prove = once\n"
        "main(sys.argv[1:])\n"
    )
    out = tmp_path / "served.flac"
    done = run(program, "serve", "--port", 0, "--voices", toy_folder, "--prove", out)
    assert out.is_file() and "real-time factor" in done.stdout, done.stdout + done.stderr


def test_every_module_can_be_imported_where_posix_modules_are_missing():
    names = [".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in SOURCES]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    # Plugins for frameworks of others: two are installed for make soak alone, one asks for fcntl itself where it is.
    names = [name for name in names if not name.endswith(("integrations.livekit", "integrations.pipecat", "mcp"))]
    done = run(LIKE_WINDOWS + f"import importlib\nfor name in {names!r}: importlib.import_module(name)")
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "src" / "swaram").as_posix())
def test_no_file_is_read_or_written_in_the_systems_own_encoding(path):
    """Windows' own encoding holds no Malayalam."""
    faults = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        keywords = {keyword.arg for keyword in node.keywords}
        text = name in ("read_text", "write_text", "NamedTemporaryFile", "TemporaryFile")
        text = text and (isinstance(node.func, ast.Attribute) or "Temporary" in name)  # not a function of our own
        if name == "open" and not _of_others(node.func):
            place = 1 if isinstance(node.func, ast.Name) else 0
            mode = node.args[place] if len(node.args) > place else None
            mode = next((keyword.value for keyword in node.keywords if keyword.arg == "mode"), mode)
            # A mode that is computed is looked at by eye: "ab" or "wb".
            whole = mode is not None and not isinstance(mode, ast.Constant)
            text = not whole and "b" not in str(getattr(mode, "value", ""))
        if text and "encoding" not in keywords and None not in keywords:
            faults.append(f"line {node.lineno}: {name}")
        if name in ("run", "Popen", "check_output") and keywords & {"text", "universal_newlines"}:
            assert "encoding" in keywords, f"line {node.lineno}: a program's output is read in the system's encoding"
    assert not faults


def _of_others(function: ast.expr) -> bool:
    """``av.open``, ``Voice.open``, ``zipfile``'s and the like, which take no encoding."""
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    owner = owner.func if isinstance(owner, ast.Call) else owner  # super().open()
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    return (
        name in ("av", "codec", "Voice", "self", "super", "Image", "archive", "tarfile", "wave") or name[:1].isupper()
    )


@pytest.mark.parametrize("place", ["/dev/", "/tmp/", "/etc/", "/usr/"])
def test_no_place_of_one_system_is_written_into_the_program(place):
    # /dev/captioned_speech is an address of Kokoro's server, not a file.
    texts = {path.name: path.read_text(encoding="utf-8").replace("/dev/captioned_speech", "") for path in SOURCES}
    assert [name for name, text in texts.items() if f'"{place}' in text] == []


@pytest.mark.parametrize("name", ["CON", "nul", "com1.voice", "Aux", "ends.", "lpt9"])
def test_a_name_that_windows_keeps_for_itself_is_refused(toy_folder, tmp_path, name):
    with pytest.raises(VoiceError, match="cannot be a voice's name"):
        add_voice(toy_folder / "toy", tmp_path, name)


def test_two_names_that_differ_by_case_alone_are_refused(toy_folder, tmp_path):
    add_voice(toy_folder / "toy", tmp_path, "Anu")
    with pytest.raises(VoiceError, match="differs by case alone"):
        add_voice(toy_folder / "toy", tmp_path, "anu", replace=True)


def test_folders_with_spaces_and_letters_of_any_script_work(toy_folder, tmp_path):
    home = tmp_path / "എന്റെ ശബ്ദങ്ങൾ & more"
    target, _ = add_voice(toy_folder / "toy", home, "അനു")
    assert find_package("അനു", home) == target
    out = home / "പാട്ട് 1.mp3"
    program = "import sys; from swaram.cli.main import main; main(sys.argv[1:])"
    done = run(program, "speak", "അമ്മ", "--voice", target, "--out", out)
    assert done.returncode == 0 and out.stat().st_size > 1000, done.stderr
    heard = run(program, "transcribe", "--recognizer", ROOT / "recognizers" / "ml", out)
    assert heard.returncode == 0, heard.stderr
