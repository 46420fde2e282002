"""Small corpora of real speech in the layout of LJSpeech, and a look at what preparation wrote."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from swaram.audio.resample import resample
from swaram.corpora import ReadOptions, get_corpus
from tests.recorded_speech import file_bytes, spoken_clips


@pytest.fixture
def corpus(tmp_path):
    """A function that writes clips (name, text, audio bytes) as a corpus and returns its folder."""

    def write(clips=None, name="corpus"):
        folder = tmp_path / name
        (folder / "wavs").mkdir(parents=True)
        lines = []
        for key, text, content in clips if clips is not None else good_clips():
            if content is not None:
                (folder / "wavs" / f"{key}.wav").write_bytes(content)
            lines.append(f"{key}|{text}\n")
        (folder / "metadata.csv").write_text("".join(lines), encoding="utf-8")
        return folder

    return write


def good_clips():
    """Ten sentences at 16 kHz, each fit to be kept."""
    for number, clip in enumerate(spoken_clips()):
        yield f"s{number:02d}", clip.text, file_bytes(resample(clip.audio, clip.rate, 16_000), 16_000)


@pytest.fixture
def utterances():
    """A function that reads a corpus folder as Malayalam of a free licence."""

    def read(folder):
        return get_corpus("ljspeech").read(folder, ReadOptions(language="ml", licence="CC0-1.0"))

    return read


@pytest.fixture
def tree():
    """A function that gives name and digest of every file that preparation hands over."""

    def look(out: Path):
        return {
            str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.rglob("*"))
            if path.is_file() and ".prepare" not in path.parts
        }

    return look


@pytest.fixture
def hiss():
    """A function: white noise of so many seconds at 16 kHz and a level in dBFS."""

    def make(seconds, level):
        noise = np.random.default_rng(11).standard_normal(int(seconds * 16_000)).astype(np.float32)
        return noise * np.float32(10 ** (level / 20))

    return make
