"""Converting files: the recording is never touched, and a FLAC is called one."""

import pytest
import soundfile

from swaram.audio.convert import convert_file
from swaram.audio.files import AudioError


@pytest.fixture
def recording(speech, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, speech, 22_050, subtype="PCM_16")
    return path


@pytest.mark.parametrize("way", ["itself", "link", "hard link", "by another spelling"])
def test_a_recording_is_never_converted_onto_itself(recording, tmp_path, way):
    before = recording.read_bytes()
    target = {
        "itself": recording,
        "link": tmp_path / "b.flac",
        "hard link": tmp_path / "c.flac",
        "by another spelling": tmp_path / "x" / ".." / "a.wav",
    }[way]
    (tmp_path / "x").mkdir()
    (tmp_path / "b.flac").symlink_to(recording)
    (tmp_path / "c.flac").hardlink_to(recording)
    with pytest.raises(AudioError, match="recording itself"):
        convert_file(recording, target)
    assert recording.read_bytes() == before


@pytest.mark.parametrize("name", ["b.wav", "b", "b.mp3", "b.flac.wav"])
def test_a_target_that_is_not_called_a_flac_is_refused(recording, tmp_path, name):
    with pytest.raises(AudioError, match=r"ends in \.flac"):
        convert_file(recording, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav"]


def test_capital_endings_are_endings(recording, tmp_path):
    assert convert_file(recording, tmp_path / "B.FLAC").samples == len(soundfile.read(recording)[0])
