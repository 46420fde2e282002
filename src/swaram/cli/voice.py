"""``swaram voice``: voices on this machine, from other systems and for them."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from swaram.cli import completion
from swaram.cli.console import JsonOption, print_json
from swaram.errors import SwaramError
from swaram.extras import install_command
from swaram.files import file_sha256, zip_folder

voice_app = typer.Typer(
    help="Voices: list, look into, add, remove, check; take in from other systems, write for them.",
    no_args_is_help=True,
)

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", help="Folder of voices instead of all places where voices are looked for."),
]


@voice_app.command("list")
def list_command(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """List the voices of this machine and where each lies; of two with one name the first one speaks."""
    from swaram.cli.tables import print_table
    from swaram.voice.library import list_voices

    found = list_voices(folder)
    if as_json:
        print_json({"voices": [_listed(voice) for voice in found]})
        return
    if not found:
        where = folder or "This machine"
        print(f"{where} holds no voice; swaram voice search says which can be had; swaram voice add PATH adds one")
        return
    rows = []
    for voice in found:
        size = f"{voice.size_bytes / 1e6:.1f} MB"
        where = f"{voice.path} ({voice.told_by}{', hidden by the one above' if voice.hidden else ''})"
        if voice.manifest is None:
            rows.append((voice.name, "cannot be used", "", "", size, "", where))
            continue
        manifest = voice.manifest
        languages = ", ".join(dict.fromkeys((manifest.language, *manifest.languages)))
        speakers = str(len(manifest.speakers) or 1)
        licence = manifest.licence or "unknown"
        rows.append((voice.name, languages, speakers, f"{manifest.sample_rate} Hz", size, licence, where))
    print_table(("name", "languages", "speakers", "sound", "size", "licence", "where"), rows)
    for voice in found:
        if voice.fault:
            print(voice.fault)


def _listed(voice: Any) -> dict[str, Any]:
    about = {"name": voice.name, "path": str(voice.path), "told_by": voice.told_by, "hidden": voice.hidden}
    about |= {"bytes": voice.size_bytes, "fault": voice.fault}
    if voice.manifest is not None:
        manifest = voice.manifest
        about["languages"] = list(dict.fromkeys((manifest.language, *manifest.languages)))
        about["speakers"] = [speaker.name for speaker in manifest.speakers]
        about |= {"sample_rate": manifest.sample_rate, "licence": manifest.licence}
    return about


@voice_app.command("add")
def add_command(
    source: Annotated[Path, typer.Argument(help="Folder or zip of a voice.")],
    name: Annotated[str | None, typer.Option(help="Name to add it under.", show_default="its own")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a voice of that name.")] = False,
    folder: FolderOption = None,
) -> None:
    """Check a voice and add it; a running server takes it up by itself."""
    from swaram.voice.library import add_voice

    target, report = add_voice(source, folder, name, replace=replace)
    for note in report.notes:
        print(f"note: {note}")
    print(f"{target}: added; streamed and whole differ by at most {report.difference:.1e}")


CatalogueOption = Annotated[
    str | None,
    typer.Option(help="File or address of a catalogue.", envvar="SWARAM_CATALOGUE", show_default="the one inside"),
]


@voice_app.command("search")
def search_command(
    words: Annotated[
        list[str] | None, typer.Argument(help="Words that name, language or description hold.", show_default=False)
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Code of a language.", autocompletion=completion.languages)
    ] = None,
    catalogue: CatalogueOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which voices can be had, under which licence, and the command that gets each."""
    from swaram.cli.tables import print_table
    from swaram.voice.catalogue import read_catalogue, search
    from swaram.voice.fetch import catalogue_text

    found = search(read_catalogue(catalogue, catalogue_text), words or [], language)
    if as_json:
        print_json({"voices": [{**entry.model_dump(), "way": entry.way} for entry in found]})
        return
    if not found:
        print("The catalogue holds no such voice.")
        return
    rows = [(e.name, ", ".join(e.languages), str(e.speakers), e.licence, e.way, e.description) for e in found]
    print_table(("name", "languages", "speakers", "licence", "how to get it", "what it is"), rows)


