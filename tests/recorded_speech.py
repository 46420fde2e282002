"""Real Malayalam speech for tests."""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import soundfile

ROOT = Path(__file__).parent.parent
CORPUS = ROOT.parent / "shared" / "corpora" / "malayalam-msc"
RECORDINGS = Path(__file__).parent / "recordings"  # README.md there says whose they are


@dataclass(frozen=True)
class Spoken:
    """``audio``: float32 [samples], -1..1, mono, at ``rate`` Hz, with silence at both ends."""

    text: str
    audio: np.ndarray
    rate: int


def recordings(speaker: str) -> list[tuple[Path, str]]:
    """(file, transcript) of the recordings that the project holds: those of the "story" reader, or of "volunteer"s."""
    rows = [line.split("\t") for line in (RECORDINGS / "recordings.tsv").read_text(encoding="utf-8").split("\n")[1:-1]]
    return [(RECORDINGS / name, text) for name, who, text in rows if who == speaker]


@lru_cache(maxsize=1)
def spoken_clips() -> tuple[Spoken, ...]:
    """Ten different sentences, read by one person."""
    clips = []
    for path, text in recordings("story"):
        audio, rate = soundfile.read(path, dtype="float32")
        clips.append(Spoken(text, _padded(audio, rate), rate))
    return tuple(clips)


def _padded(audio: np.ndarray, rate: int) -> np.ndarray:
    """The faint hiss of a quiet room for 0.4 s on both sides."""
    hiss = np.random.default_rng(7).standard_normal(int(0.4 * rate)).astype(np.float32) * np.float32(10 ** (-62 / 20))
    return np.concatenate([hiss, audio, hiss])


def file_bytes(audio: np.ndarray, rate: int, kind: str = "wav", subtype: str = "PCM_16") -> bytes:
    """A whole file: wav, flac or ogg by libsndfile; mp3, or webm with Opus (48 kHz), by FFmpeg's libraries."""
    buffer = io.BytesIO()
    if kind in ("wav", "flac"):
        soundfile.write(buffer, audio, rate, format=kind.upper(), subtype=subtype)
        return buffer.getvalue()
    codec = {"mp3": "libmp3lame", "webm": "libopus"}[kind]
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(audio[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or 1152
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return buffer.getvalue()
