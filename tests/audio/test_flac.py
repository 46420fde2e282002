"""FLAC as it is made: exact samples, no look-ahead, a header that any decoder believes."""

import hashlib
import io
import shutil
import subprocess

import av
import numpy as np
import pytest
import soundfile

from swaram.audio.files import AudioError
from swaram.audio.flac import FlacEncoder, pack_samples, to_integers
from swaram.audio.flac_format import HEADER_BYTES, StreamInfo

flac_program = pytest.mark.skipif(shutil.which("flac") is None, reason="the program flac is not installed")
ffmpeg_program = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed")


def wide(samples: np.ndarray, channels: int, bits: int) -> np.ndarray:
    """Speech as ``channels`` different channels that use all of ``bits``."""
    generator = np.random.default_rng(bits * 10 + channels)
    shifted = np.stack([np.roll(samples, 31 * c) for c in range(channels)], 1).astype(np.int64)
    if bits > 16:
        return ((shifted << bits - 16) + generator.integers(0, 1 << bits - 16, shifted.shape)).astype(np.int32)
    return (shifted >> 16 - bits).astype(np.int32)


def encode_in_pieces(samples: np.ndarray, rate: int, bits: int) -> tuple[FlacEncoder, list[bytes]]:
    encoder = FlacEncoder(rate, samples.shape[1], bits)
    frames, start = [], 0
    sizes = np.random.default_rng(0).integers(1, 5000, 10_000)
    for size in sizes:
        frames += encoder.encode(samples[start : start + size])
        start += size
        if start >= len(samples):
            break
    return encoder, frames + encoder.finish()


def decode(stream: bytes) -> np.ndarray:
    """Samples by FFmpeg's decoder, which takes the bits from STREAMINFO."""
    with av.open(io.BytesIO(stream)) as container:
        bits = StreamInfo.from_bytes(stream[:HEADER_BYTES]).bits
        parts = [frame.to_ndarray().reshape(-1, frame.layout.nb_channels) for frame in container.decode(audio=0)]
    samples = np.concatenate(parts).astype(np.int64)
    return (samples >> (32 - bits if parts[0].dtype == np.int32 else 16 - bits)).astype(np.int32)


@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8])
def test_every_sample_comes_back(speech, bits, channels):
    samples = wide(speech, channels, bits)
    encoder, frames = encode_in_pieces(samples, 22_050, bits)
    assert np.array_equal(decode(encoder.final_header + b"".join(frames)), samples)


@pytest.mark.parametrize("rate", [1, 8000, 11_025, 65_537, 192_000, 655_350, 1_048_575])
@pytest.mark.parametrize("bits", [8, 16, 24])
@flac_program
def test_flac_finds_no_fault_at_any_rate(speech, tmp_path, rate, bits):
    samples = wide(speech[:5000], 2, bits)
    encoder, frames = encode_in_pieces(samples, rate, bits)
    file = tmp_path / "speech.flac"
    file.write_bytes(encoder.final_header + b"".join(frames))
    checked = subprocess.run(["flac", "-t", "-s", "-w", file], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    options = ["--force-raw-format", "--endian=little", "--sign=signed"]
    raw = subprocess.run(["flac", "-d", "-s", "-c", *options, file], capture_output=True, check=True).stdout
    assert raw == pack_samples(samples, bits)


def test_whole_frames_leave_at_once_and_alone(speech):
    encoder = FlacEncoder(16_000)
    assert encoder.encode(speech[:1023]) == []
    frames = encoder.encode(speech[1023:4096])
    assert len(frames) == 4
    assert all(frame[:2] == b"\xff\xf8" for frame in frames)
    start = io.BytesIO(encoder.header + b"".join(frames))
    with av.open(start) as container:
        heard = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
    assert np.array_equal(heard, speech[:4096])


def test_final_header_states_length_md5_and_frame_sizes(speech):
    encoder, frames = encode_in_pieces(speech[:, None].astype(np.int32), 16_000, 16)
    info = StreamInfo.from_bytes(encoder.final_header)
    assert (info.sample_rate, info.channels, info.bits, info.block_samples) == (16_000, 1, 16, 1024)
    assert info.samples == len(speech) == encoder.samples
    assert info.md5 == hashlib.md5(speech.astype("<i2").tobytes()).digest()
    assert (info.min_frame_bytes, info.max_frame_bytes) == (min(map(len, frames)), max(map(len, frames)))
    opening = StreamInfo.from_bytes(encoder.header)
    assert (opening.samples, opening.md5) == (0, bytes(16))


def test_soundfile_reads_the_stream_with_its_final_header(speech):
    for bits, subtype in ((8, "PCM_S8"), (16, "PCM_16"), (24, "PCM_24")):
        samples = wide(speech, 2, bits)
        encoder, frames = encode_in_pieces(samples, 16_000, bits)
        with soundfile.SoundFile(io.BytesIO(encoder.final_header + b"".join(frames))) as file:
            assert file.subtype == subtype
            assert np.array_equal(file.read(dtype="int32", always_2d=True) >> 32 - bits, samples)


def test_eight_bit_frames_keep_their_numbers_over_a_long_stream(speech):
    long = np.tile(speech, 1 + 300_000 // len(speech))  # more than 128 frames: numbers of two bytes
    encoder, frames = encode_in_pieces(wide(long, 1, 8), 8000, 8)
    assert len(frames) > 128
    assert np.array_equal(decode(encoder.final_header + b"".join(frames)), wide(long, 1, 8))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((0,), "rates"),
        ((1_048_576,), "rates"),
        ((16_000, 9), "channels"),
        ((16_000, 0), "channels"),
        ((8000, 1, 32), "bits"),
    ],
)
def test_what_flac_cannot_hold_is_one_sentence(arguments, word):
    with pytest.raises(AudioError, match=word) as error:
        FlacEncoder(*arguments)
    assert str(error.value).count(".") == 1 and "\n" not in str(error.value)


def test_floats_become_the_nearest_integers_and_are_clipped():
    audio = np.array([0, 1, -1, 2, -2, 0.5 / 32767, 1.6 / 32767], np.float32)
    assert to_integers(audio).tolist() == [0, 32767, -32767, 32767, -32767, 0, 2]
    assert to_integers(np.array([1.0], np.float32), 24).tolist() == [8_388_607]
