"""Fetching from a stand-in hub and a stand-in archive on loopback: gates, broken lines, resuming, checksums."""

import hashlib
import io
import zipfile

import pytest

from swaram.corpora import CorpusError, get_corpus
from swaram.corpora.download import download_corpus, hub_patterns

FILES = {
    "Malayalam/train-00000-of-00001.parquet": b"PAR1" + bytes(range(256)) * 4000,
    "Tamil/train-00000-of-00001.parquet": b"PAR1 tamil",
    "README.md": b"about",
}


def test_only_the_wanted_language_is_fetched_from_the_hub(stand_in, tmp_path):
    endpoint, handler = stand_in(FILES, repository="ai4bharat/Rasa")
    download_corpus(get_corpus("rasa"), tmp_path / "rasa", "ml", endpoint)
    got = sorted(p.name for p in (tmp_path / "rasa").rglob("*.parquet"))
    assert got == ["train-00000-of-00001.parquet"]
    assert (tmp_path / "rasa" / "Malayalam" / got[0]).read_bytes() == FILES[f"Malayalam/{got[0]}"]
    assert not any("Tamil" in path for _verb, path, _range, _token in handler.seen if "resolve" in path)


def test_a_gated_data_set_is_explained_and_the_token_opens_it(stand_in, tmp_path, monkeypatch):
    endpoint, handler = stand_in(FILES, gated=True, repository="ai4bharat/Rasa")
    with pytest.raises(CorpusError) as caught:
        download_corpus(get_corpus("rasa"), tmp_path / "rasa", "ml", endpoint)
    assert "gated; accept its terms at" in str(caught.value) and "HF_TOKEN" in str(caught.value)
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", "right")
    download_corpus(get_corpus("rasa"), tmp_path / "rasa", "ml", endpoint)
    assert list((tmp_path / "rasa").rglob("*.parquet"))
    assert all(token == "Bearer right" for _verb, _path, _range, token in handler.seen[-3:])


def test_a_download_from_the_hub_that_broke_off_goes_on(stand_in, tmp_path):
    name = "Malayalam/train-00000-of-00001.parquet"
    files = {name: b"PAR1" + bytes(range(256)) * 100_000}  # the hub's library keeps whole pieces of 10 MB
    endpoint, handler = stand_in(files, cuts={name: [24_000_000]}, repository="ai4bharat/Rasa")
    for _attempt in range(3):
        try:
            download_corpus(get_corpus("rasa"), tmp_path / "rasa", "ml", endpoint)
            break
        except CorpusError as error:
            assert "it goes on from there" in str(error)
    assert (tmp_path / "rasa" / name).read_bytes() == files[name]
    resumed = [wanted for verb, path, wanted, _token in handler.seen if verb == "GET" and name in path and wanted]
    assert any(wanted not in ("", "bytes=0-") for wanted in resumed)


def test_a_hub_that_does_not_answer_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with pytest.raises(CorpusError) as caught:
        download_corpus(get_corpus("rasa"), tmp_path / "rasa", "ml", "http://127.0.0.1:9")
    assert "fetching broke off" in str(caught.value) and "\n" not in str(caught.value)


def test_a_language_that_the_data_set_lacks_is_said(stand_in, tmp_path):
    endpoint, _handler = stand_in(FILES, repository="ai4bharat/Rasa")
    with pytest.raises(CorpusError, match="holds no file for kn"):
        download_corpus(get_corpus("rasa"), tmp_path / "rasa", "kn", endpoint)


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("line_index.tsv", "mrt_01523_00028548203\tमराठी\n")
        archive.writestr("mrt_01523_00028548203.wav", bytes(range(256)) * 2000)
    return buffer.getvalue()


def test_an_openslr_archive_resumes_is_checked_and_is_fetched_once(stand_in, tmp_path):
    content = zipped()
    sums = f"{hashlib.md5(content).hexdigest()}  mr_in_female.zip\n".encode()
    endpoint, handler = stand_in(
        {"mr_in_female.zip": content, "md5sum.txt": sums}, cuts={"mr_in_female.zip": [100_000, 150_000]}
    )
    download_corpus(get_corpus("openslr"), tmp_path, "mr", endpoint)
    assert (tmp_path / "mr_in_female.zip").read_bytes() == content
    ranges = [wanted for _verb, path, wanted, _token in handler.seen if path == "/64/mr_in_female.zip"]
    assert ranges == ["", "bytes=100000-", "bytes=250000-"]
    assert hashlib.sha256(content).hexdigest() in (tmp_path / "mr_in_female.zip.sha256").read_text()
    asked = len(handler.seen)
    download_corpus(get_corpus("openslr"), tmp_path, "mr", endpoint)
    assert len(handler.seen) == asked


@pytest.mark.parametrize("fault", ["stated sum differs", "zip is damaged"])
def test_a_damaged_archive_never_gets_its_name(stand_in, tmp_path, fault):
    content = zipped()
    files = {"mr_in_female.zip": content, "md5sum.txt": b"0" * 32 + b"  mr_in_female.zip\n"}
    if fault == "zip is damaged":
        files = {"mr_in_female.zip": content[:5000] + b"\x99" * 100 + content[5100:]}
    endpoint, _handler = stand_in(files)
    with pytest.raises(CorpusError, match="what arrived is damaged"):
        download_corpus(get_corpus("openslr"), tmp_path, "mr", endpoint)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_is_not_there_is_one_sentence(stand_in, tmp_path):
    endpoint, handler = stand_in({})
    with pytest.raises(CorpusError, match=r"ta_in_female\.zip: fetching broke off"):
        download_corpus(get_corpus("openslr"), tmp_path, "ta", endpoint)
    assert len(handler.seen) == 1


@pytest.mark.parametrize(
    "name,language,said",
    [("rasa", "", "which language"), ("iitm", "ta", "cannot be fetched"), ("openslr", "bn", "no set for bn")],
)
def test_what_cannot_be_fetched_is_said_before_anything_is_asked(name, language, said, tmp_path):
    with pytest.raises(CorpusError, match=said):
        download_corpus(get_corpus(name), tmp_path, language)


def test_patterns_name_the_language_in_the_spellings_of_the_hub():
    patterns = hub_patterns(get_corpus("indicvoices"), "or")
    assert {"or/*.parquet", "Odia/*.parquet", "odia/*.parquet"} <= set(patterns)
