"""The tables that corpora come with, row by row, every fault named by its file and row."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from swaram.corpora.utterance import CorpusError

csv.field_size_limit(1 << 22)


def corpus_folder(path: Path, corpus: str, *needed: str) -> Path:
    """The folder itself, or a ``CorpusError`` saying what is missing for it to be ``corpus``."""
    if not path.is_dir():
        raise CorpusError(f"{path}: there is no such folder; give the folder that holds {corpus}")
    for name in needed:
        if not (path / name).exists():
            raise CorpusError(f"{path}: this does not look like {corpus}, for it holds no {name}")
    return path


def read_rows(
    path: Path, columns: Sequence[str] | None, needed: Sequence[str] = (), separator: str = "\t"
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a table with a header, or with the given ``columns`` where it has none.

    Quotes are ordinary characters in tables separated by tab or bar, for sentences may begin with one.
    Missing cells are empty. Raises ``CorpusError`` for a file that is missing or not UTF-8, or that lacks
    one of the ``needed`` columns.
    """
    quoting: Any = csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, columns, delimiter=separator, quoting=quoting, restval="")
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise CorpusError(f"{path}: the table has no column {missing[0]!r}; is it complete?")
            for row in reader:
                row.pop(None, None)  # cells beyond the header
                yield reader.line_num, {name: (value or "").strip() for name, value in row.items()}
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: the table is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise CorpusError(f"{path}: the table cannot be read ({error}); fetch it again") from error
    except OSError as error:
        raise CorpusError(f"{path}: the table cannot be read ({error.strerror}); fetch it again") from error


def split_lines(text: str) -> list[str]:
    """The rows of a text: only line feed, carriage return, or both end one.

    ``str.splitlines`` also breaks at U+2028, U+2029, U+0085 and at vertical tabs, which stand inside of sentences.
    """
    return re.split(r"\r\n|\n|\r", text)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) of every line of a file that is not empty. Raises CorpusError as ``read_rows`` does."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: the table is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise CorpusError(f"{path}: the table cannot be read ({error.strerror}); fetch it again") from error
    for number, line in enumerate(split_lines(text), 1):
        if line.strip():
            yield number, line


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield (line number, object) of a file of JSON lines; ``None`` stands for a line that is no object."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for count, line in enumerate(lines, 1):
                if line.strip():
                    yield count, json_object(line)
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: this is not UTF-8 text (byte {error.start}); fetch it again") from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); fetch it again") from error


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """The object that one piece of JSON holds, or ``None``."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
