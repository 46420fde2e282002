"""Recordings decoded piece by piece and past damage, in memory that does not grow with their length.

``audio.files.read_audio`` refuses what is damaged, as preparation must; here a bad packet is stepped over, a change of
rate or channels within the file is followed, and what was lost is counted.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import soxr

from swaram.audio.files import AudioError, mono, planes, reason
from swaram.audio.wav import WavReader

PIECE_SECONDS = 10.0
# Containers whose header says the length exactly enough to notice that the end is missing.
_EXACT = ("aiff", "au", "caf", "flac", "matroska", "mov", "wav")
_MISSING_SECONDS = 0.25
_GAP_SECONDS = 0.05


@dataclass
class Decoder:
    """One recording, decoded once by ``pieces``.

    ``source``: a path, the bytes of a file, or a binary file that can be read and sought; ``sample_rate``: Hz of what
    comes out, whatever the recording has; ``name``: what messages call it. ``seconds`` counts what was decoded,
    ``lost`` holds (where, how much) in seconds for every stretch that could not be, ``announced`` is the length that
    the file's header says, if it says one.
    """

    source: str | Path | bytes | BinaryIO
    sample_rate: int
    name: str = ""
    seconds: float = 0.0
    announced: float | None = None
    lost: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = isinstance(self.source, str | Path)
        self._position = 0.0  # seconds of the recording so far, lost ones included
        self.name = self.name or (str(self.source) if known else "the recording")

    def pieces(self) -> Iterator[np.ndarray]:
        """float32 [n], mono (channels averaged), about -1..1, at ``sample_rate``: all that can be heard, in order.

        Raises ``AudioError`` for a file that is missing or may not be read, is no recording, or of which nothing can
        be decoded.
        """
        try:
            if isinstance(self.source, str | Path) and not Path(self.source).is_file():
                raise AudioError(f"{self.name}: no such audio file")
            for piece in self._resampled():
                self.seconds += len(piece) / self.sample_rate
                yield piece
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise AudioError(f"{self.name}: cannot be decoded ({reason(error)})") from error
        if not self.seconds:
            why = "nothing in it can be decoded" if self.lost else "the recording holds no samples"
            raise AudioError(f"{self.name}: {why}")

    def measure(self, most: float) -> float:
        """Seconds of sound, decoded and not kept; stops behind ``most``. Raises ``AudioError`` as ``pieces`` does."""
        seconds = 0.0
        try:
            for block, rate in Decoder(self.source, self.sample_rate, self.name)._blocks():
                seconds += len(block) / rate
                if seconds > most:
                    break
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise AudioError(f"{self.name}: cannot be decoded ({reason(error)})") from error
        if not seconds:
            raise AudioError(f"{self.name}: the recording holds no samples")
        return seconds

    def damage(self) -> str | None:
        """One sentence about what was not heard, or None. Complete once ``pieces`` has ended."""
        parts = []
        if self.lost:
            seconds = sum(length for _, length in self.lost)
            places = ", ".join(f"{start:.1f} s" for start, _ in self.lost[:3])
            more = f" and {len(self.lost) - 3} more places" if len(self.lost) > 3 else ""
            parts.append(f"{max(seconds, 0.01):.2f} s of it could not be decoded (at {places}{more})")
        lost = sum(length for _, length in self.lost)
        if self.announced is not None and self.announced - self.seconds - lost > _MISSING_SECONDS:
            parts.append(f"it ends after {self.seconds:.1f} s where its header says {self.announced:.1f} s")
        return f"{self.name}: {'; '.join(parts)}; the rest was heard" if parts else None

    def _resampled(self) -> Iterator[np.ndarray]:
        """Blocks of about ``PIECE_SECONDS`` at ``sample_rate``; a change of rate ends one resampler, begins another."""
        rate, stream = 0, None
        waiting: list[np.ndarray] = []
        size = 0
        for block, block_rate in self._blocks():
            if block_rate != rate:
                if stream is not None:
                    waiting.append(stream(np.zeros(0, np.float32), True))
                rate, stream = block_rate, _resampler(block_rate, self.sample_rate)
            assert stream is not None
            waiting.append(stream(block, False))
            size += len(waiting[-1])
            if size >= PIECE_SECONDS * self.sample_rate:
                yield np.concatenate(waiting)
                waiting, size = [], 0
        if stream is not None:
            waiting.append(stream(np.zeros(0, np.float32), True))
        if any(len(part) for part in waiting):
            yield np.concatenate(waiting)

    def _blocks(self) -> Iterator[tuple[np.ndarray, int]]:
        """Each decoded frame as mono float32, with its rate; damaged packets are counted and stepped over."""
        with self._opened() as file:
            for part in _links(file):
                with av.open(part, "r") as container:
                    if not container.streams.audio:
                        raise AudioError(f"{self.name}: no audio stream in this file")
                    stream = container.streams.audio[0]
                    self._announce(self._announced(container, stream))
                    yield from self._frames(container, stream)

    def _frames(
        self, container: "av.container.InputContainer", stream: "av.AudioStream"
    ) -> Iterator[tuple[np.ndarray, int]]:
        packets = container.demux(stream)
        paged = "ogg" in container.format.name
        begun, place = self._position, None
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:  # the container itself is torn here
                self._lose(0.0)
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self._lose(float((packet.duration or 0) * (packet.time_base or 0)))
                continue
            for frame in frames:
                if paged and frame.pts is not None and frame.time_base:
                    # Pages that fail their checksum are dropped unheard of; only the clock of the others tells.
                    now = float(frame.pts * frame.time_base)
                    place = now - (self._position - begun) if place is None else place
                    if now - place - (self._position - begun) > _GAP_SECONDS:
                        self._lose(now - place - (self._position - begun))
                block = np.nan_to_num(mono(planes(frame, len(frame.layout.channels))), posinf=0.0, neginf=0.0)
                self._position += len(block) / frame.sample_rate
                yield block, frame.sample_rate

    def _lose(self, length: float) -> None:
        start = self._position
        if self.lost and abs(sum(self.lost[-1]) - start) < _GAP_SECONDS:  # packets side by side are one hole
            self.lost[-1] = (self.lost[-1][0], self.lost[-1][1] + length)
        else:
            self.lost.append((start, length))
        self._position += length

    def _announce(self, seconds: float | None) -> None:
        """Parts of a chained file add up; one that does not say its length leaves the whole unknown."""
        known = self.announced is not None or not self._position
        self.announced = seconds + (self.announced or 0.0) if known and seconds is not None else None

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        if isinstance(self.source, bytes):
            yield io.BytesIO(self.source)
        elif isinstance(self.source, str | Path):
            with open(self.source, "rb") as file:
                yield file
        else:
            self.source.seek(0)
            yield self.source

    def _announced(self, container: "av.container.InputContainer", stream: "av.AudioStream") -> float | None:
        """Seconds by the header, where it is exact."""
        kinds = container.format.name.split(",")
        if "wav" in kinds:  # FFmpeg believes the size of the file before the header's
            return self._announced_by_wav()
        if not any(kind in _EXACT for kind in kinds):
            return None
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return container.duration / av.time_base if container.duration else None

    def _announced_by_wav(self) -> float | None:
        reader = WavReader(lossy=True)
        try:
            with self._opened() as file:
                reader.feed(file.read(1 << 16))
        except AudioError:
            return None
        form = reader.format
        return form.frames / form.sample_rate if form is not None and form.frames else None


class _Part(io.RawIOBase):
    """A stretch of an open file that looks like a file of its own."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        super().__init__()
        self._file, self._start, self._end, self._place = file, start, end, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._place)
        data = self._file.read(min(len(buffer), self._end - self._place))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._place, io.SEEK_END: self._end}[whence]
        self._place = max(self._start, base + offset)
        return self._place - self._start


def _links(file: BinaryIO) -> list[BinaryIO | _Part]:
    """The parts of a chained Ogg file (RFC 3533, section 4), each a file of its own; any other file as it is.

    FFmpeg goes on from one part to the next only where both have the same headers.
    """
    if file.read(4) != b"OggS":
        file.seek(0)
        return [file]
    file.seek(0)
    starts, before, place, tail = [0], True, 0, b""
    while data := file.read(1 << 20):
        window = tail + data
        base = place - len(tail)
        found = window.find(b"OggS")
        while 0 <= found < len(window) - 6:
            begins = window[found + 4] == 0 and bool(window[found + 5] & 2)
            if begins and not before:
                starts.append(base + found)
            before = begins
            found = window.find(b"OggS", found + 4)
        place += len(data)
        tail = window[-6:]
    file.seek(0)
    if len(starts) == 1:
        return [file]
    return [_Part(file, start, end) for start, end in pairwise([*starts, place])]


def _resampler(from_rate: int, to_rate: int) -> Callable[[np.ndarray, bool], np.ndarray]:
    """A function of (float32 [n], whether it is the last) that resamples a stream with soxr at "very high quality"."""
    if from_rate == to_rate:
        return lambda block, last: block
    return soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="VHQ").resample_chunk