@voice_app.command("get")
def get_command(
    source: Annotated[
        str, typer.Argument(help="Name of the catalogue, address of a zip, or hub:owner/name, hub:owner/name/folder.")
    ],
    name: Annotated[str | None, typer.Option(help="Name to add it under.", show_default="its own")] = None,
    sha256: Annotated[str, typer.Option(help="SHA-256 of the zip; else what the server says beside it.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace a voice of that name.")] = False,
    folder: FolderOption = None,
    catalogue: CatalogueOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a voice, check it as voice check does, and add it; what breaks off goes on when asked again."""
    from swaram.voice.catalogue import find_entry, read_catalogue
    from swaram.voice.fetch import catalogue_text, downloads_folder, fetch_entry, fetch_voice, forget
    from swaram.voice.library import add_voice, known_packages

    if "/" not in source and not source.startswith("hub:"):
        entry = find_entry(read_catalogue(catalogue, catalogue_text), source)
        there = known_packages(folder).get(name or source)
        if entry.package and there is not None:
            print(f"{source} is here already: {there.path} ({there.told_by})")
            return
    else:
        entry = None
    downloads = downloads_folder()
    with _download_bar(source) as progress:
        if entry is not None:
            path = fetch_entry(entry, downloads, progress)
        else:
            path = fetch_voice(source, downloads, sha256, progress)
    target, report = add_voice(path, folder, name or (entry.name if entry else None), replace=replace)
    forget(path)
    if as_json:
        print_json({"path": str(target), "notes": report.notes, "difference": report.difference})
        return
    for note in report.notes:
        print(f"note: {note}")
    print(f"{target}: added; checksums match, streamed and whole differ by at most {report.difference:.1e}")


@contextmanager
def _download_bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """On a terminal a bar with bytes, speed and the time that is left, on standard error."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(title.rpartition("/")[2][:40], total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@voice_app.command("pack")
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


@voice_app.command("remove")
def remove_command(
    name: Annotated[str, typer.Argument(help="Name of the voice.", autocompletion=completion.voices)],
    folder: FolderOption = None,
) -> None:
    """Remove a voice; a running server lets its streams end."""
    from swaram.voice.library import remove_voice

    print(f"{remove_voice(name, folder)}: removed")


@voice_app.command("info")
def info_command(
    voice: Annotated[str, typer.Argument(help="Folder, zip or name of a voice.", autocompletion=completion.voices)],
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a voice is."""
    from swaram.voice.library import find_package
    from swaram.voice.package import read_manifest

    path = find_package(voice, folder)
    manifest = read_manifest(path)
    if as_json:
        print_json({"path": str(path), **manifest.model_dump()})
        return
    credit, text = manifest.attribution, manifest.text
    kind = "letters" if text.symbols == "letters" else f"phonemes of espeak-ng's {text.espeak_voice}"
    lines = [
        ("name", manifest.name),
        ("path", str(path)),
        ("languages", ", ".join(dict.fromkeys((manifest.language, *manifest.languages)))),
        ("sound", f"{manifest.sample_rate} Hz, frames of {manifest.hop_length} samples"),
        ("reads", f"{len(manifest.symbols['symbols'])} symbols, {kind}"),
        *(("speaker", f"{s.id}: {s.name} {s.gender} {s.description}".rstrip()) for s in manifest.speakers),
        *(("file", f"{name}, {entry.bytes / 1e6:.1f} MB") for name, entry in manifest.files.items()),
        ("licence", manifest.licence or "unknown"),
        ("attribution", credit if isinstance(credit, str) else "; ".join(credit)),
        *(("training", f"{key}: {value}") for key, value in manifest.training.items()),
    ]
    for key, value in lines:
        shown = "".join(character if character.isprintable() else " " for character in value)
        print(f"{key:<12}{shown}".rstrip())


@voice_app.command("check")
def check_command(
    voice: Annotated[str, typer.Argument(help="Folder, zip or name of a voice.", autocompletion=completion.voices)],
    as_json: JsonOption = False,
) -> None:
    """Check a voice: files, models, every symbol, and that its windows join exactly."""
    from swaram.voice.check import examine_voice
    from swaram.voice.library import find_voice

    opened = find_voice(voice)
    report = examine_voice(opened)
    if as_json:
        print_json({"name": opened.name, **vars(report)})
        return
    for note in report.notes:
        print(f"note: {note}")
    print(
        f"{opened.name}: files match their checksums, models hold only what voices need, {report.symbols} symbols and "
        f"{report.speakers} speakers speak; streamed and whole differ by at most {report.difference:.1e}"
    )


FROM_HELP = "Format, where the files do not show it: huggingface, rasa, original, piper."


@voice_app.command("import")
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
    from swaram.export.facts import read_facts
    from swaram.formats.registry import find_format

    form = find_format(format_name, to_write=True)
    if not source.exists():
        raise SwaramError(f"{source} does not exist; give a training directory, a checkpoint or a voice")
    facts = read_facts(facts_file, destination.name)
    facts.half = half
    typer.echo(form.write(source, destination, facts))


TO_HELP = "Another system's format instead of a voice package: huggingface, original, piper, sherpa-onnx."


@voice_app.command("export")
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
) -> None:
    """Write a voice package from a checkpoint and check it against PyTorch; with --to, another system's voice."""
    if to:
        return write_as(to, checkpoint, out, facts, bool(half))
    try:
        from swaram.export.facts import read_facts
        from swaram.export.voice import export_voice
    except ImportError as error:
        raise SwaramError(f"export needs {error.name}; install it with: {install_command('train')}") from None
    known = read_facts(facts, out.name)
    known.half, known.eight_bits = half is not False, half is None
    report = export_voice(checkpoint, out, known)
    typer.echo(
        f"{out}: {report.size_bytes / 1e6:.1f} MB; largest difference from PyTorch: "
        f"latent {report.latent_difference:.1e}, audio {report.audio_difference:.1e}"
    )


@voice_app.command("weights")
def weights_command(
    checkpoint: Annotated[Path, typer.Argument(help="A training directory or a checkpoint folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write, or a .zip to hand on.")],
    half: Annotated[bool, typer.Option("--half/--bytes", help="Large weights in half precision, or in bytes.")] = False,
    beside: Annotated[
        Path | None,
        typer.Option(metavar="VOICE", help="Leave to this voice, exported from the same checkpoint, what it holds."),
    ] = None,
) -> None:
    """Write what another training can be warm-started from: the averaged generator and the discriminators."""
    try:
        from swaram.training.weights import save_weights
    except ImportError as error:
        raise SwaramError(f"weights need {error.name}; install it with: {install_command('train')}") from None
    if out.suffix == ".zip":
        if beside is not None:
            raise SwaramError("--beside is for a folder: a zip travels without the voice, so it holds everything")
        with tempfile.TemporaryDirectory() as name:
            folder = save_weights(checkpoint, Path(name) / out.stem, eight_bits=not half)
            _licence_beside(checkpoint, folder)
            zip_folder(folder, out)
        typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, SHA-256 {file_sha256(out)}; unpack it to train from it")
        return
    save_weights(checkpoint, out, eight_bits=not half, beside=beside)
    _licence_beside(checkpoint, out)
    size = sum(path.stat().st_size for path in out.iterdir())
    typer.echo(f"{out}: {size / 1e6:.1f} MB; train from it with --warm-start {out}")


def _licence_beside(source: Path, target: Path) -> None:
    for name in ("LICENSE", "MODEL_CARD.md"):
        if (source / name).is_file() and not (target / name).exists():
            shutil.copy(source / name, target / name)


@voice_app.command("shrink")
def shrink_command(
    voice: Annotated[str, typer.Argument(help="Folder, zip or name of a voice.", autocompletion=completion.voices)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the smaller voice to write.")],
) -> None:
    """Store a voice in about half the space: large weights in bytes; check the result by ear and with evaluate."""
    try:
        from swaram.export.storage import shrink_voice
    except ImportError as error:
        raise SwaramError(f"shrinking needs {error.name}; install it with: {install_command('train')}") from None
    from swaram.voice.library import find_package

    before, after = shrink_voice(find_package(voice), out)
    typer.echo(f"{out}: {after / 1e6:.1f} MB, {before / 1e6:.1f} MB before")


@voice_app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of voice.json."""

    from swaram.voice.package import manifest_schema

    print(json.dumps(manifest_schema(), ensure_ascii=False, indent=1))
