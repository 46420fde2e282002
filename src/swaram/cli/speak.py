"""``swaram speak``: text to a sound file."""

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swaram.cli.console import read_standard_input
from swaram.errors import SwaramError

if TYPE_CHECKING:
    from swaram.voice.voice import Voice

MAX_TEXT_CHARACTERS = 200_000
VoiceOption = Annotated[
    str | None, typer.Option("--voice", help="Folder or zip of a voice, or its name in the folder of voices.")
]


def speak_command(
    text: Annotated[str | None, typer.Argument(help="What to say; - reads standard input.")] = None,
    text_option: Annotated[str | None, typer.Option("--text", help="What to say, named.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="FLAC or WAV file to write.")] = Path("swaram.flac"),
    voice: VoiceOption = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Training directory or checkpoint to speak with, instead of a voice.")
    ] = None,
    speaker: Annotated[str | None, typer.Option(help="Speaker's name or id.")] = None,
    language: Annotated[str | None, typer.Option(help="Code of the language, where a voice reads several.")] = None,
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
) -> None:
    """Speak a text into a sound file."""
    from swaram.text.lexicon import Lexicon
    from swaram.voice.engine import AudioWindow, Engine
    from swaram.voice.errors import SpeechError
    from swaram.voice.library import find_voice
    from swaram.voice.request import SpeechRequest
    from swaram.voice.write import write_speech

    text = text_option if text is None else text
    if text is None:
        raise SpeechError("Nothing to say: give the text, or - to read it from standard input.")
    if text == "-":
        text = read_standard_input(MAX_TEXT_CHARACTERS)
    if len(text) > MAX_TEXT_CHARACTERS:
        raise SpeechError(f"The text has more than {MAX_TEXT_CHARACTERS} characters; speak it in several parts.")
    request = SpeechRequest(
        text, speaker=speaker, language=language, style=style, speed=speed, pitch=pitch, seed=seed, ssml=ssml
    )
    lexicons = [Lexicon.read(lexicon)] if lexicon else []
    engine = Engine(_from_checkpoint(checkpoint) if checkpoint else find_voice(voice), threads, lexicons)
    rate = engine.voice.sample_rate
    for notice in engine.reader(request).read(text, ssml).notices:
        print(f"characters {notice.start}-{notice.end}: {notice.message}", file=sys.stderr)
    begun = time.perf_counter()
    first: list[float] = []

    def heard(window: AudioWindow) -> AudioWindow:
        first.append(time.perf_counter() - begun)
        return window

    samples = write_speech(out, (heard(window).samples for window in engine.stream(request)), rate)
    took = time.perf_counter() - begun
    seconds = samples / rate
    print(
        f"{out}: {seconds:.2f} s of speech at {rate} Hz; first audio after {1000 * first[0]:.0f} ms, "
        f"all after {took:.2f} s (real-time factor {took / seconds:.3f})"
    )


def _from_checkpoint(checkpoint: Path) -> "Voice":
    """Export a checkpoint into a temporary folder and open what came out: one engine for both."""
    try:
        from swaram.export.voice import VoiceFacts, export_voice
    except ImportError as error:
        raise SwaramError(f"A checkpoint needs {error.name}; pip install 'swaram[train]'.") from None
    from swaram.voice.voice import Voice

    with tempfile.TemporaryDirectory() as folder:
        export_voice(checkpoint, Path(folder) / "voice", VoiceFacts(checkpoint.name, half=False))
        return Voice.open(Path(folder) / "voice")
