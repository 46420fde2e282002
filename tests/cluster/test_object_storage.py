"""Preparation from S3 to S3 on two nodes writes there what a run from disk to disk writes here; rights are tried."""

import hashlib

import pytest

pytest.importorskip("ray", reason="what needs Ray is run by make soak, in an environment of its own")
pytest.importorskip("s3fs", reason="what needs Ray is run by make soak, in an environment of its own")

from swaram.cli.main import main
from swaram.cluster import storage
from swaram.cluster.errors import ClusterError
from tests.prepare.fixtures import good_clips


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "user_cache_path", lambda name: tmp_path / "cache")


def put(folder, url):
    import fsspec

    system, path = fsspec.core.url_to_fs(url)
    for file in folder.rglob("*"):
        if file.is_file():
            system.put_file(str(file), f"{path}/{file.relative_to(folder)}")


def digests(url):
    import fsspec

    system, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    names = [name for name in system.find(path) if "/.prepare/" not in name]
    return {name.removeprefix(path + "/"): hashlib.sha256(system.cat_file(name)).hexdigest() for name in names}


def test_from_s3_to_s3_is_the_same_as_from_disk_to_disk(cluster, s3, corpus, tree, tmp_path, capsys):
    folder = corpus([*good_clips(), ("bad", "നല്ല ദിവസം", b"RIFF")])
    options = ["--language", "ml", "--licence", "CC0-1.0"]
    main_ok(["prepare", "ljspeech", str(folder), "--out", str(tmp_path / "data"), *options, "--workers", "1"])
    put(folder, "s3://swaram/corpus")
    there = ["prepare", "ljspeech", "s3://swaram/corpus", "--out", "s3://swaram/data", *options, "--cluster"]
    main_ok(there)
    assert digests("s3://swaram/data") == tree(tmp_path / "data")
    main_ok(there)  # again: nothing is judged or moved twice
    assert digests("s3://swaram/data") == tree(tmp_path / "data")


def main_ok(arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert not ended.value.code


def test_a_bucket_that_is_not_there_is_a_sentence(s3):
    with pytest.raises(ClusterError, match=r"s3://nowhere/data: cannot be written to \(.+\); see its rights"):
        storage.check_rights("s3://nowhere/data", write=True)
