"""WAV to FLAC, piece by piece and bit for bit: what the sockets, the upload and the command have in common."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from swaram.audio.files import AudioError
from swaram.audio.flac import FlacEncoder
from swaram.audio.wav import WavFormat, WavReader
from swaram.files import whole_file

_PIECE = 1 << 18


class Conversion:
    """One WAV becoming FLAC: ``feed`` bytes, get whole frames; ``finish`` checks that nothing is missing.

    ``max_seconds`` bounds the sound. Raises AudioError, one sentence, for whatever is no complete PCM WAV.
    """

    def __init__(self, lossy: bool = False, max_seconds: float | None = None) -> None:
        self._reader = WavReader(lossy)
        self._max_seconds = max_seconds
        self._encoder: FlacEncoder | None = None

    @property
    def format(self) -> WavFormat | None:
        """Known once the WAV's header is complete."""
        return self._reader.format

    @property
    def complete(self) -> bool:
        """Whether all samples that the header announced have come."""
        form = self._reader.format
        return form is not None and form.frames is not None and self._reader.frames_read == form.frames > 0

    @property
    def encoder(self) -> FlacEncoder:
        """The encoder, for its headers, MD5 and count; only once ``format`` is known."""
        assert self._encoder is not None
        return self._encoder

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the WAV; return the frames that became complete."""
        samples = self._reader.feed(data)
        form = self._reader.format
        if form is None:
            return []
        if self._encoder is None:
            self._encoder = FlacEncoder(form.sample_rate, form.channels, form.bits)
        if self._max_seconds is not None and self._reader.frames_read > self._max_seconds * form.sample_rate:
            raise AudioError(f"The WAV is longer than {self._max_seconds:g} seconds; convert it in parts.")
        return self._encoder.encode(samples) if len(samples) else []

    def finish(self) -> list[bytes]:
        """No more bytes follow; return the last frame."""
        self._reader.finish()
        return self.encoder.finish()


def convert_stream(
    source: BinaryIO, target: BinaryIO, lossy: bool = False, max_seconds: float | None = None
) -> FlacEncoder:
    """Convert an open WAV into a seekable file with a complete header; return the encoder. Raises AudioError."""
    conversion = Conversion(lossy, max_seconds)
    began = False
    for frames in _frames(conversion, source):
        if not began and conversion.format is not None:
            target.write(conversion.encoder.header)
            began = True
        target.writelines(frames)
    target.seek(0)
    target.write(conversion.encoder.final_header)
    return conversion.encoder


def _frames(conversion: Conversion, source: BinaryIO) -> Iterator[list[bytes]]:
    while data := source.read(_PIECE):
        yield conversion.feed(data)
    yield conversion.finish()


def convert_file(source: Path, target: Path, lossy: bool = False) -> FlacEncoder:
    """Convert a WAV file into a FLAC file that appears whole or not at all. Raises AudioError."""
    if not source.is_file():
        raise AudioError(f"{source}: no such file.")
    if not target.absolute().parent.is_dir():
        raise AudioError(f"{target}: the folder {target.parent} does not exist; make it first.")
    if target.exists() and os.path.samefile(source, target):
        raise AudioError(f"{target} is the recording itself; name another file to write.")
    if target.suffix.lower() != ".flac":
        raise AudioError(f"{target}: what is written is a FLAC file; give it a name that ends in .flac.")
    try:
        wav = open(source, "rb")  # noqa: SIM115 - closed below; its faults are not those of the target
    except OSError as error:
        raise AudioError(f"{source}: cannot be read ({error.strerror}).") from error
    with wav, whole_file(target, AudioError) as partial, open(partial, "wb") as flac:
        try:
            return convert_stream(wav, flac, lossy)
        except AudioError as error:
            raise AudioError(f"{source}: {error}") from error
