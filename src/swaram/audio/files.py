"""Reading recordings in any container, and writing 16-bit FLAC and WAV whole or not at all."""

import io
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile

from swaram.errors import SwaramError
from swaram.files import whole_file

# First bytes of WAV, RF64, FLAC, AIFF and AU: what libsndfile reads sample by sample, and without a word.
UNCOMPRESSED = (b"RIFF", b"RF64", b"fLaC", b"FORM", b".snd")


class AudioError(SwaramError):
    """A recording that is missing, unreadable, empty or damaged; the message names it and says how."""


@dataclass(frozen=True)
class Recording:
    """A decoded recording.

    ``audio``: float32 [samples], -1..1, mono (channels averaged), at ``sample_rate`` Hz. Lossy codecs may
    overshoot 1 slightly; nothing is clipped here. ``channels`` counts the channels before averaging.
    """

    audio: np.ndarray
    sample_rate: int
    channels: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.audio) / self.sample_rate


def read_audio(source: str | Path | bytes, name: str = "", start: float = 0.0, end: float | None = None) -> Recording:
    """Decode a file, or the bytes of one, of any format that libsndfile or FFmpeg reads.

    ``start`` and ``end`` (seconds) take a part of it; memory holds no more than that part. ``name`` is what
    messages call it (the path by default). Raises ``AudioError`` when the file is missing, cannot be decoded,
    holds no samples there, or holds values that are not finite.
    """
    name = name or (f"{len(source)} bytes of audio" if isinstance(source, bytes) else str(source))
    if not isinstance(source, bytes) and not Path(source).is_file():
        raise AudioError(f"{name}: no such audio file")
    recording = _read_with_soundfile(source, start, end) or _read_with_av(source, name, start, end)
    if not len(recording.audio):
        raise AudioError(f"{name}: the recording holds no samples")
    if not np.isfinite(recording.audio).all():
        raise AudioError(f"{name}: the recording holds values that are not numbers")
    return recording


def _read_with_soundfile(source: str | Path | bytes, start: float, end: float | None) -> Recording | None:
    """Uncompressed files and FLAC; ``None`` leaves the rest, and what is damaged, to FFmpeg."""
    if _head(source) not in UNCOMPRESSED:
        return None
    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as file:
            rate = int(file.samplerate)
            first = min(round(start * rate), file.frames)
            last = file.frames if end is None else min(round(end * rate), file.frames)
            # Nothing, or a FLAC stream without an end: the writer could not go back and say how much it wrote.
            if not file.frames or file.frames > 1 << 40:
                return None
            file.seek(first)
            audio = file.read(max(0, last - first), dtype="float32", always_2d=True)
            if len(audio) < last - first:  # cut short: FFmpeg decides whether that is an error
                return None
            return Recording(mono(audio.T), rate, file.channels)
    except (soundfile.LibsndfileError, ValueError, MemoryError, OverflowError):
        return None


def _head(source: str | Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:4]
    try:
        with open(source, "rb") as file:
            return file.read(4)
    except OSError:
        return b""


def _read_with_av(source: str | Path | bytes, name: str, start: float, end: float | None) -> Recording:
    blocks: list[np.ndarray] = []
    rate = channels = position = 0
    try:
        with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "r") as container:
            if not container.streams.audio:
                raise AudioError(f"{name}: no audio stream in this file")
            for frame in container.decode(audio=0):
                if rate and (frame.sample_rate, len(frame.layout.channels)) != (rate, channels):
                    raise AudioError(f"{name}: the sample rate or channels change within the file")
                rate, channels = frame.sample_rate, len(frame.layout.channels)
                block = mono(planes(frame, channels))
                first = max(0, round(start * rate) - position)
                last = len(block) if end is None else min(len(block), round(end * rate) - position)
                position += len(block)
                if last > first:
                    blocks.append(block[first:last])
                if end is not None and position >= round(end * rate):
                    break
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise AudioError(f"{name}: cannot be decoded ({reason(error)})") from error
    if not blocks:
        raise AudioError(f"{name}: the recording holds no samples")
    return Recording(np.concatenate(blocks), rate, channels)


def planes(frame: av.AudioFrame, channels: int) -> np.ndarray:
    """One frame of FFmpeg as float32 [channels, samples], -1..1."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, channels).T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128.0) / 128.0
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / float(1 << (8 * samples.dtype.itemsize - 1))
    return samples.astype(np.float32)


def mono(channels: np.ndarray) -> np.ndarray:
    """The mean of all channels: float32 [channels, samples] -> float32 [samples]."""
    one = channels[0] if len(channels) == 1 else channels.mean(axis=0)
    return np.ascontiguousarray(one, dtype=np.float32)


def reason(error: Exception) -> str:
    """What the system or FFmpeg says of a fault, in one line without a full stop."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def encode_audio(audio: np.ndarray, sample_rate: int, container: str = "flac") -> bytes:
    """A whole FLAC or WAV file, 16-bit mono.

    ``audio``: float32 [samples], -1..1; values are rounded to the nearest of 16 bits, and beyond ±1 they are clamped.
    """
    pcm = np.clip(np.rint(np.asarray(audio, dtype=np.float64) * 32767.0), -32768, 32767).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, sample_rate, format=container.upper(), subtype="PCM_16")
    return buffer.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is either complete or absent, whatever happens in between."""
    with whole_file(path) as partial:
        partial.write_bytes(content)
