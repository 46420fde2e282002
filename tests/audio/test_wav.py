"""WAV as it comes: every kind that exists is read exactly, every fault is one sentence."""

import io
import struct
import wave

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from swaram.audio.files import AudioError
from swaram.audio.wav import TruncatedWav, WavReader

SUBTYPES = {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24"}


def wav_of(samples: np.ndarray, rate: int = 16_000, subtype: str = "PCM_16", form: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format=form)
    return file.getvalue()


def read_in_pieces(data: bytes, sizes: list[int], lossy: bool = False) -> tuple[WavReader, np.ndarray]:
    reader, parts, start = WavReader(lossy), [], 0
    for size in sizes:
        parts.append(reader.feed(data[start : start + size]))
        start += size
    parts.append(reader.feed(data[start:]))
    reader.finish()
    assert reader.format is not None
    return reader, np.concatenate([part for part in parts if len(part)])


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_samples_are_those_of_the_file(speech, form, bits, channels):
    samples = np.stack([np.roll(speech, c) for c in range(channels)], 1)
    data = wav_of(samples, 44_100, SUBTYPES[bits], form)
    expected = soundfile.read(io.BytesIO(data), dtype="int32", always_2d=True)[0] >> 32 - bits
    reader, heard = read_in_pieces(data, [1, 7, 13, 5, 100, 1001])
    assert np.array_equal(heard, expected)
    assert (reader.format.sample_rate, reader.format.channels, reader.format.bits) == (44_100, channels, bits)
    assert reader.format.frames == len(speech)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 3000), max_size=40))
def test_how_the_bytes_are_cut_changes_nothing(sizes):
    samples = np.random.default_rng(1).integers(-32768, 32767, (4000, 2)).astype(np.int16)
    _, heard = read_in_pieces(wav_of(samples), sizes)
    assert np.array_equal(heard, samples)


@pytest.mark.parametrize("claim", [0xFFFFFFFF, 0x7FFFFFFF - 36, 0x7FFFF024])
def test_streaming_headers_of_unknown_length_are_read_to_the_end(speech, claim):
    data = bytearray(wav_of(speech))
    place = data.index(b"data") + 4
    data[4:8] = data[place : place + 4] = struct.pack("<I", claim)
    reader, heard = read_in_pieces(bytes(data), [50, 4000])
    assert reader.format.frames is None
    assert np.array_equal(heard[:, 0], speech)


def test_chunks_before_and_after_the_samples_are_passed_over(speech):
    data = wav_of(speech)
    junk = b"JUNK" + struct.pack("<I", 70_001) + bytes(70_002)
    place = data.index(b"data")
    _, heard = read_in_pieces(
        data[:place] + junk + data[place:] + b"LIST" + struct.pack("<I", 4) + b"abcd", [11, 40_000]
    )
    assert np.array_equal(heard[:, 0], speech)


def test_float_is_refused_unless_loss_is_allowed(speech):
    data = wav_of(speech / 32768, subtype="FLOAT")
    with pytest.raises(AudioError, match="lossy=1"):
        read_in_pieces(data, [])
    reader, heard = read_in_pieces(data, [], lossy=True)
    assert reader.format.bits == 24 and not reader.format.lossless
    assert np.array_equal(heard[:, 0], speech.astype(np.int32) << 8)
    _, heard = read_in_pieces(wav_of(speech, subtype="PCM_32"), [], lossy=True)
    assert np.array_equal(heard[:, 0], speech.astype(np.int32) << 8)


def header(tag=1, channels=1, rate=16_000, frame=2, bits=16, data=b"\0\0" * 8, claim=None) -> bytes:
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data) if claim is None else claim) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"fLaC" + bytes(100), "not a WAV"),
        (b"RIFF\0\0\0\0AVI " + bytes(100), "not a WAV"),
        (b"RIFX\0\0\0\0WAVE" + bytes(100), "big-endian"),
        (header(tag=3, frame=4, bits=32, data=bytes(32)), "float"),
        (header(tag=6, frame=1, bits=8), "A-law"),
        (header(tag=0x1234), "0x1234"),
        (header(channels=0), "0 channels"),
        (header(channels=9, frame=18, data=bytes(36)), "9 channels"),
        (header(rate=0), "0 Hz"),
        (header(rate=1_048_576), "1048576 Hz"),
        (header(channels=2, frame=3), "damaged"),
        (header(bits=24), "damaged"),
        (header(frame=4, bits=32, data=bytes(32)), "32-bit"),
        (header(frame=5, bits=40, data=bytes(40)), "40-bit"),
        (header(data=bytes(7)), "damaged"),
        (header(data=b""), "no samples"),
        (b"RIFF\x24\0\0\0WAVEdata\x04\0\0\0abcd", "no format chunk"),
        (b"RIFF\x24\0\0\0WAVEfmt " + struct.pack("<I", 1 << 31), "claims"),
        (b"RIFF\x24\0\0\0WAVEfmt \x04\0\0\0abcd", "format chunk has 4 bytes"),
    ],
)
def test_what_is_no_pcm_wav_is_refused_in_one_sentence(data, words):
    reader = WavReader()
    with pytest.raises(AudioError, match=words) as error:
        reader.feed(data)
        reader.finish()
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_a_wav_cut_anywhere_is_said_to_be_truncated(speech):
    data = wav_of(speech[:600], subtype="PCM_24")
    for length in range(1, len(data), 7):
        reader = WavReader()
        reader.feed(data[:length])
        with pytest.raises(TruncatedWav, match="ends"):
            reader.finish()


def test_a_header_that_claims_more_than_comes_is_truncated_and_holds_no_memory(speech):
    reader = WavReader()
    reader.feed(header(data=speech.tobytes(), claim=0x7000_0000))
    with pytest.raises(TruncatedWav, match="announces 939524096 samples"):
        reader.finish()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_at_all_bring_anything_but_a_sentence(data, headed):
    reader = WavReader(lossy=True)
    try:
        reader.feed(b"RIFF\0\0\0\0WAVE" + data if headed else data)
        reader.finish()
    except AudioError as error:
        assert "\n" not in str(error)


def test_what_the_wave_module_writes_is_read(speech):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(speech.astype("<i2").tobytes())
    reader, heard = read_in_pieces(file.getvalue(), [3])
    assert reader.format.sample_rate == 8000 and np.array_equal(heard[:, 0], speech)


@pytest.mark.parametrize("riff", [0, 36, 0xFFFF_FFFF])
@pytest.mark.parametrize("sizes", [[], [1], [45, 2, 1]])
def test_a_size_of_nothing_with_samples_behind_it_is_an_unknown_size(speech, riff, sizes):
    data = header(data=speech.astype("<i2").tobytes(), claim=0)
    data = data[:4] + struct.pack("<I", riff) + data[8:]
    reader, heard = read_in_pieces(data, sizes)
    assert reader.format.frames is None and np.array_equal(heard[:, 0], speech)


@pytest.mark.parametrize("behind", [b"", b"\0", b"LIST\x04\0\0\0INFO", b"id3 \x02\0\0\0ab"])
def test_a_size_of_nothing_with_no_samples_behind_it_holds_none(behind):
    reader = WavReader()
    data = header(data=b"") + behind
    with pytest.raises(AudioError, match=r"holds no samples|middle of a sample"):
        for place in range(len(data)):
            reader.feed(data[place : place + 1])
        reader.finish()
