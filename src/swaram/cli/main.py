"""The ``swaram`` command: each package brings its own sub-command, and none imports PyTorch before it runs."""

import sys

import typer
from rich.console import Console

from swaram import __version__
from swaram.cli import train as training_command
from swaram.cli.evaluate import evaluate_command
from swaram.cli.prepare import prepare_app
from swaram.cli.recognizer import recognizer_app
from swaram.cli.serve import convert_command, serve_command
from swaram.cli.speak import speak_command
from swaram.cli.text import text_command
from swaram.cli.train import train_command
from swaram.cli.transcribe import transcribe_command
from swaram.cli.voice import voice_app, voices_app
from swaram.errors import SwaramError
from swaram.evaluation.during_training import make_listener

app = typer.Typer(
    help="Text to speech for India's languages other than Hindi.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(prepare_app, name="prepare")
app.command("text")(text_command)
app.command("train")(train_command)
app.command("speak")(speak_command)
app.add_typer(voice_app, name="voice")
app.add_typer(voices_app, name="voices")
app.command("serve")(serve_command)
app.command("convert")(convert_command)
app.add_typer(recognizer_app, name="recognizer")
app.command("transcribe")(transcribe_command)
app.command("evaluate")(evaluate_command)
training_command.make_listener = make_listener


@app.command("version")
def version_command() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Run the command line; an error that the user can cause is one sentence on stderr and status 1."""
    try:
        app()
    except SwaramError as error:
        Console(stderr=True, soft_wrap=True).print(f"swaram: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
