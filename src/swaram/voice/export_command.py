"""``swaram voice export`` and ``weights``: from a checkpoint to a voice, ours or another system's, or to weights."""

import json
from pathlib import Path
from typing import Annotated

import typer

from swaram.errors import SwaramError
from swaram.voice.facts import OfferedSpeaker, VoiceFacts

TO_HELP = "Another system's format instead of a voice package: huggingface, original, piper, sherpa-onnx."


def export_command(
    checkpoint: Annotated[Path, typer.Argument(help="A training directory or a checkpoint folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the voice to write.")],
    facts: Annotated[
        Path | None,
        typer.Option(help="JSON with name, speakers, licence, licence_file, attribution, training, card_file."),
    ] = None,
    half: Annotated[
        bool | None, typer.Option(help="Store the weights in half precision; by default in voice packages only.")
    ] = None,
    to: Annotated[str | None, typer.Option(help=TO_HELP)] = None,
) -> None:
    """Write a voice package from a checkpoint and check it against PyTorch; with --to, another system's voice."""
    if to:
        from swaram.voice.import_command import write_as

        return write_as(to, checkpoint, out, facts, bool(half))
    try:
        from swaram.voice.export import export_voice
    except ImportError as error:
        raise SwaramError(f"export needs {error.name}; install it with: pip install 'swaram[train]'") from None
    known = read_facts(facts, out.name)
    known.half = half is not False
    report = export_voice(checkpoint, out, known)
    typer.echo(
        f"{out}: {report.size_bytes / 1e6:.1f} MB; largest difference from PyTorch: "
        f"latent {report.latent_difference:.1e}, audio {report.audio_difference:.1e}"
    )


def weights_command(
    checkpoint: Annotated[Path, typer.Argument(help="A training directory or a checkpoint folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
) -> None:
    """Write what another training can be warm-started from: generator and discriminators in half precision."""
    try:
        from swaram.training.checkpoints import save_weights
    except ImportError as error:
        raise SwaramError(f"weights need {error.name}; install it with: pip install 'swaram[train]'") from None
    save_weights(checkpoint, out)
    size = sum(path.stat().st_size for path in out.iterdir())
    typer.echo(f"{out}: {size / 1e6:.1f} MB; train from it with --warm-start {out}")


def read_facts(path: Path | None, name: str) -> VoiceFacts:
    """The facts of a JSON file beside the name that holds where it says none. Raises SwaramError."""
    if path is None:
        return VoiceFacts(name)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        card = raw.pop("card_file", None)
        licence = raw.pop("licence_file", None)
        speakers = [OfferedSpeaker(**speaker) for speaker in raw.pop("speakers", [])]
        known = VoiceFacts(speakers=speakers, **{"name": name, **raw})
        known.licence_file = path.parent / licence if licence else None
        known.card = (path.parent / card).read_text(encoding="utf-8") if card else ""
    except (OSError, json.JSONDecodeError, TypeError, AttributeError) as error:
        raise SwaramError(f"{path} is not a readable description of a voice: {error}") from None
    return known
