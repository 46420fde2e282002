"""``swaram speak``: text to the loudspeaker, a file, many files, or a pipe."""

import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from swaram.cli import completion
from swaram.cli.console import JsonOption, piped_in, print_json, read_text
from swaram.errors import SwaramError
from swaram.extras import install_command

if TYPE_CHECKING:
    import numpy as np

    from swaram.voice.engine import Engine
    from swaram.voice.request import SpeechRequest
    from swaram.voice.voice import Voice

MAX_TEXT_CHARACTERS = 200_000
USUAL_FILE = Path("swaram.flac")
FORMATS = "flac, wav, mp3, opus or pcm"
_LONG_CHARACTERS = 400  # of a text that gets a progress bar

VoiceOption = Annotated[
    str | None,
    typer.Option(
        "--voice", help="Name, folder or zip of a voice.", autocompletion=completion.voices, show_default="the only one"
    ),
]


@dataclass
class Spoken:
    """What became of one text: where it went, and how long it is and took, in seconds."""

    to: str
    seconds: float
    sample_rate: int
    first_audio: float
    took: float

    def sentence(self) -> str:
        """One line for people."""
        return (
            f"{self.to}: {self.seconds:.2f} s of speech at {self.sample_rate} Hz; first audio after "
            f"{1000 * self.first_audio:.0f} ms, all after {self.took:.2f} s (real-time factor "
            f"{self.took / self.seconds:.3f})"
        )

    def report(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "file": self.to,
            "seconds": round(self.seconds, 4),
            "sample_rate": self.sample_rate,
            "first_audio_seconds": round(self.first_audio, 4),
            "took_seconds": round(self.took, 4),
            "real_time_factor": round(self.took / self.seconds, 4),
        }


def speak_command(
    text: Annotated[
        str | None, typer.Argument(help="What to say; - or nothing reads standard input.", show_default=False)
    ] = None,
    text_option: Annotated[str | None, typer.Option("--text", help="What to say, named.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Text file to read aloud; - is standard input.")
    ] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="Speak each line into a file of its own: NAME-001 ...")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="File to write (.flac, .wav, .mp3, .opus, .pcm); - is standard output.",
            show_default="played on a terminal, else swaram.flac",
        ),
    ] = None,
    play: Annotated[
        bool | None, typer.Option("--play/--no-play", help="Play it, with a program that is there or SWARAM_PLAYER.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="16-bit samples without a header, low byte first; to standard output.")
    ] = False,
    form: Annotated[
        str | None, typer.Option("--format", help=f"{FORMATS}, where no ending says it.", show_default="flac")
    ] = None,
    voice: VoiceOption = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Training directory or checkpoint to speak with, instead of a voice.")
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            help="Speaker's name or id.", autocompletion=completion.speakers, show_default="the voice's first"
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Code of the language, where a voice reads several.",
            autocompletion=completion.languages,
            show_default="the voice's first",
        ),
    ] = None,
    style: Annotated[str | None, typer.Option(help="Style, where a voice has several.")] = None,
    speed: Annotated[float, typer.Option(help="1 is the voice's own pace, 2 twice as fast.")] = 1.0,
    pitch: Annotated[float, typer.Option(help="Semitones higher or lower than the speaker.")] = 0.0,
    ssml: Annotated[
        bool | None,
        typer.Option("--ssml/--no-ssml", help="Whether the text is SSML; by itself, if it begins with <speak>."),
    ] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Lexicon: TSV or TOML, word to spelling.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same samples.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads to compute with.", min=1, max=256)] = 1,
    as_json: JsonOption = False,
) -> None:
    """Speak a text: aloud on a terminal, into a file with --out, into a pipe with -o -."""
    from swaram.cli.player import PlayerError, find_player
    from swaram.text.lexicon import Lexicon
    from swaram.voice.engine import Engine
    from swaram.voice.errors import SpeechError
    from swaram.voice.library import find_voice
    from swaram.voice.request import SpeechRequest

    text = _text(text, text_option, file)
    if raw and form not in (None, "pcm"):
        raise SpeechError("--raw and --format exclude each other; leave one of them out.")
    form = "pcm" if raw else form
    if out is None and raw:
        out = Path("-")
    player = find_player() if play is not False else None
    if play and player is None:
        raise PlayerError("No program that plays sound is there; install one (ffplay, aplay, mpv), or give --out.")
    aloud = play or (play is None and out is None and not lines and player is not None and _on_terminal())
    target = out or (None if aloud else USUAL_FILE)
    if target == Path("-") and _on_terminal():
        raise SpeechError("Sound is not written to a terminal; send it to a file or a program, as in: -o - | aplay")
    request = SpeechRequest(
        "", speaker=speaker, language=language, style=style, speed=speed, pitch=pitch, seed=seed, ssml=ssml
    )
    texts = [line.strip() for line in re.split(r"\r\n|\r|\n", text) if line.strip()] if lines else [text]
    if not texts:
        raise SpeechError("There is no line to speak.")
    targets = _numbered(target or USUAL_FILE, len(texts), form) if lines else [target]
    lexicons = [Lexicon.read(lexicon)] if lexicon else []
    engine = Engine(_from_checkpoint(checkpoint) if checkpoint else find_voice(voice), threads, lexicons)
    # Standard output carries the sound or is for the report, never both.
    told = sys.stderr if target == Path("-") else sys.stdout
    spoken = []
    for number, (part, goal) in enumerate(zip(texts, targets, strict=True)):
        before = f"line {number + 1}, " if lines else ""
        for notice in engine.reader(request).read(part, ssml).notices:
            print(f"{before}characters {notice.start}-{notice.end}: {notice.message}", file=sys.stderr)
        with _progress(part, number, len(texts)) as heard:
            done = _speak(engine, replace(request, text=part), goal, form, player if aloud else None, heard)
        spoken.append(done)
        if not as_json:
            print(done.sentence(), file=told, flush=True)
    if as_json:
        reports = [done.report() for done in spoken]
        print_json({"voice": engine.voice.name, "spoken": reports}, told)


