"""``swaram voices``: the voices on this machine, listed, added, removed, described."""

from pathlib import Path
from typing import Annotated

import typer

voices_app = typer.Typer(help="The voices on this machine.", no_args_is_help=True)

FolderOption = Annotated[
    Path | None, typer.Option("--folder", help="Folder of voices [default: SWARAM_VOICES, or voices/].")
]


@voices_app.command("list")
def list_command(folder: FolderOption = None) -> None:
    """List the voices of the folder."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from swaram.voice.installation import list_voices
    from swaram.voice.library import voices_folder

    found = list_voices(folder)
    if not found:
        print(f"{voices_folder(folder)} holds no voice; add one with: swaram voices add PATH")
        return
    table = Table("name", "languages", "speakers", "sound", "size", "licence", box=None, pad_edge=False)
    for voice in found:
        size = f"{voice.size_bytes / 1e6:.1f} MB"
        if voice.manifest is None:
            table.add_row(Text(voice.name), "cannot be used", "", "", size, "")
            continue
        manifest = voice.manifest
        languages = ", ".join(dict.fromkeys((manifest.language, *manifest.languages)))
        speakers = str(len(manifest.speakers) or 1)
        cells = (voice.name, languages, speakers, f"{manifest.sample_rate} Hz", size, manifest.licence or "unknown")
        table.add_row(*map(Text, cells))
    console = Console(soft_wrap=True)
    console.print(table)
    for voice in found:
        if voice.fault:
            console.print(voice.fault, markup=False, highlight=False)


@voices_app.command("add")
def add_command(
    source: Annotated[Path, typer.Argument(help="Folder or zip of a voice.")],
    name: Annotated[str | None, typer.Option(help="Name to add it under [default: its own].")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a voice of that name.")] = False,
    folder: FolderOption = None,
) -> None:
    """Check a voice and add it; a running server takes it up by itself."""
    from swaram.voice.installation import add_voice

    target, report = add_voice(source, folder, name, replace=replace)
    for note in report.notes:
        print(f"note: {note}")
    print(f"{target}: added; streamed and whole differ by at most {report.difference:.1e}")


@voices_app.command("remove")
def remove_command(
    name: Annotated[str, typer.Argument(help="Name of the voice.")],
    folder: FolderOption = None,
) -> None:
    """Remove a voice; a running server lets its streams end."""
    from swaram.voice.installation import remove_voice

    print(f"{remove_voice(name, folder)}: removed")


@voices_app.command("info")
def info_command(
    voice: Annotated[str, typer.Argument(help="Folder, zip or name of a voice.")],
    folder: FolderOption = None,
) -> None:
    """Say what a voice is."""
    from swaram.voice.library import find_package
    from swaram.voice.package import read_manifest

    path = find_package(voice, folder)
    manifest = read_manifest(path)
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
