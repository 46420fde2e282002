"""Sound in the formats that clients ask for, each encoded as it is made: FLAC, PCM, WAV, Opus, MP3, AAC, G.711."""

import hashlib
import io
import struct
from typing import Any, Protocol

import av
import numpy as np
import soxr

from swaram.audio.files import AudioError
from swaram.audio.flac import BLOCK_SAMPLES, FlacEncoder, pack_samples

MEDIA_TYPES = {
    "flac": "audio/flac",
    "pcm": "audio/pcm",
    "wav": "audio/wav",
    "opus": "audio/ogg",
    "mp3": "audio/mpeg",
    "aac": "audio/aac",
    "mulaw": "audio/PCMU",
    "alaw": "audio/PCMA",
}
HEADLESS = ("pcm", "mulaw", "alaw")  # nothing in the stream says its rate
LOWEST_RATE, HIGHEST_RATE = 8000, 48_000  # Hz, that may be asked for
TELEPHONY_RATE = 8000  # Hz, of mu-law and A-law (ITU-T G.711) unless another rate is asked for
_OPUS_RATES = (8000, 12_000, 16_000, 24_000, 48_000)
_MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPTIONS = {"ogg": {"page_duration": "40000"}, "mp3": {"write_xing": "0", "id3v2_version": "0"}}
# Of each lossy format: container, codec, the rates that it holds.
_LOSSY = {
    "opus": ("ogg", "libopus", _OPUS_RATES),
    "mp3": ("mp3", "libmp3lame", _MP3_RATES),
    "aac": ("adts", "aac", _MP3_RATES),
}


class SpeechEncoder(Protocol):
    """Mono integer samples in, pieces of a stream out.

    ``header`` begins the stream (it may be empty), ``encode`` and ``finish`` return what became complete, and
    ``final_header``, where it is not empty, replaces ``header`` in a file that is kept. ``samples`` and ``md5`` are
    of the samples that went in.
    """

    @property
    def samples(self) -> int: ...
    @property
    def header(self) -> bytes: ...
    @property
    def final_header(self) -> bytes: ...
    @property
    def md5(self) -> str: ...
    def encode(self, samples: np.ndarray) -> list[bytes]: ...
    def finish(self) -> list[bytes]: ...


def open_encoder(form: str, sample_rate: int, bits: int = 16, out_rate: int | None = None) -> SpeechEncoder:
    """An encoder of one of ``MEDIA_TYPES`` for integer samples at ``sample_rate`` Hz.

    ``out_rate``: the rate of what is written, where it is another one. Raises AudioError for bits that the format does
    not hold.
    """
    check_format(form, bits)
    if out_rate is not None and out_rate != sample_rate:
        return ResampledEncoder(open_encoder(form, out_rate, bits), sample_rate, out_rate, bits)
    if form == "flac":
        return FlacEncoder(sample_rate, bits=bits)
    if form in ("pcm", "wav"):
        return PcmEncoder(sample_rate, bits, headed=form == "wav")
    if form in ("mulaw", "alaw"):
        return TelephonyEncoder(form, sample_rate)
    container, codec, rates = _LOSSY[form]
    return ContainerEncoder(container, codec, _nearest(rates, sample_rate), sample_rate)


def rate_of(form: str, voice_rate: int, asked: int | None = None) -> int:
    """The rate in Hz at which a format is written: the one asked for, else the voice's, of G.711 8,000.

    Raises AudioError for a rate that the format does not hold.
    """
    if asked is None:
        return TELEPHONY_RATE if form in ("mulaw", "alaw") else voice_rate
    if not LOWEST_RATE <= asked <= HIGHEST_RATE:
        raise AudioError(f"The sample_rate must be from {LOWEST_RATE} to {HIGHEST_RATE} Hz.")
    if form in _LOSSY and asked not in _LOSSY[form][2]:
        offered = ", ".join(map(str, _LOSSY[form][2]))
        raise AudioError(f"The format {form} has no sample_rate of {asked} Hz; choose one of {offered}.")
    return asked


class ResampledEncoder:
    """An encoder whose samples come at another rate: a stream resampled by soxr at "very high quality"."""

    def __init__(self, encoder: SpeechEncoder, from_rate: int, to_rate: int, bits: int = 16) -> None:
        self._encoder, self._full_scale = encoder, float(1 << (bits - 1))
        self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float64", quality="VHQ")

    @property
    def samples(self) -> int:
        """Samples written so far, at the new rate."""
        return self._encoder.samples

    @property
    def header(self) -> bytes:
        """As the encoder's."""
        return self._encoder.header

    @property
    def final_header(self) -> bytes:
        """As the encoder's."""
        return self._encoder.final_header

    @property
    def md5(self) -> str:
        """Of the resampled samples."""
        return self._encoder.md5

    def encode(self, samples: np.ndarray) -> list[bytes]:
        """Take integer samples [n] at the old rate; return what became complete."""
        return self._encoder.encode(self._resampled(samples, last=False))

    def finish(self) -> list[bytes]:
        """The rest."""
        return self._encoder.encode(self._resampled(np.zeros(0), last=True)) + self._encoder.finish()

    def _resampled(self, samples: np.ndarray, last: bool) -> np.ndarray:
        made = self._stream.resample_chunk(np.asarray(samples, dtype=np.float64), last)
        return np.clip(np.rint(made), -self._full_scale, self._full_scale - 1).astype(np.int32)


