"""Text from and to the console, UTF-8 whatever the console says of itself."""

import codecs
import json
import sys
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from swaram.errors import SwaramError

ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="On a Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT; without an address, as the last word, auto.",
        show_default="this machine",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def use_utf8() -> None:
    """Write UTF-8 to standard output and error; what cannot be written (half a surrogate pair) is escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def decode_text(content: bytes, name: str) -> str:
    """The text of bytes in UTF-8, or in UTF-16 or UTF-32 with a byte order mark, as PowerShell's ``>`` writes it.

    Raises SwaramError for anything else; ``name`` is what the message calls it.
    """
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SwaramError(f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
    if "\0" in text:
        raise SwaramError(f"{name} is not UTF-8 text (it holds zero bytes); save it as UTF-8.")
    return text


def read_standard_input(most_characters: int) -> str:
    """All of standard input as text, cut behind ``most_characters`` + 1. Raises SwaramError where it is no text."""
    binary = getattr(sys.stdin, "buffer", None)
    if binary is None:  # replaced by a program that runs this one
        return sys.stdin.read(most_characters + 1)
    return decode_text(binary.read(4 * (most_characters + 2)), "standard input")[: most_characters + 1]


def read_text(path: Path, most_characters: int) -> str:
    """The text of a file, or of standard input for -, cut behind ``most_characters`` + 1. Raises SwaramError."""
    if str(path) == "-":
        return read_standard_input(most_characters)
    if not path.is_file():
        raise SwaramError(f"{path}: there is no such file; give a text file in UTF-8.")
    with path.open("rb") as file:
        return decode_text(file.read(4 * (most_characters + 2)), str(path))[: most_characters + 1]


def piped_in() -> bool:
    """Whether something other than a terminal is at standard input."""
    return sys.stdin is not None and not sys.stdin.isatty()


def print_json(data: Any, stream: TextIO | None = None) -> None:
    """One JSON object on standard output, or on ``stream``, letters as they are."""
    print(json.dumps(data, ensure_ascii=False, indent=1, default=str), file=stream or sys.stdout)
