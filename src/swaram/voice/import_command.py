"""``swaram voice import``: a voice of another system becomes an ordinary voice package, and proves that it speaks."""

from pathlib import Path
from typing import Annotated

import typer

from swaram.errors import SwaramError

FROM_HELP = "Format, where the files do not show it: huggingface, rasa, original, piper."


def import_command(
    source: Annotated[str, typer.Argument(help="File, folder, or id on the hub: owner/name, or owner/name/folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the voice to write.")],
    format_name: Annotated[str | None, typer.Option("--from", help=FROM_HELP)] = None,
    name: Annotated[str | None, typer.Option(help="Name of the voice; the folder's name by default.")] = None,
    language: Annotated[
        list[str] | None, typer.Option(help="Code of a language it reads, where its files do not say; may be repeated.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence, where the files do not say it.")] = "",
    attribution: Annotated[list[str] | None, typer.Option(help="Whom to name; may be repeated.")] = None,
    symbols: Annotated[
        Path | None, typer.Option(help="What the voice reads, one symbol a line or a JSON list, where no file says it.")
    ] = None,
    half: Annotated[bool, typer.Option(help="Store the weights in half precision.")] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Write a checkpoint into this folder too, to train on from with --warm-start.")
    ] = None,
    endpoint: Annotated[str, typer.Option(help="Address of the hub, where it is another one.")] = "",
) -> None:
    """Make a voice package of a voice of another system, and check that it speaks."""
    from swaram.voice.formats.exchange import ImportOptions
    from swaram.voice.formats.hub import fetched
    from swaram.voice.formats.importing import import_voice
    from swaram.voice.formats.registry import find_format, recognise

    with fetched(source, endpoint) as path:
        form = find_format(format_name, to_write=False) if format_name else recognise(path)
        options = ImportOptions(
            name or out.name, tuple(language or ()), licence, tuple(attribution or ()), symbols, half, source
        )
        report = import_voice(form, path, out, options, checkpoint)
    for note in report.notes:
        typer.echo(f"note: {note}")
    if report.forbids_commerce:
        typer.echo(f"*** LICENCE {report.licence}: NOT FOR COMMERCIAL USE. This holds for all speech it makes. ***")
    else:
        typer.echo(f"licence: {report.licence or 'unknown: ask whoever made the voice before you use it'}")
    typer.echo(f"self-check: {report.check}")
    typer.echo(f"{out}: {form.title}, {report.size_bytes / 1e6:.1f} MB")
    if checkpoint:
        typer.echo(f"{checkpoint}: a checkpoint; train from it with --warm-start {checkpoint}")


def write_as(format_name: str, source: Path, destination: Path, facts_file: Path | None, half: bool) -> None:
    """``voice export --to``: a checkpoint or a voice package in another system's format."""
    from swaram.voice.export_command import read_facts
    from swaram.voice.formats.registry import find_format

    form = find_format(format_name, to_write=True)
    if not source.exists():
        raise SwaramError(f"{source} does not exist; give a training directory, a checkpoint or a voice")
    facts = read_facts(facts_file, destination.name)
    facts.half = half
    typer.echo(form.write(source, destination, facts))
