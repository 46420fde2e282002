"""Fetching a corpus into a folder: from the hub with ``huggingface_hub``, or an OpenSLR archive over HTTP."""

import hashlib
import http.client
import importlib.util
import os
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path

from swaram.corpora import openslr
from swaram.corpora.registry import Corpus
from swaram.corpora.utterance import CorpusError
from swaram.extras import install_command
from swaram.languages import LANGUAGES

OPENSLR = "https://www.openslr.org/resources"
ATTEMPTS = 5
BLOCK = 1 << 20


def download_corpus(corpus: Corpus, folder: Path, language: str, endpoint: str = "") -> None:
    """Fetch one language of a corpus into ``folder``; what is there already stays, what is partial goes on.

    ``endpoint`` replaces the address of the hub (also ``HF_ENDPOINT``) or of OpenSLR. The token for gated data
    sets is taken from ``HF_TOKEN``. Raises ``CorpusError`` saying what to do.
    """
    if not corpus.hub and corpus.name != "openslr":
        raise CorpusError(
            f"{corpus.name}: this corpus cannot be fetched from here; fetch it yourself and give its folder"
        )
    if not language and corpus.name != "svarah":
        raise CorpusError(f"{corpus.name}: say which language to fetch with --language")
    folder.mkdir(parents=True, exist_ok=True)
    if corpus.hub:
        _from_hub(corpus, folder, language, endpoint)
        return
    if language not in openslr.SETS:
        raise CorpusError(f"openslr: there is no set for {language}; choose one of {', '.join(openslr.SETS)}")
    base = f"{(endpoint or OPENSLR).rstrip('/')}/{openslr.SETS[language]}"
    for name in openslr.archives(language):
        fetch_archive(f"{base}/{name}", folder / name)


def hub_patterns(corpus: Corpus, language: str) -> list[str]:
    """Which files of the data set belong to a language, in the spellings that its authors use for folders."""
    if corpus.name == "svarah":
        return ["*.parquet", "*.csv", "*.json"]
    name = LANGUAGES[language].name
    return [
        f"{prefix}{spelling}/{ending}"
        for spelling in dict.fromkeys((language, name, name.lower()))
        for prefix in ("", "*/")
        for ending in ("*.parquet", "*.tar", "*.tar.gz")
    ]


def _from_hub(corpus: Corpus, folder: Path, language: str, endpoint: str) -> None:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise CorpusError(
            f"fetching from the hub needs huggingface_hub, which is not installed: {install_command('train')}"
        )
    from huggingface_hub import errors, snapshot_download

    page = f"{(endpoint or 'https://huggingface.co').rstrip('/')}/datasets/{corpus.hub}"
    patterns = hub_patterns(corpus, language)
    try:
        snapshot_download(
            corpus.hub,
            repo_type="dataset",
            local_dir=folder,
            allow_patterns=patterns,
            endpoint=endpoint or None,
            token=os.environ.get("HF_TOKEN") or False,
        )
    except errors.GatedRepoError as error:
        raise CorpusError(
            f"{corpus.hub}: this data set is gated; accept its terms at {page} and set HF_TOKEN to your access token"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise CorpusError(f"{corpus.hub}: not found at {page}, or not open to your HF_TOKEN") from error
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError, http.client.HTTPException) as error:
        raise _broken(page, error) from error
    except Exception as error:  # the hub's library raises its HTTP client's own errors too
        if type(error).__module__.split(".")[0] not in ("httpx", "httpx2", "httpcore2", "huggingface_hub"):
            raise
        raise _broken(page, error) from error
    if not any(path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts):
        raise CorpusError(f"{corpus.hub}: holds no file for {language or 'this corpus'} (looked for {patterns[0]})")


def _broken(address: str, error: BaseException) -> CorpusError:
    reason = str(getattr(error, "reason", "") or error or type(error).__name__).splitlines()[0]
    return CorpusError(f"{address}: fetching broke off ({reason}); run the same command again, it goes on from there")


def fetch_archive(address: str, path: Path) -> None:
    """Fetch a zip archive, going on where an earlier attempt stopped; it gets its name once it is proved whole.

    Proved by ``md5sum.txt`` beside it where the server has one, and by the checksums within the zip. What was
    proved is written to ``<name>.sha256``, and a file that still has that checksum's size is not fetched again.
    """
    proof, partial = Path(f"{path}.sha256"), Path(f"{path}.partial")
    if path.exists() and proof.exists():
        return
    for attempt in range(ATTEMPTS):
        try:
            _resume(address, partial)
            break
        except (OSError, http.client.HTTPException) as error:
            status = getattr(error, "code", None)
            if attempt == ATTEMPTS - 1 or (status is not None and 400 <= status < 500):
                raise _broken(address, error) from error
            time.sleep(min(0.2 * 2**attempt, 5.0))
    md5, sha256 = _checksums(partial)
    stated = _stated_md5(address)
    if (stated and stated != md5) or not _sound_zip(partial):
        partial.unlink()
        raise CorpusError(f"{address}: what arrived is damaged (checksum); run the same command again to fetch it anew")
    os.replace(partial, path)
    proof.write_text(f"{sha256}  {path.name}\n", encoding="utf-8")


def _resume(address: str, partial: Path) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing lies beyond what we have
            return
        raise
    with answer, partial.open("ab" if answer.status == 206 else "wb") as file:
        expected = int(answer.headers.get("Content-Length") or -1)
        received = 0
        while block := answer.read(BLOCK):
            file.write(block)
            received += len(block)
        if 0 <= received < expected:
            raise http.client.IncompleteRead(b"", expected - received)


def _checksums(path: Path) -> tuple[str, str]:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            md5.update(block)
            sha256.update(block)
    return md5.hexdigest(), sha256.hexdigest()


def _stated_md5(address: str) -> str:
    """The sum that the server states for the archive, or an empty string where it states none."""
    base, _, name = address.rpartition("/")
    try:
        with urllib.request.urlopen(f"{base}/md5sum.txt", timeout=60) as answer:
            lines = answer.read(BLOCK).decode("utf-8", errors="replace").splitlines()
    except (OSError, http.client.HTTPException):
        return ""
    return next(
        (line.split()[0].lower() for line in lines if line.split()[1:] and line.split()[-1].lstrip("*") == name), ""
    )


def _sound_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError):
        return False
