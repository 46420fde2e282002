"""Reading the tables that corpora come with: tab- and comma-separated, row by row, every fault named by its row."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from swaram.corpora.utterance import CorpusError


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

    Quotes are ordinary characters in tab-separated tables, for sentences may begin with one. Missing cells are
    empty. Raises ``CorpusError`` for a file that is missing or not UTF-8, or lacks one of the ``needed`` columns.
    """
    quoting = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(
                lines, fieldnames=columns, delimiter=separator, quoting=quoting, restval="", restkey=None
            )
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise CorpusError(f"{path}: the table has no column {missing[0]!r}; is it complete?")
            for row in reader:
                row.pop(None, None)
                yield reader.line_num, {name: (value or "").strip() for name, value in row.items()}
    except FileNotFoundError as error:
        raise CorpusError(f"{path}: there is no such table") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: the table is not UTF-8 text (byte {error.start})") from error
    except csv.Error as error:
        raise CorpusError(f"{path}: the table cannot be read ({error})") from error
    except OSError as error:
        raise CorpusError(f"{path}: the table cannot be read ({error.strerror})") from error
