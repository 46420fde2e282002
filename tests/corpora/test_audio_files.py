"""A recording that is there is found by the name in the table, however either is spelt; nothing outside ever is."""

import os
import unicodedata

import pytest

from swaram.corpora.audio_files import AUDIO_ENDINGS, AudioFiles, folded, without_ending

NAME = "കൊച്ചി é"  # composed and decomposed differ


@pytest.fixture
def corpus(tmp_path):
    def write(*names):
        for name in names:
            path = tmp_path / "corpus" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
        return AudioFiles(tmp_path / "corpus", "wavs")

    return write


@pytest.mark.parametrize("there", ["00.wav", "00.WAV", "00.flac", "00.Mp3"])
@pytest.mark.parametrize("asked", ["00", "00.wav", "wavs/00.wav", "./wavs/00.wav", "wavs\\00.wav", "wavs/00", " 00 "])
def test_endings_cases_and_folders_are_spellings_of_one_name(corpus, there, asked):
    assert corpus(f"wavs/{there}").find(asked).name == there


@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_both_unicode_forms_are_one_name(corpus, written, asked):
    files = corpus(f"wavs/{unicodedata.normalize(written, NAME)}.wav")
    assert files.find(unicodedata.normalize(asked, NAME)) is not None


@pytest.mark.parametrize("ending", AUDIO_ENDINGS)
def test_every_ending_is_found_with_it_and_without(corpus, ending):
    files = corpus(f"wavs/a{ending}", "wavs/a.txt")
    assert files.find(f"a{ending}") == files.find("a") != None  # noqa: E711 - the same, and there


def test_a_file_of_an_unknown_ending_is_found_by_its_whole_name(corpus):
    assert corpus("wavs/a.xyz").find("a.xyz").name == "a.xyz"
    assert corpus("wavs/a.xyz").find("a") is None


@pytest.mark.parametrize(
    "name", ["../secret.wav", "wavs/../../secret.wav", "/etc/hostname", "C:\\a.wav", "", "  ", "\0"]
)
def test_nothing_outside_of_the_folder_is_found(corpus, tmp_path, name):
    (tmp_path / "secret.wav").write_bytes(b"x")
    assert corpus("wavs/a.wav").find(name) is None


def test_an_absolute_path_into_the_folder_is_one_of_it(corpus, tmp_path):
    files = corpus("wavs/a.wav")
    path = tmp_path / "corpus" / "wavs" / "a.wav"
    assert files.find(str(path)) == path and not files.leads_outside(str(path))
    assert (
        files.leads_outside("/etc/passwd") and files.leads_outside("..\\a.wav") and not files.leads_outside("a..b.wav")
    )


def test_several_that_are_equally_alike_are_none(corpus):
    files = corpus("wavs/A.wav", "wavs/a.WAV")
    if len(list((files._folder / "wavs").iterdir())) == 2:  # not on a system that takes both for one
        assert files.find("a.wav") is None and files.find("A.wav").name == "A.wav"


def test_keys_tell_folders_and_endings_apart_whatever_the_order(corpus):
    files = corpus("wavs/a/1.wav", "wavs/b/1.wav", "wavs/2.wav", "wavs/2.flac", "wavs/3.wav", "4.wav")
    keys = [files.key(files.find(name)) for name in ("a/1.wav", "b/1", "2.wav", "2.flac", "3", "4.wav")]
    assert keys == ["a/1", "b/1", "2.wav", "2.flac", "3", "4"]
    assert files.key_of_name("./wavs/nothing.wav") == "nothing"


def test_what_preparation_wrote_inside_of_a_corpus_is_no_part_of_it(corpus):
    assert corpus("wavs/a.wav", "data/.prepare/journal.sqlite", "data/audio_files/b.flac").find("b") is None


def test_links_in_a_circle_end(corpus, tmp_path):
    files = corpus("wavs/a.WAV")
    os.symlink(tmp_path / "corpus", tmp_path / "corpus" / "wavs" / "again")
    assert files.find("a") is not None and files.find("b") is None


def test_only_endings_of_recordings_are_endings():
    assert without_ending("a.b.wav") == "a.b" and without_ending("a.b") == "a.b"
    assert folded("./A\\é.WAV") == folded("a/é.wav")
