"""A small prepared folder of real speech, the toy voice, and a judge that is a shell script."""

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from swaram.audio.files import encode_audio
from swaram.audio.loudness import level_to
from swaram.audio.resample import resample
from swaram.text.frontend import TextFrontend
from tests.recorded_speech import spoken_clips
from tests.voice.toy_voice import write_toy_voice

RATE = 16_000


def write_prepared(folder: Path, test_clips: int = 4) -> Path:
    """What preparation leaves: recordings, and the manifest's columns; two speakers in turn, named as the toy's."""
    frontend = TextFrontend("ml")
    (folder / "audio_files").mkdir(parents=True)
    rows = []
    for number, clip in enumerate(spoken_clips()):
        trimmed = clip.audio[int(0.4 * clip.rate) : len(clip.audio) - int(0.4 * clip.rate)]
        audio = level_to(resample(trimmed, clip.rate, RATE), RATE)
        path = f"audio_files/clip-{number}.flac"
        (folder / path).write_bytes(encode_audio(audio, RATE))
        rows.append(
            {
                "path": path,
                "transcript": " ".join(sentence.text for sentence in frontend.analyse(clip.text).sentences),
                "speaker": f"speaker-{number % 2}",
                "language": "ml",
                "duration": len(audio) / RATE,
                "split": "test" if number < test_clips else "train",
                "text_key": f"key-{number}",
                "attribution": "Malayalam Speech Corpus & its volunteers",
                "licence": "CC-BY-SA-4.0",
            }
        )
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "manifest.parquet")
    return folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    return write_prepared(tmp_path_factory.mktemp("prepared") / "data")


@pytest.fixture(scope="session")
def toy_voice(tmp_path_factory) -> Path:
    return write_toy_voice(tmp_path_factory.mktemp("evaluated") / "toy")


@pytest.fixture(scope="session")
def deaf_judge(tmp_path_factory) -> str:
    """A judge that says the same whatever it hears."""
    script = tmp_path_factory.mktemp("judge") / "listen"
    script.write_text("#!/bin/sh\ntest -s \"$1\" || exit 3\necho 'അമ്മ വന്നു'\n", encoding="utf-8")
    script.chmod(0o755)
    return f"command:{script}"
