"""Folders on storage: what has changed comes and goes, names stay inside, rights are tried first."""

from pathlib import Path

import pytest

from swaram.cluster import storage
from swaram.cluster.errors import ClusterError
from swaram.cluster.storage import check_rights, pull, push, read_from, url_of, written_to


@pytest.fixture
def memory():
    """An address in fsspec's memory, empty before and after."""
    from fsspec.implementations.memory import MemoryFileSystem

    MemoryFileSystem.store.clear()
    yield "memory://bucket/data"
    MemoryFileSystem.store.clear()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "user_cache_path", lambda name: tmp_path / "cache")


def test_a_url_survives_being_taken_for_a_path():
    assert url_of(Path("s3://bucket/some/data")) == url_of("s3://bucket/some/data/") == "s3://bucket/some/data"
    assert url_of(Path("data")) is url_of(Path("/data")) is url_of(Path("C:/data")) is url_of("C:\\data") is None


def test_only_what_has_changed_is_moved(memory, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "audio_files").mkdir(parents=True)
    (here / "audio_files" / "a.flac").write_bytes(b"one")
    (here / "metadata.csv").write_text("a|one")
    assert push(here, memory) == 2 and push(here, memory) == 0
    assert pull(memory, there) == 2 and pull(memory, there) == 0
    (here / "metadata.csv").write_text("a|two")  # as long as before
    (here / "audio_files" / "a.flac").unlink()
    assert push(here, memory) == 1
    fresh = tmp_path / "fresh"
    assert pull(memory, fresh) == 1
    assert [p.name for p in fresh.rglob("*") if p.is_file()] == ["metadata.csv"]
    assert (fresh / "metadata.csv").read_text() == "a|two"


def test_what_others_put_there_stays(memory, tmp_path):
    import fsspec

    here = tmp_path / "here"
    here.mkdir()
    (here / "own").write_text("own")
    fsspec.filesystem("memory").pipe_file("/bucket/data/theirs", b"theirs")
    push(here, memory)
    (here / "own").unlink()
    push(here, memory)
    assert fsspec.filesystem("memory").find("/bucket/data") == ["/bucket/data/theirs"]


def test_a_name_that_leads_out_of_the_folder_is_refused():
    with pytest.raises(ClusterError, match="leads out of its folder"):
        storage._inside("s3://b/data", "b/data", "b/data/../../etc/passwd")


def test_an_empty_source_and_an_unknown_storage_are_sentences(memory):
    with pytest.raises(ClusterError, match="memory://bucket/data: there is nothing"), read_from(Path(memory)):
        pass
    with pytest.raises(ClusterError, match="there is no storage called nosuch"):
        check_rights("nosuch://bucket/data", write=True)


def test_storage_that_may_not_be_written_to_is_a_sentence(memory, monkeypatch):
    from fsspec.implementations.memory import MemoryFileSystem

    def refuse(*_, **__):
        raise PermissionError("Access Denied")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    with pytest.raises(ClusterError, match=r"cannot be written to \(Access Denied\); see its rights"):
        check_rights(memory, write=True)


def test_a_run_goes_on_from_the_storage_where_the_mirror_is_gone(memory, tmp_path):
    import shutil

    with written_to(Path(memory)) as folder:
        (folder / ".prepare").mkdir(parents=True)
        (folder / ".prepare" / "journal.sqlite").write_bytes(b"journal")
        (folder / "metadata.csv").write_text("a|one")
    shutil.rmtree(tmp_path / "cache")
    with written_to(Path(memory)) as folder:
        assert (folder / ".prepare" / "journal.sqlite").read_bytes() == b"journal"
        assert (folder / "metadata.csv").read_text() == "a|one"


def test_what_fails_is_not_taken_there(memory):
    import fsspec

    def fail():
        with written_to(Path(memory)) as folder:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "half").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert fsspec.filesystem("memory").find("/bucket/data") == []
