"""WAV as it comes: bytes in, integer samples out, bit for bit, without waiting for the whole file."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from swaram.audio.files import AudioError
from swaram.audio.flac_format import MAX_CHANNELS, MAX_SAMPLE_RATE

_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_CODEC_NAMES = {0x0002: "ADPCM", 0x0006: "A-law", 0x0007: "mu-law", 0x0011: "ADPCM", 0x0055: "MP3"}
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
# Writers that cannot seek leave the largest size they can write, 0xFFFFFFFF or a little under 2 GiB, or 0: then what
# follows is sound, unless it is one of the chunks that stand behind samples.
_UNKNOWN_SIZE = 0x7FFF_0000
_MAX_FORMAT_BYTES = 4096
_TRAILING_CHUNKS = frozenset(
    name.ljust(4).encode()
    for name in ("LIST", "id3", "ID3", "bext", "cue", "smpl", "inst", "fact", "JUNK", "PAD", "iXML", "axml", "PEAK")
)


class TruncatedWav(AudioError):
    """A WAV that ends before all of it has come."""


@dataclass(frozen=True)
class WavFormat:
    """What the samples are: ``bits`` (8, 16, 24) of ``channels`` (1..8) at ``sample_rate`` Hz.

    ``frames`` is the number of samples in each channel, ``None`` where the header does not say. ``lossless``
    is false where float or 32-bit samples are rounded to 24 bits.
    """

    sample_rate: int
    channels: int
    bits: int
    frames: int | None
    lossless: bool = True


class _Layout(NamedTuple):
    sample_rate: int
    channels: int
    bits: int  # of the container
    frame_bytes: int  # of one sample in all channels
    is_float: bool


class WavReader:
    """Incremental reader of RIFF and RF64 WAV.

    ``feed`` takes bytes as they come and returns int32 samples [n, channels]; ``format`` is set once the
    header is complete; ``finish`` says that no more bytes follow. Every fault is an ``AudioError`` of one
    sentence. ``lossy`` accepts float and 32-bit samples, rounded to 24 bits; otherwise they are refused.
    """

    def __init__(self, lossy: bool = False) -> None:
        self.format: WavFormat | None = None
        self.frames_read = 0
        self._lossy = lossy
        self._buffer = bytearray()
        self._received = 0
        self._state = self._read_riff
        self._skip = 0
        self._data_left: int | None = None
        self._rf64_data_size: int | None = None
        self._layout: _Layout | None = None

    def feed(self, data: bytes) -> np.ndarray:
        """Take the next bytes; return the samples [n, channels] they complete, n may be 0."""
        self._received += len(data)
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        self._buffer += data
        while self._state():
            pass
        return self._take_samples()

    def finish(self) -> None:
        """Raise ``AudioError`` unless a whole WAV has been read."""
        if self._received == 0:
            raise AudioError("The WAV is empty: no bytes came.")
        if self.format is None and self._buffer[:8] == b"data\0\0\0\0" and self._state == self._read_chunk:
            self._take(8)
            self._begin_data(0)
        if self.format is None:
            raise TruncatedWav(
                f"The WAV ends after {self._received} bytes, before its samples begin; send the whole file."
            )
        frame = self._frame_bytes()
        known = self.format.frames
        if known is not None and self.frames_read < known:
            raise TruncatedWav(
                f"The WAV is truncated: it announces {known} samples and ends after {self.frames_read}; "
                "send the whole file."
            )
        # A chunk of odd length is followed by one padding byte.
        padding = known is None and self._buffer == b"\0" and self.frames_read * frame % 2
        if self._buffer and self._reads_samples() and not padding:
            raise TruncatedWav("The WAV is truncated: it ends in the middle of a sample; send the whole file.")
        if self.frames_read == 0:
            raise AudioError("The WAV holds no samples.")

    def _frame_bytes(self) -> int:
        assert self._layout is not None
        return self._layout.frame_bytes

    def _reads_samples(self) -> bool:
        return self._state == self._read_nothing and (self._data_left is None or self._data_left > 0)

    def _take(self, size: int) -> bytes | None:
        if len(self._buffer) < size:
            return None
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _read_riff(self) -> bool:
        start = bytes(self._buffer[:12])
        if start[:4] == b"RIFX":
            raise AudioError("This is a big-endian WAV (RIFX); send an ordinary little-endian one.")
        wanted = (b"RIFF", b"RF64", b"BW64")
        if not any(magic.startswith(start[:4]) for magic in wanted) or not b"WAVE".startswith(start[8:12]):
            raise AudioError("This is not a WAV file: it does not begin with RIFF and WAVE.")
        if self._take(12) is None:
            return False
        self._state = self._read_chunk
        return True

    def _read_chunk(self) -> bool:
        if len(self._buffer) < 8:
            return False
        name, size = struct.unpack("<4sI", self._buffer[:8])
        padded = size + (size & 1)
        if name in (b"fmt ", b"ds64"):
            if size > _MAX_FORMAT_BYTES:
                raise AudioError(f"The WAV's {name.decode().strip()} chunk claims {size} bytes: the header is damaged.")
            if len(self._buffer) < 8 + padded:
                return False
            body = (self._take(8 + padded) or b"")[8 : 8 + size]
            if name == b"fmt ":
                self._layout = _read_layout(body, self._lossy)
            elif len(body) >= 24:
                self._rf64_data_size = struct.unpack("<Q", body[8:16])[0]
            return True
        if name == b"data" and not size and len(self._buffer) < 12:
            return False  # what follows decides
        self._take(8)
        if name == b"data":
            self._begin_data(size)
            return False
        # Unknown chunks may be large: they are passed over as they come, never held.
        present = min(padded, len(self._buffer))
        del self._buffer[:present]
        self._skip = padded - present
        return present == padded

    def _begin_data(self, size: int) -> None:
        if self._layout is None:
            raise AudioError("The WAV has no format chunk before its samples: the header is damaged.")
        rate, channels, bits, frame, _ = self._layout
        if size == 0xFFFF_FFFF and self._rf64_data_size is not None:
            size = self._rf64_data_size
            known = size < 1 << 62
        else:
            never_said = size == 0 and self._buffer and bytes(self._buffer[:4]) not in _TRAILING_CHUNKS
            known = size < _UNKNOWN_SIZE and not never_said
        if known and size % frame:
            raise AudioError(
                f"The WAV announces {size} bytes of samples, not a multiple of {frame}, the size of one sample "
                "in all channels: the header is damaged."
            )
        self._data_left = size if known else None
        lossless = bits in (8, 16, 24)
        self.format = WavFormat(rate, channels, bits if lossless else 24, size // frame if known else None, lossless)
        self._state = self._read_nothing

    def _read_nothing(self) -> bool:
        return False

    def _take_samples(self) -> np.ndarray:
        if self.format is None:
            return np.empty((0, 1), np.int32)
        assert self._layout is not None
        _, channels, bits, frame, is_float = self._layout
        available = len(self._buffer) if self._data_left is None else min(len(self._buffer), self._data_left)
        raw = self._take(available // frame * frame) or b""
        if self._data_left is not None:
            self._data_left -= len(raw)
            if not self._data_left:
                self._buffer.clear()  # whatever follows the samples is not sound
        samples = _to_integers(raw, bits, is_float).reshape(-1, channels)
        self.frames_read += len(samples)
        return samples


def _read_layout(body: bytes, lossy: bool) -> _Layout:
    if len(body) < 16:
        raise AudioError(f"The WAV's format chunk has {len(body)} bytes instead of at least 16: the header is damaged.")
    tag, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == _EXTENSIBLE:
        if len(body) < 40 or body[26:40] != _GUID_TAIL:
            raise AudioError("The WAV's extensible format names no known sample format; send PCM samples.")
        tag = struct.unpack("<H", body[24:26])[0]
    if tag not in (_PCM, _FLOAT):
        raise AudioError(f"The WAV holds {_CODEC_NAMES.get(tag, f'codec {tag:#06x}')}, not PCM samples; send PCM.")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"The WAV has {channels} channels; FLAC holds 1 to {MAX_CHANNELS}.")
    if not 1 <= rate <= MAX_SAMPLE_RATE:
        raise AudioError(f"The WAV's sample rate is {rate} Hz; FLAC holds 1 to {MAX_SAMPLE_RATE} Hz.")
    if frame == 0 or frame % channels:
        raise AudioError(f"The WAV says that {channels} channels take {frame} bytes: the header is damaged.")
    container = frame // channels * 8
    if not 1 <= bits <= container:
        raise AudioError(f"The WAV says that {bits} bits fit into {container}: the header is damaged.")
    is_float = tag == _FLOAT
    if container not in ((32, 64) if is_float else (8, 16, 24, 32)):
        raise AudioError(f"The WAV holds {container}-bit {'float' if is_float else 'PCM'} samples; send 16 or 24 bits.")
    if (is_float or container == 32) and not lossy:
        kind = "float" if is_float else "32-bit"
        raise AudioError(
            f"The WAV holds {kind} samples, which FLAC cannot keep bit for bit; send 8, 16 or 24 bits of "
            "PCM, or ask for lossy=1."
        )
    return _Layout(rate, channels, container, frame, is_float)


def _to_integers(raw: bytes, bits: int, is_float: bool) -> np.ndarray:
    if is_float:
        values = np.frombuffer(raw, "<f4" if bits == 32 else "<f8").astype(np.float64)
        scaled = np.rint(np.clip(np.nan_to_num(values), -1, 1) * 8_388_608)
        return np.minimum(scaled, 8_388_607).astype(np.int32)
    if bits == 8:
        return np.frombuffer(raw, np.uint8).astype(np.int32) - 128
    if bits == 16:
        return np.frombuffer(raw, "<i2").astype(np.int32)
    if bits == 32:
        wide = np.frombuffer(raw, "<i4").astype(np.int64)
        return np.minimum((wide + 128) >> 8, 8_388_607).astype(np.int32)
    padded = np.zeros((len(raw) // 3, 4), np.uint8)
    padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return padded.reshape(-1).view("<i4") >> 8
