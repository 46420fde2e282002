"""``swaram transcribe FILE...``: speech in files to text."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swaram.cli import completion
from swaram.cli.console import piped_in

if TYPE_CHECKING:
    import numpy as np

FORMATS = ("text", "json", "srt", "vtt")


def transcribe_command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Recordings of any format and length; - or none reads standard input.", show_default=False),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Code of the language, where there are several recognisers.", autocompletion=completion.languages
        ),
    ] = None,
    recognizer: Annotated[Path | None, typer.Option(help="Folder of a recogniser, or of several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line: text, lines and words.")] = False,
    form: Annotated[str, typer.Option("--format", help="text, json, srt or vtt.")] = "text",
    beam: Annotated[
        int | None, typer.Option(min=1, max=512, help="Search so many hypotheses with the language model.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Threads to compute with.")] = 1,
) -> None:
    """Write down what is said in recordings; all files are tried, and a bad one is named at the end."""
    from swaram.audio.decode import Decoder
    from swaram.audio.files import AudioError
    from swaram.errors import SwaramError
    from swaram.recognition import Recognizer, RecognizerError
    from swaram.recognition.captions import as_data, subrip, web_vtt
    from swaram.recognition.package import find_recognizer

    if form not in FORMATS:
        raise RecognizerError(f"--format {form}: choose one of {', '.join(FORMATS)}.")
    form = "json" if as_json else form
    if not files and not piped_in():
        raise SwaramError("There is no recording: name files, or pipe one in.")
    files = files or [Path("-")]
    listener = Recognizer.load(find_recognizer(language, recognizer), threads)
    faults: list[str] = []
    for path in files:
        piped = str(path) == "-"
        source = io.BytesIO(sys.stdin.buffer.read()) if piped else path
        recording = Decoder(source, listener.features.sample_rate, "standard input" if piped else "")
        try:
            with _progress(path) as listened:
                heard = listener.hear(map(listened, recording.pieces()), beam)
        except AudioError as error:
            faults.append(str(error))
            continue
        if damage := recording.damage():
            print(f"warning: {damage}", file=sys.stderr, flush=True)
        if form == "json":
            data = {"file": str(path), "language": listener.language, **as_data(heard, recording.seconds)}
            print(json.dumps(data, ensure_ascii=False), flush=True)
        elif form == "text":
            print(f"{path}: {heard.text}" if len(files) > 1 else heard.text, flush=True)
        else:
            print(subrip(heard) if form == "srt" else web_vtt(heard), flush=True)
    if faults:
        raise SwaramError("; ".join(faults))


@contextmanager
def _progress(path: Path) -> Iterator[Callable[["np.ndarray"], "np.ndarray"]]:
    """On a terminal, on standard error: how much of a recording was listened to. Passes the pieces on as they are."""
    if not sys.stderr.isatty():
        yield lambda piece: piece
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    rate = 16_000  # of all that a recogniser hears
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:.0f} s listened to"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(path.name, total=None)

        def listened(piece: "np.ndarray") -> "np.ndarray":
            progress.advance(task, len(piece) / rate)
            return piece

        yield listened
