"""Folders on object storage, by fsspec: brought here before work, taken there after it, only what has changed.

The local folder is a mirror in the user's cache; rights are tried before any work is done.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from swaram.cluster.errors import ClusterError
from swaram.extras import install_command
from swaram.files import file_sha256, whole_file

_URL = re.compile(r"([a-z][a-z0-9+.-]+):[/\\]{1,2}(?![/\\])(.*)", re.DOTALL)
_PUSHED = ".prepare/pushed.json"  # what lies on the storage: digest and size by name
_JOURNAL = ".prepare/journal.sqlite"


def url_of(path: str | Path) -> str | None:
    """The URL that was given where a path may stand (``Path`` folds its slashes); None for a path of this machine."""
    match = _URL.fullmatch(str(path))
    return f"{match[1]}://{match[2].replace(os.sep, '/')}".rstrip("/") if match else None


def open_storage(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path on it. Raises ClusterError where its package is missing."""
    scheme = url.partition("://")[0]
    try:
        import fsspec
    except ImportError:
        raise ClusterError(f"{url}: needs fsspec, which is not installed: {install_command('cluster')}") from None
    try:
        system, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise ClusterError(f"{url}: {_line(error)}.") from None
    except ValueError as error:
        raise ClusterError(f"{url}: there is no storage called {scheme} ({_line(error)}).") from None
    return system, str(path)


def check_rights(url: str, write: bool) -> None:
    """Try to list, and with ``write`` to write, read and delete a small object. Raises ClusterError, one sentence."""
    system, path = open_storage(url)
    probe = f"{path}/.swaram-{secrets.token_hex(8)}"
    what = "listed"
    try:
        if write:
            what = "written to"
            system.pipe_file(probe, b"swaram")
            what = "read from"
            if system.cat_file(probe) != b"swaram":
                raise OSError("it gave other bytes back")
            what = "deleted from"
            system.rm_file(probe)
        elif not system.find(path):
            raise ClusterError(f"{url}: there is nothing; see that the bucket and the folder are right.")
    except ClusterError:
        raise
    except Exception as error:  # each storage has errors of its own
        raise ClusterError(f"{url}: cannot be {what} ({_reason(error)}); see its rights and credentials.") from error


def _reason(error: BaseException) -> str:
    text = _line(error)
    return text or type(error).__name__


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0].rstrip(".")[:160]


def pull(url: str, folder: Path) -> int:
    """Bring what is missing here or has changed there; returns how many files came. Raises ClusterError."""
    system, path = open_storage(url)
    came = 0
    try:
        for name, found in system.find(path, detail=True).items():
            inside = _inside(url, path, name)
            target = folder / inside
            stamp = _stamp(found)
            if target.is_file():
                here = target.stat()
                if here.st_size == found["size"] and (stamp is None or int(here.st_mtime) == stamp):
                    continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target) as partial:
                system.get_file(name, str(partial))
                if stamp is not None:
                    os.utime(partial, (stamp, stamp))
            came += 1
    except ClusterError:
        raise
    except Exception as error:
        raise ClusterError(f"{url}: cannot be read ({_reason(error)}).") from error
    return came


def _inside(url: str, path: str, name: str) -> str:
    """A name below the folder. Raises ClusterError for one that leads out of it."""
    inside = name.removeprefix(path).lstrip("/")
    if not inside or ".." in inside.split("/") or "\\" in inside:
        raise ClusterError(f"{url}: holds an object of the name {name[:80]!r}, which leads out of its folder.")
    return inside


def _stamp(found: dict[str, Any]) -> int | None:
    """When an object was last changed, whole seconds since 1970."""
    for key in ("LastModified", "mtime", "created", "last_modified"):
        value = found.get(key)
        if isinstance(value, datetime):
            return int(value.timestamp())
        if isinstance(value, int | float):
            return int(value)
    return None


def push(folder: Path, url: str) -> int:
    """Take what has changed there, and delete there what is gone here and was ours; returns how many files went.

    The journal goes last: whoever finds it finds the rest. Raises ClusterError.
    """
    system, path = open_storage(url)
    record = folder / _PUSHED
    known: dict[str, list[Any]] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    went = 0
    try:
        there = {_inside(url, path, name): found["size"] for name, found in system.find(path, detail=True).items()}
        names = [one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file() and one != record]
        local = sorted((name for name in names if not name.endswith(".partial")), key=lambda n: (n == _JOURNAL, n))
        lies: dict[str, list[Any]] = {}
        for name in local:
            lies[name] = [file_sha256(folder / name), (folder / name).stat().st_size]
            if known.get(name) != lies[name] or there.get(name) != lies[name][1]:
                system.put_file(str(folder / name), f"{path}/{name}")
                went += 1
        for name in set(known) - set(local):
            if name in there:
                system.rm_file(f"{path}/{name}")
        record.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(record) as partial:
            partial.write_text(json.dumps(lies), encoding="utf-8")
    except Exception as error:
        raise ClusterError(f"{url}: cannot be written to ({_reason(error)}); {folder} holds what was made.") from error
    return went


def mirror_of(url: str) -> Path:
    """Where the mirror of a URL lies on this machine; it has the same name, which some corpora are known by."""
    return (
        user_cache_path("swaram") / "storage" / hashlib.sha256(url.encode()).hexdigest()[:16] / url.rpartition("/")[2]
    )


@contextlib.contextmanager
def read_from(path: Path) -> Iterator[Path]:
    """A folder of this machine for a path or URL: itself, or a mirror brought up to date. Raises ClusterError."""
    url = url_of(path)
    if url is None:
        yield path
        return
    check_rights(url, write=False)
    mirror = mirror_of(url)
    pull(url, mirror)
    yield mirror


@contextlib.contextmanager
def written_to(path: Path) -> Iterator[Path]:
    """A folder of this machine to write into; after the block, what is in it lies at the URL. Raises ClusterError.

    A run that was ended here goes on from the mirror; on another machine, from what the storage holds.
    """
    url = url_of(path)
    if url is None:
        yield path
        return
    check_rights(url, write=True)
    mirror = mirror_of(url)
    if not (mirror / _JOURNAL).is_file():
        pull(url, mirror)
    yield mirror
    push(mirror, url)
