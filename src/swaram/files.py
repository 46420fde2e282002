"""Files and folders that appear under their names whole, or not at all."""

import errno
import hashlib
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from swaram.errors import SwaramError


@contextmanager
def whole_file(path: Path, raises: type[SwaramError] | None = None, durable: bool = False) -> Iterator[Path]:
    """Yield a path to write to, beside ``path``, ending in ``.partial``; after the block it is ``path``.

    After an exception ``path`` is what it was, and nothing is left over. Several writers may write at once: the last
    one wins. ``durable``: on the disk before it has its name, so that a loss of power spares it.
    Raises ``raises``, one sentence, where an OSError comes up; the OSError itself without it.
    """
    partial = _beside(path, ".partial")
    try:
        yield partial
        if durable:
            _sync(partial)
        os.replace(partial, path)
        if durable:
            _sync(path.parent)
    except OSError as error:
        raise _sentence(path, error, raises) from error
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def whole_folder(path: Path, raises: type[SwaramError] | None = None, durable: bool = False) -> Iterator[Path]:
    """Yield an empty folder to write into; after the block it is ``path``, in the place of a folder of that name.

    As ``whole_file``: after an exception the earlier folder stands as it was.
    """
    partial, old = _beside(path, ".partial"), _beside(path, ".old")
    try:
        partial.mkdir(parents=True)
        yield partial
        if durable:
            for inside in [*partial.rglob("*"), partial]:
                _sync(inside)
        _put_in_place(partial, path, old)
        if durable:
            _sync(path.parent)
    except OSError as error:
        raise _sentence(path, error, raises) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def zip_folder(folder: Path, target: Path, raises: type[SwaramError] | None = None) -> None:
    """Write a folder into a zip, whole or not at all; equal files give an equal zip, whenever and wherever."""
    with whole_file(target, raises) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_in_place(partial: Path, path: Path, old: Path) -> None:
    """Rename a folder over another one, which no system does in one step."""
    for attempt in range(100):
        if path.is_dir():
            with suppress(FileNotFoundError):  # another writer took it away
                os.replace(path, old)
        try:
            os.replace(partial, path)
        except OSError as error:
            taken = error.errno in (errno.ENOTEMPTY, errno.EEXIST) or (os.name == "nt" and path.is_dir())
            if taken and attempt < 99:  # another writer's folder came in between
                shutil.rmtree(old, ignore_errors=True)
                continue
            if old.exists() and not path.exists():
                os.replace(old, path)
            raise
        shutil.rmtree(old, ignore_errors=True)
        return


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f".{path.name[:50]}.{secrets.token_hex(6)}{ending}")


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sentence(path: Path, error: OSError, raises: type[SwaramError] | None) -> Exception:
    return raises(f"{path}: cannot be written ({error.strerror or error}).") if raises else error
