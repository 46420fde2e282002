"""Real Malayalam speech for tests: recordings where the corpus is at hand, else espeak-ng, else the shipped voice."""

import io
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parent.parent
CORPUS = ROOT.parent / "shared" / "corpora" / "malayalam-msc"
SENTENCES = (
    "അണ്ണാൻ കുഞ്ഞും തന്നാലായത്.",
    "ചങ്ങലയ്ക്കു ഭ്രാന്തു പിടിച്ചാലോ?",
    "വിത്താഴം ചെന്നാൽ പത്തായം നിറയും.",
    "എന്നെക്കാൾ അധികം ദുഃഖം അനുഭവിച്ചവരും ഇല്ലെന്നല്ല.",
    "നിനക്ക് ഇന്ന് വീട്ടിൽ പോകണോ?",
    "കേരളത്തിൽ മഴ നന്നായി പെയ്യുന്നു.",
    "അവൻ രാവിലെ നേരത്തെ എഴുന്നേറ്റു.",
    "പുസ്തകം മേശപ്പുറത്ത് വെച്ചു.",
    "നാളെ നമുക്ക് കടൽ കാണാൻ പോകാം.",
    "അമ്മ അടുക്കളയിൽ ചോറ് വെക്കുന്നു.",
)


@dataclass(frozen=True)
class Spoken:
    """``audio``: float32 [samples], -1..1, mono, at ``rate`` Hz, with silence at both ends."""

    text: str
    audio: np.ndarray
    rate: int


@lru_cache(maxsize=1)
def spoken_clips() -> tuple[Spoken, ...]:
    """Ten different sentences; skips the test, saying why, where there is nothing that speaks."""
    if CORPUS.is_dir():
        return tuple(_recorded())
    if shutil.which("espeak-ng"):
        return tuple(_synthesised())
    if any((ROOT / "voices").glob("*/voice.json")):
        return tuple(_spoken_by_the_shipped_voice())
    pytest.skip("no Malayalam speech: neither ../shared/corpora/malayalam-msc nor espeak-ng nor a voice in voices/")


def _recorded() -> list[Spoken]:
    rows = [line.split("\t") for line in (CORPUS / "story.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    clips = []
    for row in rows:
        audio, rate = soundfile.read(CORPUS / row[1], dtype="float32")
        if 2.0 < len(audio) / rate < 5.0:
            clips.append(Spoken(row[4], _padded(audio, rate), rate))
        if len(clips) == 10:
            break
    return clips


def _synthesised() -> list[Spoken]:
    clips = []
    for text in SENTENCES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            subprocess.run(["espeak-ng", "-v", "ml", "-s", "140", "-w", str(path), text], check=True, timeout=30)
            audio, rate = soundfile.read(path, dtype="float32")
        clips.append(Spoken(text, _padded(audio, rate), rate))
    return clips


def _spoken_by_the_shipped_voice() -> list[Spoken]:
    """Skips the test where the voice is too early in its training to be taken for a person."""
    from swaram.audio.resample import resample
    from swaram.audio.trim import VAD_RATE, SpeechDetector
    from swaram.voice.engine import Engine, SpeechRequest
    from swaram.voice.voice import Voice

    engine = Engine(Voice.open(next((ROOT / "voices").glob("*/voice.json")).parent))
    clips, hear = [], SpeechDetector()
    for text in SENTENCES:
        speech = engine.synthesise(SpeechRequest(text))
        heard = hear(resample(speech.audio, speech.sample_rate, VAD_RATE))
        if heard.speech.mean() < 0.85:
            pytest.skip("neither the corpus nor espeak-ng is here, and the voice in voices/ does not speak clearly yet")
        clips.append(Spoken(text, _padded(speech.audio, speech.sample_rate), speech.sample_rate))
    return clips


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
