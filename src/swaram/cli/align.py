"""``swaram align AUDIO TEXT``: when each word of a text is spoken in a recording."""

import importlib.util
import json
from pathlib import Path
from typing import Annotated

import typer

FORMATS = ("json", "textgrid", "srt")
_ENDINGS = {".json": "json", ".textgrid": "textgrid", ".srt": "srt"}


def align_command(
    audio: Annotated[Path, typer.Argument(help="A recording of any format and length.", show_default=False)],
    text: Annotated[
        Path, typer.Argument(help="Its text: a .txt, or subtitles whose times do not count.", show_default=False)
    ],
    language: Annotated[str, typer.Option(help="Code of the language, such as ml or ta.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; its ending says the format.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="json, textgrid or srt.", show_default="json")] = None,
) -> None:
    """Say when each word of a text is spoken, for any language that swaram reads; needs no recogniser."""
    from swaram.alignment.features import RATE
    from swaram.alignment.output import as_data, sentences_of, text_grid
    from swaram.alignment.recording import align_recording
    from swaram.alignment.words import words_of
    from swaram.audio.decode import Decoder
    from swaram.audio.resample import high_pass
    from swaram.corpora.timed_text import read_timed_text
    from swaram.errors import SwaramError
    from swaram.extras import install_command
    from swaram.files import whole_file
    from swaram.languages import get_language
    from swaram.text.frontend import TextFrontend

    if importlib.util.find_spec("scipy") is None:
        raise SwaramError(f"alignment needs scipy, which is not installed: {install_command('train')}")
    form = form or _ENDINGS.get(out.suffix.lower() if out else "", "json")
    if form not in FORMATS:
        raise SwaramError(f"--format {form}: choose one of {', '.join(FORMATS)}.")
    spoken = read_timed_text(text).text
    words = words_of(spoken, TextFrontend(get_language(language).code))
    if not words:
        raise SwaramError(f"{text}: holds nothing that can be spoken in {get_language(language).name}.")
    aligned = align_recording(lambda: (high_pass(part, RATE, 60.0) for part in Decoder(audio, RATE).pieces()), words)
    if not any(word.found for word in aligned.words):
        raise SwaramError(f"{audio}: nothing of {text} is heard there; see that they belong together.")
    if form == "textgrid":
        written = text_grid(aligned)
    elif form == "srt":
        written = _subtitles(sentences_of(aligned.words))
    else:
        data = {"file": str(audio), "language": get_language(language).code, **as_data(aligned)}
        written = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    if out is None:
        print(written, end="")
        return
    with whole_file(out, SwaramError) as partial:
        partial.write_text(written, encoding="utf-8")


def _subtitles(sentences: list[tuple[str, float, float]]) -> str:
    """SubRip: one number, one span of time and one sentence a block."""
    from swaram.recognition.captions import clock

    blocks = [
        f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{text}\n"
        for number, (text, start, end) in enumerate(sentences, start=1)
    ]
    return "\n".join(blocks)
