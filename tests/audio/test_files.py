"""Reading recordings of any format, and writing files that are whole or absent."""

import io

import numpy as np
import pytest
import soundfile

from swaram.audio.files import AudioError, encode_audio, read_audio, write_whole
from swaram.audio.resample import resample
from tests.recorded_speech import file_bytes, spoken_clips


@pytest.mark.parametrize(
    "kind,subtype", [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("wav", "PCM_U8"), ("flac", "PCM_24")]
)
def test_lossless_formats_come_back_within_one_step_of_their_bits(kind, subtype):
    clip = spoken_clips()[0]
    recording = read_audio(file_bytes(clip.audio, clip.rate, kind, subtype))
    step = {"PCM_U8": 2**-6, "PCM_16": 2**-14}.get(subtype, 2**-22)
    assert (recording.sample_rate, recording.channels) == (clip.rate, 1)
    assert recording.audio.dtype == np.float32
    np.testing.assert_allclose(recording.audio, np.clip(clip.audio, -1, 1), atol=step)


@pytest.mark.parametrize("kind", ["mp3", "webm"])
def test_lossy_formats_come_back_as_the_same_speech(kind, tmp_path):
    clip = spoken_clips()[0]
    audio = resample(clip.audio, clip.rate, 48_000)
    path = tmp_path / f"said.{kind}"
    path.write_bytes(file_bytes(audio, 48_000, kind))
    recording = read_audio(path)
    assert recording.sample_rate == 48_000
    assert recording.duration == pytest.approx(len(audio) / 48_000, abs=0.1)
    lag = np.argmax(np.correlate(recording.audio[:48_000:8], audio[4_000:44_000:8], "valid")) * 8 - 4_000
    heard = recording.audio[max(lag, 0) :][: len(audio)]
    said = audio[max(-lag, 0) :][: len(heard)]
    assert np.corrcoef(heard[: len(said)], said)[0, 1] > 0.9


def test_channels_are_averaged_and_counted():
    left = spoken_clips()[0].audio[:16_000]
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([left, -left], axis=1), 16_000, format="WAV", subtype="FLOAT")
    recording = read_audio(buffer.getvalue())
    assert recording.channels == 2
    assert np.abs(recording.audio).max() == 0


@pytest.mark.parametrize("kind", ["wav", "webm"])
def test_a_part_is_cut_out_without_the_rest(kind):
    clip = spoken_clips()[1]
    audio = resample(clip.audio, clip.rate, 48_000)
    whole = read_audio(file_bytes(audio, 48_000, kind))
    part = read_audio(file_bytes(audio, 48_000, kind), start=0.5, end=1.25)
    np.testing.assert_array_equal(part.audio, whole.audio[24_000:60_000])


def test_a_part_beyond_the_end_is_an_error():
    clip = spoken_clips()[1]
    with pytest.raises(AudioError, match="holds no samples"):
        read_audio(file_bytes(clip.audio, clip.rate), start=1e4, end=1e4 + 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"\x00" * 4096,
        b"not audio at all, only words",
        b"fLaC" + b"\xff" * 200,
        b"\x1a\x45\xdf\xa3" + b"\x01" * 99,
    ],
)
def test_what_is_no_audio_is_one_sentence(content):
    with pytest.raises(AudioError) as caught:
        read_audio(content, "clip 7")
    assert str(caught.value).startswith("clip 7: ") and "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AudioError, match=r"gone\.wav: no such audio file"):
        read_audio(tmp_path / "gone.wav")


def test_values_that_are_not_numbers_are_refused():
    audio = np.full(1000, np.nan, dtype=np.float32)
    with pytest.raises(AudioError, match="not numbers"):
        read_audio(file_bytes(audio, 16_000, "wav", "FLOAT"))


def test_a_video_without_sound_is_refused(tmp_path):
    import av

    with av.open(str(tmp_path / "still.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="no audio stream"):
        read_audio(tmp_path / "still.mkv")


@pytest.mark.parametrize("container", ["flac", "wav"])
def test_written_files_are_16_bit_mono_and_exact(container, tmp_path):
    audio = np.concatenate([spoken_clips()[2].audio, [1.5, -1.5]]).astype(np.float32)
    write_whole(tmp_path / "clip", encode_audio(audio, 22_050, container))
    info = soundfile.info(tmp_path / "clip")
    assert (info.samplerate, info.channels, info.subtype) == (22_050, 1, "PCM_16")
    pcm, _rate = soundfile.read(tmp_path / "clip", dtype="int16")
    np.testing.assert_array_equal(
        pcm[:-2], np.rint(np.clip(audio[:-2].astype(np.float64), -1, 1) * 32767).astype(np.int16)
    )
    assert (pcm[-2], pcm[-1]) == (32767, -32768)


def test_a_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(OSError):
        write_whole(tmp_path / "missing" / "clip.flac", b"x")
    (tmp_path / "clip.flac").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "clip.flac", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["clip.flac"]
