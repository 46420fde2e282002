"""Damaged, joined and changing recordings are heard as far as they go, and what is lost is said."""

import io

import av
import numpy as np
import pytest
import soundfile

from swaram.audio.decode import Decoder
from swaram.audio.files import AudioError, read_audio
from swaram.audio.resample import resample

RATE = 16_000


def encoded(samples: np.ndarray, rate: int, container: str, codec: str, layout: str = "mono") -> bytes:
    """A file of int16 samples [n] at ``rate`` Hz, each channel the same."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        channels = 2 if layout == "stereo" else 1
        frame = av.AudioFrame.from_ndarray(np.repeat(samples, channels)[None], format="s16", layout=layout)
        frame.sample_rate = rate
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def decoded(source, rate: int = RATE) -> tuple[np.ndarray, Decoder]:
    decoder = Decoder(source, rate)
    return np.concatenate(list(decoder.pieces())), decoder


@pytest.fixture(scope="module")
def spoken(speech) -> np.ndarray:
    """int16 at 48 kHz, some four seconds."""
    sound = resample(speech.astype(np.float32) / 32768, 22_050, 48_000)
    return np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two recordings, the shorter one's length compared."""
    n = min(len(a), len(b))
    return float(np.corrcoef(a[:n], b[:n])[0, 1])


def test_a_sound_recording_is_what_read_audio_gives(spoken, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, spoken, 48_000, subtype="PCM_16")
    heard, decoder = decoded(path)
    whole = read_audio(path)
    assert np.abs(heard - resample(whole.audio, 48_000, RATE)[: len(heard)]).max() < 1e-4
    assert abs(len(heard) - whole.duration * RATE) <= 1 and decoder.damage() is None
    assert abs(decoder.seconds - whole.duration) < 0.001


def test_what_is_not_resampled_is_bit_for_bit(spoken):
    content = encoded(spoken, 48_000, "flac", "flac")
    assert np.array_equal(decoded(content, 48_000)[0], read_audio(content).audio)


@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("flac", "flac")])
def test_a_hole_in_the_middle_loses_only_itself(spoken, container, codec):
    sound = encoded(spoken, 48_000, container, codec)
    torn = bytearray(sound)
    middle = len(torn) // 2
    torn[middle : middle + 40] = bytes(40)
    whole, _ = decoded(sound)
    heard, decoder = decoded(bytes(torn))
    assert len(heard) > 0.9 * len(whole)
    assert likeness(heard[: len(whole) // 3], whole[: len(whole) // 3]) > 0.99
    with pytest.raises(AudioError):
        decoded(b"\0" * 5000)
    if decoder.lost:
        (start, length), seconds = decoder.lost[0], len(whole) / RATE
        assert 0.3 * seconds < start < 0.7 * seconds and length < 0.2
        assert "could not be decoded" in decoder.damage() and "\n" not in decoder.damage()


def test_lost_pages_of_an_ogg_are_noticed_by_the_clock_of_the_others(spoken):
    sound = bytearray(encoded(np.tile(spoken, 3), 48_000, "ogg", "libopus"))
    second = sound.find(b"OggS", len(sound) // 2)
    sound[second + 40 : second + 60] = bytes(20)
    heard, decoder = decoded(bytes(sound))
    seconds = 3 * len(spoken) / 48_000
    lost = sum(length for _, length in decoder.lost)
    assert lost > 0.2 and abs(len(heard) / RATE + lost - seconds) < 0.15


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_half_a_file_is_heard_and_the_missing_half_named(spoken, container):
    file = io.BytesIO()
    soundfile.write(file, spoken, 48_000, subtype="PCM_16", format=container)
    content = file.getvalue()
    heard, decoder = decoded(content[: len(content) // 2])
    assert 0.3 < len(heard) / RATE / (len(spoken) / 48_000) < 0.7
    assert f"where its header says {len(spoken) / 48_000:.1f} s" in decoder.damage()


def test_files_joined_end_to_end_are_all_heard(spoken):
    mono, stereo = (encoded(spoken, 48_000, "mp3", "libmp3lame", layout) for layout in ("mono", "stereo"))
    other = encoded(resample(spoken.astype(np.float32), 48_000, 44_100).astype(np.int16), 44_100, "mp3", "libmp3lame")
    seconds = len(spoken) / 48_000
    for parts in ((mono, mono), (mono, stereo), (mono, other, mono)):
        heard, _ = decoded(b"".join(parts))
        assert abs(len(heard) / RATE - len(parts) * seconds) < 0.3 * len(parts)


def test_chained_ogg_is_heard_whatever_its_parts_are(spoken):
    parts = [encoded(spoken, 48_000, "ogg", "libopus", layout) for layout in ("mono", "stereo", "mono")]
    alone = [decoded(part)[0] for part in parts]
    heard, decoder = decoded(b"".join(parts))
    assert abs(len(heard) - sum(map(len, alone))) < 1000 and decoder.damage() is None
    assert likeness(heard[len(alone[0]) :], alone[1]) > 0.9


def test_a_wav_whose_writer_could_not_go_back_is_heard(spoken, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, spoken, 48_000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    place = content.index(b"data")
    content[4:8] = content[place + 4 : place + 8] = bytes(4)
    heard, decoder = decoded(bytes(content))
    assert abs(len(heard) / RATE - len(spoken) / 48_000) < 0.01 and decoder.damage() is None
    assert len(read_audio(bytes(content)).audio) == len(spoken)


def test_measuring_stops_behind_the_limit(spoken):
    content = encoded(np.tile(spoken, 5), 48_000, "ogg", "libopus")
    assert abs(Decoder(content, RATE).measure(1000.0) - 5 * len(spoken) / 48_000) < 0.1
    assert 1.0 < Decoder(content, RATE).measure(1.0) < 1.5


@pytest.mark.parametrize("content", [b"", b"not a sound", b"RIFF\0\0\0\0WAVE", b"OggS" + bytes(500)])
def test_what_is_no_recording_is_one_sentence(content, tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"a\.mp3") as error:
        decoded(path)
    assert "\n" not in str(error.value)
    with pytest.raises(AudioError, match="no such audio file"):
        decoded(tmp_path / "b.mp3")
