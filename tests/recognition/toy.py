"""A prepared folder with a few spoken sentences, a tiny recogniser that learnt them by heart, and its package."""

import atexit
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from swaram.audio.files import encode_audio
from swaram.audio.resample import resample
from swaram.prepare.split import text_key
from swaram.prepare.writer import write_manifest
from swaram.recognition.dataset import Selection, select
from swaram.recognition.export import Papers, export_recognizer
from swaram.recognition.network import NetworkSettings
from swaram.recognition.training import Plan, Trainer
from swaram.text.frontend import TextFrontend
from tests.recorded_speech import spoken_clips

TINY = NetworkSettings(channels=128, kernels=(5, 5), dropout=0.0, drop_path=0.0)
BY_HEART = Plan(
    minutes=60, max_steps=300, rows=3, row_frames=603, learning_rate=3e-3, weight_decay=0.0, average=0.9,
    augment_from=2.0, middle=0.0, speeds=(1.0,), paces=(1.0, 1.0),
)  # fmt: skip


def prepared_folder(folder: Path, splits: list[str], speakers: list[str]) -> Path:
    """``data`` with as many spoken sentences as there are splits; the first one of all is mostly silence."""
    rows = []
    (folder / "audio_files").mkdir(parents=True)
    for number, (clip, split, speaker) in enumerate(zip(spoken_clips()[1:], splits, speakers, strict=False)):
        audio = resample(clip.audio, clip.rate, 16_000)
        path = f"audio_files/clip-{number}.flac"
        (folder / path).write_bytes(encode_audio(audio, 16_000))
        text = " ".join(sentence.text for sentence in TextFrontend("ml").analyse(clip.text).sentences)
        rows.append({
            "id": f"clip-{number}", "path": path, "transcript": text, "speaker": speaker, "language": "ml",
            "duration": len(audio) / 16_000, "split": split, "text_key": text_key(text),
        })  # fmt: skip
    write_manifest(folder, rows)
    return folder


@dataclass(frozen=True)
class Toy:
    """``data``: three clips to train on, one each to validate and to test; ``package`` is named by its language."""

    data: Path
    selection: Selection
    trainer: Trainer
    package: Path


@lru_cache(maxsize=1)
def toy_recognizer() -> Toy:
    """Trained once for all tests of a session, whatever the number of its processes."""
    torch.set_num_threads(1)
    home = Path(tempfile.mkdtemp(prefix="swaram-toy-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    data = prepared_folder(home / "data", ["train"] * 3 + ["val", "test"], ["one"] * 4 + ["two"])
    selection = select(data, "ml")
    ready, mine = _place_of_all()
    if not mine and _appears(ready):
        shutil.copytree(ready, home / "learnt")
    (home / "learnt").mkdir(exist_ok=True)
    trainer = Trainer(selection, "ml", home / "learnt", BY_HEART, TINY)
    if (home / "learnt" / "newest").exists():
        trainer.resume()
    else:
        trainer.run()
        if mine:
            shutil.copytree(home / "learnt", ready.with_name("partial"))
            ready.with_name("partial").rename(ready)
    out = home / "recognizers" / "ml"
    export_recognizer(trainer.folder / "newest", out, Papers("toy", "CC0-1.0"))
    return Toy(data, selection, trainer, out)


def _place_of_all() -> tuple[Path, bool]:
    """Where the processes of one session leave what was learnt, and whether this one is to learn it."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", os.getpid())
    place = Path(tempfile.gettempdir()) / f"swaram-toy-of-{session}"
    try:
        place.mkdir()
    except FileExistsError:
        return place / "learnt", False
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place / "learnt", True


def _appears(folder: Path, seconds: float = 240.0) -> bool:
    deadline = time.monotonic() + seconds
    while not folder.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    return folder.exists()
