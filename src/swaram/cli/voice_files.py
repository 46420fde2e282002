"""The half of ``swaram voice`` that makes files: voices of and for other systems, packages, weights for training."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from swaram.cli import completion
from swaram.cli.console import JsonOption, print_json
from swaram.errors import SwaramError
from swaram.extras import install_command
from swaram.files import file_sha256, zip_folder

FROM_HELP = "Format, where the files do not show it: huggingface, rasa, original, piper."
TO_HELP = "Another system's format instead of a voice package: huggingface, original, piper, sherpa-onnx."


def pack_command(
    voice: Annotated[str, typer.Argument(help="Folder or name of a voice.", autocompletion=completion.voices)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Zip to write; NAME.zip.sha256 is written beside it.")],
) -> None:
    """Pack a voice into a zip to hand on or to publish, and print its entry for a catalogue."""
    from swaram.voice.check import examine_voice
    from swaram.voice.library import find_package
    from swaram.voice.package import package_files
    from swaram.voice.voice import Voice

    if out.suffix != ".zip":
        raise SwaramError(f"{out}: the name must end in .zip")
    path = find_package(voice)
    opened = Voice.open(path)
    examine_voice(opened)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / out.stem
        for file, content in package_files(path):
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            (home / file).write_bytes(content)
        zip_folder(home, out, SwaramError)
    checksum = file_sha256(out)
    beside = out.with_name(f"{out.name}.sha256")
    beside.write_text(f"{checksum}  {out.name}\n", encoding="utf-8", newline="\n")
    manifest = opened.manifest
    print_json(
        {
            "name": out.stem,
            "languages": list(opened.languages),
            "speakers": len(manifest.speakers) or 1,
            "licence": manifest.licence,
            "description": "",
            "bytes": out.stat().st_size,
            "sha256": checksum,
            "source": out.name,
        }
    )


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
    as_json: JsonOption = False,
) -> None:
    """Make a voice package of a voice of another system, and check that it speaks."""
    from swaram.formats.exchange import ImportOptions
    from swaram.formats.hub import fetched
    from swaram.formats.importing import import_voice
    from swaram.formats.registry import find_format, recognise

    with fetched(source, endpoint) as path:
        form = find_format(format_name, to_write=False) if format_name else recognise(path)
        options = ImportOptions(
            name or out.name, tuple(language or ()), licence, tuple(attribution or ()), symbols, half, source
        )
        report = import_voice(form, path, out, options, checkpoint)
    if as_json:
        print_json(
            {
                "path": str(out),
                "format": form.title,
                "bytes": report.size_bytes,
                "licence": report.licence,
                "forbids_commerce": report.forbids_commerce,
                "notes": report.notes,
                "check": vars(report.check),
                "checkpoint": str(checkpoint) if checkpoint else None,
            }
        )
        return
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


def write_as(
    format_name: str, source: Path, destination: Path, facts_file: Path | None, half: bool, as_json: bool
) -> None:
    """``voice export --to``: a checkpoint or a voice package in another system's format."""
    from swaram.export.facts import read_facts
    from swaram.formats.registry import find_format

    form = find_format(format_name, to_write=True)
    if not source.exists():
        raise SwaramError(f"{source} does not exist; give a training directory, a checkpoint or a voice")
    facts = read_facts(facts_file, destination.name)
    facts.half = half
    said = form.write(source, destination, facts)
    if as_json:
        print_json({"path": str(destination), "format": form.title, "said": said})
    else:
        typer.echo(said)


def export_command(
    checkpoint: Annotated[Path, typer.Argument(help="A training directory or a checkpoint folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the voice to write.")],
    facts: Annotated[
        Path | None,
        typer.Option(help="JSON with name, speakers, licence, licence_file, attribution, training, card_file."),
    ] = None,
    half: Annotated[
        bool | None,
        typer.Option(
            help="Store large weights in half precision, or --no-half in single.", show_default="in bytes, in packages"
        ),
    ] = None,
    to: Annotated[str | None, typer.Option(help=TO_HELP)] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a voice package from a checkpoint and check it against PyTorch; with --to, another system's voice."""
    if to:
        return write_as(to, checkpoint, out, facts, bool(half), as_json)
    try:
        from swaram.export.facts import read_facts
        from swaram.export.voice import export_voice
    except ImportError as error:
        raise SwaramError(f"export needs {error.name}; install it with: {install_command('train')}") from None
    known = read_facts(facts, out.name)
    known.half, known.eight_bits = half is not False, half is None
    report = export_voice(checkpoint, out, known)
    if as_json:
        print_json({"path": str(out), **vars(report)})
        return
    typer.echo(
        f"{out}: {report.size_bytes / 1e6:.1f} MB; largest difference from PyTorch: "
        f"latent {report.latent_difference:.1e}, audio {report.audio_difference:.1e}"
    )


def weights_command(
    checkpoint: Annotated[Path, typer.Argument(help="A training directory or a checkpoint folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write, or a .zip to hand on.")],
    half: Annotated[bool, typer.Option("--half/--bytes", help="Large weights in half precision, or in bytes.")] = False,
    beside: Annotated[
        Path | None,
        typer.Option(metavar="VOICE", help="Leave to this voice, exported from the same checkpoint, what it holds."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write what another training can be warm-started from: the averaged generator and the discriminators."""
    try:
        from swaram.training.weights import save_weights
    except ImportError as error:
        raise SwaramError(f"weights need {error.name}; install it with: {install_command('train')}") from None
    if out.suffix != ".zip":
        save_weights(checkpoint, out, eight_bits=not half, beside=beside)
        _licence_beside(checkpoint, out)
        size, checksum = sum(path.stat().st_size for path in out.iterdir()), None
    else:
        if beside is not None:
            raise SwaramError("--beside is for a folder: a zip travels without the voice, so it holds everything")
        with tempfile.TemporaryDirectory() as name:
            folder = save_weights(checkpoint, Path(name) / out.stem, eight_bits=not half)
            _licence_beside(checkpoint, folder)
            zip_folder(folder, out)
        size, checksum = out.stat().st_size, file_sha256(out)
    if as_json:
        print_json({"path": str(out), "bytes": size, **({"sha256": checksum} if checksum else {})})
    elif checksum:
        typer.echo(f"{out}: {size / 1e6:.1f} MB, SHA-256 {checksum}; unpack it to train from it")
    else:
        typer.echo(f"{out}: {size / 1e6:.1f} MB; train from it with --warm-start {out}")


def _licence_beside(source: Path, target: Path) -> None:
    for name in ("LICENSE", "MODEL_CARD.md"):
        if (source / name).is_file() and not (target / name).exists():
            shutil.copy(source / name, target / name)


def shrink_command(
    voice: Annotated[str, typer.Argument(help="Folder, zip or name of a voice.", autocompletion=completion.voices)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the smaller voice to write.")],
    as_json: JsonOption = False,
) -> None:
    """Store a voice in about half the space: large weights in bytes; check the result by ear and with evaluate."""
    try:
        from swaram.export.storage import shrink_voice
    except ImportError as error:
        raise SwaramError(f"shrinking needs {error.name}; install it with: {install_command('train')}") from None
    from swaram.voice.library import find_package

    before, after = shrink_voice(find_package(voice), out)
    if as_json:
        print_json({"path": str(out), "bytes": after, "bytes_before": before})
        return
    typer.echo(f"{out}: {after / 1e6:.1f} MB, {before / 1e6:.1f} MB before")


COMMANDS: dict[str, Callable[..., None]] = {
    "import": import_command,
    "export": export_command,
    "weights": weights_command,
    "shrink": shrink_command,
    "pack": pack_command,
}
