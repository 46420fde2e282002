"""``swaram transcribe FILE...``: speech in files to text."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

FORMATS = ("text", "json", "srt", "vtt")


def transcribe_command(
    files: Annotated[list[Path], typer.Argument(help="Recordings of any format and length.")],
    language: Annotated[str | None, typer.Option(help="Code of the language, where there are several.")] = None,
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
    listener = Recognizer.load(find_recognizer(language, recognizer), threads)
    faults: list[str] = []
    for path in files:
        recording = Decoder(path, listener.features.sample_rate)
        try:
            heard = listener.hear(recording.pieces(), beam)
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
