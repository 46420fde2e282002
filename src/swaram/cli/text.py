"""``swaram text``: show, step by step, what would be spoken."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def text_command(
    text: Annotated[str, typer.Argument(help="What to read; - reads standard input.")],
    language: Annotated[str, typer.Option("--language", "-l", help="Language code, such as ta or en-IN.")],
    strict: Annotated[bool, typer.Option("--strict", help="Fail where something cannot be spoken.")] = False,
    longest: Annotated[int, typer.Option(min=20, help="The most symbols of one sentence.")] = 240,
    explain: Annotated[bool, typer.Option("--explain", help="Show which rule read what.")] = False,
    emoji: Annotated[str, typer.Option(help="drop leaves emoji out; name reads their names.")] = "drop",
) -> None:
    """Show how a text will be read: each step, the sentences, their symbols and pauses, and what was left out."""
    import sys

    from swaram.text.frontend import TextFrontend
    from swaram.text.notices import Notices
    from swaram.text.symbols import SymbolTable
    from swaram.text.traced import TracedText

    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    frontend = TextFrontend(language, strict=strict, longest=longest, emoji=emoji)
    analysis = frontend.analyse(text)
    console = Console()

    steps = Table("step", "text", title=f"{frontend.language.name} ({frontend.language.code})", title_justify="left")
    traced = TracedText(text)
    steps.add_row("typed", _safe(text))
    for name, step in frontend.steps(Notices()):
        before = traced.text
        traced = step(traced)
        steps.add_row(name, "" if traced.text == before else _safe(traced.text))
    console.print(steps)

    if explain:
        rules = Table("from", "step", "rule", "written", "read", title="rules", title_justify="left")
        for entry in frontend.explain(text):
            rules.add_row(f"{entry.start}–{entry.end}", entry.step, entry.rule, _safe(entry.before), _safe(entry.said))
        console.print(rules)

    table = SymbolTable.for_languages(frontend.language.code)
    spoken = Table("sentence", "symbols", "from", "pause")
    for sentence in analysis.sentences:
        place = f"{sentence.origins[0]}–{sentence.origins[-1] + 1}"
        spoken.add_row(
            _safe(sentence.text), str(len(table.encode(sentence.text))), place, f"{sentence.pause_after:g} s"
        )
    console.print(spoken)
    for notice in analysis.notices:
        style = "yellow" if notice.kind == "assumed" else "red"
        console.print(
            f"{notice.start}–{notice.end}: {_safe(notice.message)}", style=style, markup=False, highlight=False
        )


def _safe(text: str) -> str:
    """``text`` without control characters or lone surrogates, which a terminal could take for commands."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return shown.replace("[", r"\[")
