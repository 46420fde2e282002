"""``swaram text``: show, step by step, what would be spoken."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def text_command(
    text: Annotated[str, typer.Argument(help="What to read.")],
    language: Annotated[str, typer.Option("--language", "-l", help="Language code, such as ta or en-IN.")],
) -> None:
    """Show how a text will be read: sentences, symbols, pauses, and what was dropped or assumed."""
    from swaram.text.frontend import TextFrontend

    analysis = TextFrontend(language).analyse(text)
    console = Console()
    table = Table("sentence", "symbols", "pause (s)")
    for sentence in analysis.sentences:
        table.add_row(sentence.text, str(len(sentence.text)), f"{sentence.pause_after:.1f}")
    console.print(table)
    for notice in analysis.notices:
        console.print(f"{notice.kind} at {notice.start}: {notice.message}", style="yellow", markup=False)
