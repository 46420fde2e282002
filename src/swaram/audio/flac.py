"""FLAC as it is made: whole frames leave the encoder without look-ahead, the header is completed at the end.

The frames come from FFmpeg's encoder through PyAV. STREAMINFO and its MD5 are made here, since the encoder's
own MD5 is wrong after draining. FFmpeg knows no 8-bit FLAC: libsndfile encodes 8-bit blocks, one by one.
"""

import hashlib
import io
from dataclasses import replace

import av
import numpy as np
import soundfile

from swaram.audio.files import AudioError
from swaram.audio.flac_format import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    StreamInfo,
    first_frame_offset,
    renumber_first_frame,
)

BLOCK_SAMPLES = 1024
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")


class FlacEncoder:
    """Integer samples in, whole FLAC frames out.

    ``encode`` returns the frames that became complete, each of ``block_samples`` samples; ``finish`` returns
    the last, shorter one. ``header`` (42 bytes) begins the stream before its length is known;
    ``final_header`` replaces it afterwards and makes the whole a complete file. ``AudioError`` for rates,
    channel counts and bits that FLAC, or this encoder, does not hold.
    """

    def __init__(
        self,
        sample_rate: int,
        channels: int = 1,
        bits: int = 16,
        block_samples: int = BLOCK_SAMPLES,
        level: int = 5,
    ) -> None:
        if not 1 <= sample_rate <= MAX_SAMPLE_RATE:
            raise AudioError(f"FLAC holds sample rates from 1 to {MAX_SAMPLE_RATE} Hz, not {sample_rate}.")
        if not 1 <= channels <= MAX_CHANNELS:
            raise AudioError(f"FLAC holds 1 to {MAX_CHANNELS} channels, not {channels}.")
        if bits not in (8, 16, 24):
            raise AudioError(f"FLAC is written with 8, 16 or 24 bits here, not {bits}.")
        self._info = StreamInfo(sample_rate, channels, bits, block_samples)
        self._blocks = _SoundfileBlocks() if bits == 8 else _FfmpegBlocks(self._info, level)
        self._rest = np.empty((0, channels), np.int32)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._frame_bytes: tuple[int, int] = (0, 0)
        self.samples = 0

    @property
    def header(self) -> bytes:
        """42 bytes: STREAMINFO with the length and the MD5 left open."""
        return self._info.to_bytes()

    @property
    def final_header(self) -> bytes:
        """42 bytes: STREAMINFO with the length and the MD5 of everything encoded so far."""
        smallest, largest = self._frame_bytes
        return replace(
            self._info,
            samples=self.samples,
            md5=self._md5.digest() if self.samples else bytes(16),
            min_frame_bytes=smallest,
            max_frame_bytes=largest,
        ).to_bytes()

    @property
    def md5(self) -> str:
        """MD5, in hexadecimal, of the interleaved little-endian samples so far: what ``flac -t`` checks."""
        return self._md5.hexdigest()

    def encode(self, samples: np.ndarray) -> list[bytes]:
        """Take integer samples [n] or [n, channels] within ``bits``; return the frames now complete."""
        info = self._info
        block = samples.reshape(-1, info.channels).astype(np.int32, copy=False)
        self._md5.update(pack_samples(block, info.bits))
        self.samples += len(block)
        if len(self._rest):
            block = np.concatenate([self._rest, block])
        whole = len(block) // info.block_samples * info.block_samples
        self._rest = block[whole:].copy()
        blocks = [block[start : start + info.block_samples] for start in range(0, whole, info.block_samples)]
        return self._counted([self._blocks.encode(part) for part in blocks])

    def finish(self) -> list[bytes]:
        """End the stream; return the last frame if samples are left."""
        frames = [self._blocks.encode(self._rest)] if len(self._rest) else []
        self._rest = self._rest[:0]
        return self._counted(frames)

    def _counted(self, frames: list[bytes]) -> list[bytes]:
        for frame in frames:
            smallest, largest = self._frame_bytes
            self._frame_bytes = (min(smallest or len(frame), len(frame)), max(largest, len(frame)))
        return frames


class _FfmpegBlocks:
    """One block of 16- or 24-bit samples to one frame, by FFmpeg's encoder."""

    def __init__(self, info: StreamInfo, level: int) -> None:
        self._wide = info.bits == 24
        self._format, self._layout = ("s32" if self._wide else "s16"), _LAYOUTS[info.channels - 1]
        self._rate = info.sample_rate
        codec = av.CodecContext.create("flac", "w")
        codec.sample_rate, codec.format, codec.layout = self._rate, self._format, self._layout
        codec.options = {"compression_level": str(level), "frame_size": str(info.block_samples)}
        codec.open()
        self._codec = codec

    def encode(self, block: np.ndarray) -> bytes:
        samples = block << 8 if self._wide else block.astype(np.int16)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format=self._format, layout=self._layout
        )
        frame.sample_rate = self._rate
        packets = self._codec.encode(frame)
        if not packets:  # a block shorter than the others waits for the drain
            packets = self._codec.encode(None)
        return bytes(packets[0])


class _SoundfileBlocks:
    """One block of 8-bit samples to one frame: a small file's only frame, with its number in the stream."""

    def __init__(self) -> None:
        self._number = 0

    def encode(self, block: np.ndarray) -> bytes:
        file = io.BytesIO()
        soundfile.write(file, (block << 8).astype(np.int16), 44_100, format="FLAC", subtype="PCM_S8")
        stream = file.getvalue()
        frame = renumber_first_frame(stream[first_frame_offset(stream) :], self._number)
        self._number += 1
        return frame


def pack_samples(samples: np.ndarray, bits: int) -> bytes:
    """Integer samples [n, channels], interleaved, as signed little-endian values of 8, 16 or 24 bits."""
    if bits == 24:
        return samples.astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    return samples.astype(np.int8 if bits == 8 else "<i2").tobytes()


def to_integers(audio: np.ndarray, bits: int = 16) -> np.ndarray:
    """float32 samples, -1..1 (beyond is clipped), as int32 samples of ``bits``, rounded to the nearest."""
    top = (1 << (bits - 1)) - 1
    return np.rint(np.clip(audio, -1.0, 1.0).astype(np.float64) * top).astype(np.int32)
