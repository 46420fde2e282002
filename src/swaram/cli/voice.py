"""``swaram voice``: voices on this machine. What reads and writes files of voices is in ``voice_files.py``."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from swaram.cli import completion, voice_files
from swaram.cli.console import JsonOption, print_json

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
    as_json: JsonOption = False,
) -> None:
    """Check a voice and add it; a running server takes it up by itself."""
    from swaram.voice.library import add_voice

    target, report = add_voice(source, folder, name, replace=replace)
    if as_json:
        print_json({"path": str(target), "notes": report.notes, "difference": report.difference})
        return
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
            if as_json:
                print_json({"path": str(there.path), "told_by": there.told_by, "there_before": True})
            else:
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


@voice_app.command("remove")
def remove_command(
    name: Annotated[str, typer.Argument(help="Name of the voice.", autocompletion=completion.voices)],
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a voice; a running server lets its streams end."""
    from swaram.voice.library import remove_voice

    removed = remove_voice(name, folder)
    if as_json:
        print_json({"removed": str(removed)})
    else:
        print(f"{removed}: removed")


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


@voice_app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of voice.json."""

    from swaram.voice.package import manifest_schema

    print(json.dumps(manifest_schema(), ensure_ascii=False, indent=1))


for _name, _command in voice_files.COMMANDS.items():
    voice_app.command(_name)(_command)
