"""Fetching a voice from the hub: only the files of a voice, never a program, into a folder that goes away again."""

import http.client
import importlib.util
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swaram.extras import install_command
from swaram.formats.exchange import FormatError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(?:/[\w./-]+)?")
# What the readers read; programs (.py) that some repositories hold are not among it.
_PATTERNS = ("*.json", "*.safetensors", "*.bin", "*.pth", "*.txt", "*.md", "*.onnx", "*.ckpt", "LICENSE*")
_OF_THE_HUB = ("httpx", "httpx2", "httpcore", "httpcore2", "huggingface_hub")


@contextmanager
def fetched(source: str, endpoint: str = "") -> Iterator[Path]:
    """A path as it is, or a hub id (``owner/name``, ``owner/name/folder``) as the folder it was fetched into.

    ``endpoint`` replaces the hub's address (also ``HF_ENDPOINT``); the token of gated voices is ``HF_TOKEN``. Raises
    FormatError saying what to do.
    """
    path = Path(source)
    if path.exists():
        yield path
        return
    begins_here = path.is_absolute() or (len(path.parts) > 1 and Path(path.parts[0]).is_dir())
    if begins_here or path.suffix.lower() in (".onnx", ".pth", ".pt", ".ckpt", ".json"):
        raise FormatError(f"{source}: no such file or folder; see how it is spelt")
    if not _HUB_ID.fullmatch(source) or ".." in source.split("/"):
        raise FormatError(f"{source}: no such file or folder, and no id of the hub such as facebook/mms-tts-mal")
    with tempfile.TemporaryDirectory() as folder:
        owner, name, *inner = source.split("/")
        _fetch(f"{owner}/{name}", "/".join(inner), Path(folder), endpoint)
        yield Path(folder, *inner)


def _fetch(repository: str, inner: str, folder: Path, endpoint: str) -> None:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise FormatError(f"fetching from the hub needs huggingface_hub; install it with: {install_command('train')}")
    from huggingface_hub import errors, snapshot_download

    page = f"{(endpoint or os.environ.get('HF_ENDPOINT') or 'https://huggingface.co').rstrip('/')}/{repository}"
    try:
        snapshot_download(
            repository,
            local_dir=folder,
            allow_patterns=[f"{inner}/{pattern}" if inner else pattern for pattern in _PATTERNS],
            endpoint=endpoint or None,
            token=os.environ.get("HF_TOKEN") or False,
        )
    except errors.GatedRepoError as error:
        raise FormatError(f"{repository}: gated; accept its terms at {page} and set HF_TOKEN to your token") from error
    except errors.RepositoryNotFoundError as error:
        raise FormatError(f"{repository}: not found at {page}, or not open to your HF_TOKEN") from error
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError, http.client.HTTPException) as error:
        raise _broken(page, error) from error
    except Exception as error:  # the hub's library raises its HTTP client's own errors too
        if type(error).__module__.split(".")[0] not in _OF_THE_HUB:
            raise
        raise _broken(page, error) from error
    if not (folder / inner).is_dir() or not any(p.is_file() for p in (folder / inner).iterdir()):
        raise FormatError(
            f"{repository}: holds no voice{f' in {inner}' if inner else ''}; look at {page} for its files"
        )


def _broken(page: str, error: BaseException) -> FormatError:
    reason = str(getattr(error, "reason", "") or error or type(error).__name__).splitlines()[0]
    return FormatError(f"{page}: fetching broke off ({reason}); run the same command again")
