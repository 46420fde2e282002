"""Packs what ``benchmarks/gpu.sh`` needs on a machine without network: wheels, and a prepared corpus as Opus.

    python benchmarks/gpu_pack.py --data data/malayalam [--out .gpu] [--bitrate 20000]

``--out``/wheels: what training needs beside torch, numba, safetensors, tensorboard and numpy, for Python 3.12 on Linux,
in the versions of requirements.txt. ``--out``/data.tar: train and validation clips as Opus in Ogg, text and speaker.
``--out``/weights: the shipped weights whole, for a machine that cannot read the voice beside which they lie.
The whole must stay under 64 MiB together with the tracked files; the sizes are printed.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import soundfile

from swaram.prepare.manifest import Clip, read_manifest
from swaram.training.weights import save_weights

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 64 << 20
WHEELS = (
    "pydantic", "pydantic_core", "annotated-types", "typing-inspection", "typing_extensions", "soundfile", "cffi",
    "pycparser", "soxr", "pyworld-prebuilt", "lightning-fabric", "lightning-utilities", "fsspec", "packaging", "rich",
    "markdown-it-py", "mdurl", "Pygments",
)  # fmt: skip
SPLITS = ("train", "val")


def main() -> None:
    """Pack, and say how large everything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--out", type=Path, default=ROOT / ".gpu")
    parser.add_argument("--bitrate", type=int, default=20_000, help="bits a second of Opus")
    parser.add_argument("--python", default="3.12", help="Python of the other machine")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    fetch_wheels(arguments.out / "wheels", arguments.python)
    pack_data(arguments.data, arguments.out / "data.tar", arguments.bitrate)
    save_weights(ROOT / "weights" / "malayalam", arguments.out / "weights", eight_bits=True)
    tracked = sum(path.stat().st_size for path in _tracked() if path.is_file())
    carried = sum(path.stat().st_size for path in arguments.out.rglob("*") if path.is_file())
    print(f"tracked files {tracked / 2**20:.1f} MiB, carried {carried / 2**20:.1f} MiB")
    if tracked + carried > LIMIT:
        sys.exit(f"together more than {LIMIT >> 20} MiB; lower --bitrate, or pack fewer clips")


def fetch_wheels(folder: Path, python: str) -> None:
    """The wheels for that Python, in the versions that requirements.txt pins."""
    pinned = dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    names = {_plain(name): f"{name}=={version}" for name, version in pinned.items()}
    wanted = [names[_plain(name)] for name in WHEELS]
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *platforms]
    subprocess.run([*command, f"--python-version={python}", "--dest", str(folder), *wanted], check=True)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pack_data(folder: Path, target: Path, bitrate: int) -> None:
    """Clips of the train and val tables as Opus, and a manifest as JSON lines."""
    clips = [clip for clip in read_manifest(folder, ("split", "transcript")) if clip.split in SPLITS]
    rows, seconds = [], 0.0
    with tarfile.open(target, "w") as archive, ProcessPoolExecutor() as pool:
        for clip, content in zip(clips, pool.map(partial(as_opus, bitrate=bitrate), clips, chunksize=8), strict=True):
            name = str(Path(clip.name).with_suffix(".opus"))
            _add(archive, name, content)
            rows.append({"path": name, "speaker": clip.speaker, "language": clip.language, "style": clip.style})
            rows[-1] |= {"transcript": clip.text, "split": clip.split}
            seconds += clip.seconds
        _add(archive, "clips.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    print(f"{target}: {len(rows)} clips, {seconds / 60:.1f} minutes, {target.stat().st_size / 2**20:.1f} MiB")


def as_opus(clip: Clip, bitrate: int) -> bytes:
    """One clip as Opus in Ogg, mono; libsndfile reads it anywhere."""
    command = ["ffmpeg", "-v", "error", "-i", str(clip.path), "-ac", "1", "-c:a", "libopus", "-b:a", str(bitrate)]
    made = subprocess.run([*command, "-f", "ogg", "-"], capture_output=True, check=True).stdout
    assert soundfile.info(io.BytesIO(made)).frames > 0
    return made


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name]


if __name__ == "__main__":
    main()