def check_format(form: str, bits: int) -> None:
    """Raise AudioError for a format that is not offered, or bits that it does not hold."""
    if form not in MEDIA_TYPES:
        raise AudioError(f"The format {form} is not offered; choose one of {', '.join(MEDIA_TYPES)}.")
    if bits != 16 and (form in _LOSSY or form in ("mulaw", "alaw")):
        raise AudioError(f"The format {form} is made from 16-bit samples; leave the bits out.")


def _nearest(rates: tuple[int, ...], wanted: int) -> int:
    """The lowest rate that loses nothing, or the highest there is."""
    return next((rate for rate in rates if rate >= wanted), rates[-1])


class _Counted:
    """Counts samples and their MD5."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._sum = hashlib.md5(usedforsecurity=False)
        self.samples = 0

    @property
    def md5(self) -> str:
        """MD5, in hexadecimal, of the little-endian samples so far."""
        return self._sum.hexdigest()

    def _count(self, samples: np.ndarray) -> bytes:
        packed = pack_samples(samples.reshape(-1, 1), self._bits)
        self._sum.update(packed)
        self.samples += len(samples)
        return packed


class PcmEncoder(_Counted):
    """Little-endian samples as they are, in pieces of a block; with a header they are a WAV of unknown length."""

    def __init__(self, sample_rate: int, bits: int = 16, headed: bool = False) -> None:
        if bits not in (16, 24):
            raise AudioError(f"PCM is written with 16 or 24 bits here, not {bits}.")
        super().__init__(bits)
        self._rate, self._headed = sample_rate, headed

    @property
    def header(self) -> bytes:
        """Nothing, or a WAV header that leaves the length open."""
        return self._wav_header(0xFFFF_FFFF) if self._headed else b""

    @property
    def final_header(self) -> bytes:
        """Nothing, or the WAV header with the length of what came."""
        return self._wav_header(self.samples * self._bits // 8) if self._headed else b""

    def _wav_header(self, size: int) -> bytes:
        frame = self._bits // 8
        form = struct.pack("<HHIIHH", 1, 1, self._rate, self._rate * frame, frame, self._bits)
        total = min(size + 36, 0xFFFF_FFFF)
        return struct.pack("<4sI8sI16s4sI", b"RIFF", total, b"WAVEfmt ", 16, form, b"data", size)

    def encode(self, samples: np.ndarray) -> list[bytes]:
        """The samples' bytes."""
        packed = self._count(samples)
        piece = BLOCK_SAMPLES * self._bits // 8
        return [packed[start : start + piece] for start in range(0, len(packed), piece)]

    def finish(self) -> list[bytes]:
        """Nothing is held back."""
        return []


class _Pipe(io.RawIOBase):
    """What a muxer writes, in pieces; it cannot go back."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> list[bytes]:
        pieces, self._pieces = self._pieces, []
        return [b"".join(pieces)] if pieces else []


class TelephonyEncoder(_Counted):
    """Mu-law or A-law (ITU-T G.711): one byte for each sample, nothing around them."""

    def __init__(self, form: str, sample_rate: int) -> None:
        super().__init__(16)
        codec: Any = av.CodecContext.create(f"pcm_{form}", "w")
        codec.sample_rate, codec.layout, codec.format = sample_rate, "mono", "s16"
        self._codec, self._rate = codec, sample_rate
        self.header = self.final_header = b""

    def encode(self, samples: np.ndarray) -> list[bytes]:
        """The samples' bytes."""
        self._count(samples)
        if not len(samples):
            return []
        block = np.ascontiguousarray(samples.reshape(1, -1).astype(np.int16))
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate = self._rate
        return [bytes(packet) for packet in self._codec.encode(frame)]

    def finish(self) -> list[bytes]:
        """Nothing is held back."""
        return []


class ContainerEncoder(_Counted):
    """A lossy format by FFmpeg, resampled where it does not know the rate; some tens of milliseconds look-ahead."""

    def __init__(self, container: str, codec: str, rate: int, sample_rate: int) -> None:
        super().__init__(16)
        self._pipe = _Pipe()
        options = _OPTIONS.get(container, {})
        self._container = av.open(self._pipe, "w", format=container, options=options)
        stream: Any = self._container.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 32_000 if codec == "libopus" else 64_000
        self._stream = stream
        self._resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate)
        self._rate = sample_rate
        self.header = self.final_header = b""

    def encode(self, samples: np.ndarray) -> list[bytes]:
        """What became complete."""
        self._count(samples)
        if not len(samples):
            return []
        block = np.ascontiguousarray(samples.reshape(1, -1).astype(np.int16))
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate = self._rate
        for part in self._resampler.resample(frame):
            self._container.mux(self._stream.encode(part))
        return self._pipe.take()

    def finish(self) -> list[bytes]:
        """The rest, and the end of the container."""
        for part in self._resampler.resample(None):
            self._container.mux(self._stream.encode(part))
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._pipe.take()
