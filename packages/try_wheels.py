"""Install the wheels of a folder into an empty environment and use them from an empty folder: try_wheels.py dist

Without ``--wheelhouse`` the packages that swaram needs are lent by the environment that runs this, and only its own
wheels are installed; with it everything is installed from that folder. Either way no index is asked.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

TEXT = "അമ്മ വീട്ടിൽ വന്നു."
LAST_LINE = "page"  # of what ``swaram serve --prove`` says


def main() -> None:
    """Try everything; a step that fails ends with its output and status 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path)
    parser.add_argument("--wheelhouse", type=Path)
    given = parser.parse_args()
    wheels = sorted(map(str, given.dist.resolve().glob("*.whl")))
    with tempfile.TemporaryDirectory(prefix="swaram wheels ") as name:
        home = Path(name)
        empty = home / "empty folder മലയാളം"
        empty.mkdir()
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("SWARAM", "PYTHON"))}
        environment |= {"HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
        _step("environment", [sys.executable, "-m", "venv", str(home / "venv")], home, environment)
        programs = home / "venv" / ("Scripts" if os.name == "nt" else "bin")
        install = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-index"]
        if given.wheelhouse:
            install += ["--find-links", str(given.wheelhouse.resolve())]
        else:
            asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
            own = subprocess.run([programs / "python", "-c", asked], capture_output=True, text=True, check=True)
            lent = sysconfig.get_path("purelib")
            (Path(own.stdout.strip()) / "lent.pth").write_text(lent + "\n", encoding="utf-8")
            install.append("--no-deps")
        _step("install", [*install, *wheels], home, environment)
        swaram = str(programs / "swaram")
        _step("version", [swaram, "--version"], empty, environment)
        listed = _step("voice list", [swaram, "voice", "list"], empty, environment)
        assert "package swaram-voice-malayalam" in listed, listed
        _step("speak", [swaram, "speak", TEXT, "--out", "hello.wav"], empty, environment)
        heard = _step("transcribe", [swaram, "transcribe", "hello.wav"], empty, environment)
        assert any("\u0d00" <= character <= "\u0d7f" for character in heard), heard
        _serve([swaram, "serve", "--port", "0", "--prove", "served.flac"], empty, environment)
        assert (empty / "served.flac").stat().st_size > 10_000
        _step("doctor", [swaram, "doctor", "--json"], empty, environment)


def _step(title: str, command: list[str], folder: Path, environment: dict[str, str]) -> str:
    begun = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=600)
    print(f"{title:12} {time.monotonic() - begun:6.1f} s  {done.stdout.strip().splitlines()[-1:]}", flush=True)
    if done.returncode:
        sys.exit(f"{title} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _serve(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Start a server that speaks through its own WebSocket, and stop it once it has."""
    begun = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as server:
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if line.split()[:1] == [LAST_LINE] or line.startswith("swaram: "):
                break
        server.terminate()
    print(f"{'serve':12} {time.monotonic() - begun:6.1f} s", flush=True)
    if not said or said[-1].split()[:1] != [LAST_LINE]:
        sys.exit("serve failed:\n" + "".join(said))


if __name__ == "__main__":
    main()
