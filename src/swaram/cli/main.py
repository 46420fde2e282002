"""The ``swaram`` command. What a command needs is imported when that command runs, so that help comes at once."""

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from swaram import __version__
from swaram.cli.console import JsonOption, print_json, use_utf8
from swaram.errors import SwaramError

# Name: module of ``swaram.cli``, what in it is the command or the group of commands, and what the list says of it.
COMMANDS = {
    "prepare": ("prepare", "prepare_app", "Prepare a corpus for training: leave out what is unfit, write clips."),
    "align": ("align", "align_command", "Say when each word of a text is spoken in a recording."),
    "text": ("text", "text_command", "Show, step by step, what of a text will be spoken."),
    "train": ("train", "train_command", "Train a voice as a configuration says."),
    "adapt": ("adapt", "adapt_command", "A voice of a new language from a little speech, in one command."),
    "speak": ("speak", "speak_command", "Speak a text: aloud, into a file, into a pipe."),
    "voice": ("voice", "voice_app", "List, fetch, add, remove, check, import and export voices."),
    "serve": ("serve", "serve_command", "Serve speech over WebSockets and HTTP, with a page."),
    "wyoming": ("connect", "wyoming_command", "Serve Home Assistant: speech and speech to text over Wyoming."),
    "mcp": ("connect", "mcp_command", "Let an assistant speak and transcribe, over the Model Context Protocol."),
    "convert": ("serve", "convert_command", "Convert a WAV into a FLAC, bit for bit."),
    "recognizer": ("recognizer", "recognizer_app", "Train, export and measure recognisers (speech to text)."),
    "transcribe": ("transcribe", "transcribe_command", "Write down what is said in recordings."),
    "evaluate": ("evaluate", "evaluate_command", "Measure a voice beside human recordings."),
    "doctor": ("doctor", "doctor_command", "Say what this machine has of what swaram can use."),
    "version": ("main", "version_command", "Print the version."),
}
# Earlier names; they work for a release and say what to type instead.
OLD_NAMES = {"voices": "voice"}


class LazyGroup(TyperGroup):
    """A group whose commands are listed by name and imported when they run."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """For lists and help: the name and one line, nothing imported."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(name=cmd_name, help=COMMANDS[cmd_name][2])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, imported now."""
        name = args[0] if args else ""
        if name in OLD_NAMES:
            new = OLD_NAMES[name]
            told = f"swaram {name}: this is called swaram {new} now; the old name goes with the next release."
            print(told, file=sys.stderr)
            args = [new, *args[1:]]
            name = new
        if name not in COMMANDS:
            return super().resolve_command(ctx, args)  # says what is nearest, and ends
        return name, load(name), with_address(args[1:])


def with_address(args: list[str]) -> list[str]:
    """``--cluster`` without an address, at the end or before another option, is ``--cluster auto``."""
    followed = zip(args, [*args[1:], "--"], strict=False)
    return [
        part for arg, then in followed for part in ([arg, "auto"] if arg == "--cluster" and then[:1] == "-" else [arg])
    ]


def load(name: str) -> Any:
    """The command or group of that name, as the command line library has it."""
    module, attribute, _ = COMMANDS[name]
    found = getattr(importlib.import_module(f"swaram.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return get_command(found)
    single = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    single.command(name)(found)
    return get_command(single)


app = typer.Typer(
    cls=LazyGroup,
    help="Text to speech for India's languages other than Hindi.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def callback(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """Text to speech for India's languages other than Hindi."""


def version_command(as_json: JsonOption = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__, "python": sys.version.split()[0]})
    else:
        print(__version__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error that the user can cause is one sentence on stderr and status 1."""
    use_utf8()
    try:
        app(args=None if arguments is None else list(arguments), prog_name="swaram")
    except SwaramError as error:
        _fail(str(error))
    except BrokenPipeError:  # whoever read the output has enough of it
        sys.stdout = None  # type: ignore[assignment]
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or type(error).__name__}; see that it is there and may be read and written")


def _fail(sentence: str) -> NoReturn:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True).print(f"swaram: {sentence}", style="red", markup=False, highlight=False)
    sys.exit(1)


if __name__ == "__main__":
    main()