def _speak(
    engine: "Engine",
    request: "SpeechRequest",
    target: Path | None,
    form: str | None,
    player: tuple[str, ...] | None,
    heard: Callable[[int], None],
) -> Spoken:
    from swaram.cli.player import play
    from swaram.voice.write import write_speech, write_stream

    begun = time.perf_counter()
    first: list[float] = []

    def parts() -> Iterator["np.ndarray"]:
        for window in engine.stream(request):
            first.append(time.perf_counter() - begun)
            heard(len(window.marks))
            yield window.samples

    rate = engine.voice.sample_rate
    sound: Iterable[np.ndarray] = parts() if player is None else play(player, parts(), rate)
    if target is None:
        samples = sum(map(len, sound))
    elif target == Path("-"):
        samples = write_stream(_binary_output(), form or "flac", sound, rate)
    else:
        samples = write_speech(target, sound, rate, form)
    took = time.perf_counter() - begun
    return Spoken(str(target or "played"), samples / rate, rate, first[0], took)


def _text(text: str | None, option: str | None, file: Path | None) -> str:
    """The text from where it was given, or from a pipe. Raises SpeechError where there is none, or too much."""
    from swaram.voice.errors import SpeechError

    text = option if text is None else text
    if file is not None:
        if text not in (None, "-"):
            raise SpeechError("Give the text or a --file, not both.")
        text = read_text(file, MAX_TEXT_CHARACTERS)
    elif text == "-" or (text is None and piped_in()):
        text = read_text(Path("-"), MAX_TEXT_CHARACTERS)
        if not text:
            raise SpeechError("Nothing to say: standard input is empty; give the text, a --file, or pipe it in.")
    if text is None:
        raise SpeechError("Nothing to say: give the text, a --file, or pipe it in.")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise SpeechError(f"The text has more than {MAX_TEXT_CHARACTERS} characters; speak it in several parts.")
    return text


def _numbered(target: Path, count: int, form: str | None) -> list[Path]:
    """A file for each line: in the folder ``target``, or beside it as NAME-001."""
    digits = max(3, len(str(count)))
    if target == Path("-"):
        raise SwaramError("--lines writes one file a line; name a file or a folder with --out.")
    if target.is_dir():
        ending = {None: "flac", "pcm": "pcm"}.get(form, form)
        return [target / f"{number:0{digits}}.{ending}" for number in range(1, count + 1)]
    return [target.with_name(f"{target.stem}-{number:0{digits}}{target.suffix}") for number in range(1, count + 1)]


@contextmanager
def _progress(text: str, number: int, count: int) -> Iterator[Callable[[int], None]]:
    """On a terminal and for long work a bar on standard error; a function that counts the words heard."""
    if not sys.stderr.isatty() or (count == 1 and len(text) < _LONG_CHARACTERS):
        yield lambda words: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        label = f"speaking {number + 1} of {count}" if count > 1 else "speaking"
        task = progress.add_task(label, total=max(1, len(text.split())))
        yield lambda words: progress.advance(task, words)


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _binary_output() -> BinaryIO:
    return sys.stdout.buffer


def _from_checkpoint(checkpoint: Path) -> "Voice":
    """Export a checkpoint into a temporary folder and open what came out: one engine for both."""
    try:
        from swaram.export.voice import VoiceFacts, export_voice
    except ImportError as error:
        raise SwaramError(f"A checkpoint needs {error.name}; {install_command('train')}") from None
    from swaram.voice.voice import Voice

    with tempfile.TemporaryDirectory() as folder:
        export_voice(checkpoint, Path(folder) / "voice", VoiceFacts(checkpoint.name, half=False))
        return Voice.open(Path(folder) / "voice")
