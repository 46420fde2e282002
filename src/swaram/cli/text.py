"""``swaram text``: show, step by step, what would be spoken."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from swaram.text.frontend import TextFrontend
    from swaram.text.traced import TracedText


def text_command(
    text: Annotated[str, typer.Argument(help="What to read; - reads standard input.")],
    language: Annotated[str, typer.Option("--language", "-l", help="Language code, such as ta or en-IN.")],
    strict: Annotated[bool, typer.Option("--strict", help="Fail where something cannot be spoken.")] = False,
    longest: Annotated[int, typer.Option(min=20, help="The most symbols of one sentence.")] = 240,
    explain: Annotated[bool, typer.Option("--explain", help="Show which rule read what.")] = False,
    ssml: Annotated[
        bool | None,
        typer.Option("--ssml/--no-ssml", help="Whether the text is SSML; by itself, if it begins with <speak>."),
    ] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Lexicon: TSV or TOML, word to spelling.")] = None,
    emoji: Annotated[str, typer.Option(help="drop leaves emoji out; name reads their names.")] = "drop",
) -> None:
    """Show how a text will be read: each step, the sentences, their symbols and pauses, and what was left out."""
    import sys

    from swaram.text.frontend import TextFrontend
    from swaram.text.lexicon import Lexicon
    from swaram.text.ssml import is_ssml, parse_ssml, read_ssml, traced_pieces
    from swaram.text.symbols import SymbolTable
    from swaram.text.traced import TracedText

    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    frontend = TextFrontend(language, strict=strict, longest=longest, emoji=emoji)
    lexicons = [Lexicon.read(lexicon)] if lexicon else []
    console = Console()
    others = {frontend.language.code: frontend}

    def frontend_of(code: str | None) -> TextFrontend:
        code = code or frontend.language.code
        if code not in others:
            others[code] = TextFrontend(code, strict=strict, longest=longest, emoji=emoji)
        return others[code]

    if ssml if ssml is not None else is_ssml(text):
        analysis = read_ssml(text, frontend_of, lexicons)
        for stretch in parse_ssml(text)[0]:
            if stretch.pieces:
                of = frontend_of(stretch.prosody.language)
                _show(console, of, traced_pieces(stretch.pieces, of), lexicons, explain)
    else:
        analysis = frontend.analyse(text, lexicons)
        _show(console, frontend, TracedText(text), lexicons, explain)

    table = SymbolTable.for_languages(frontend.language.code)
    spoken = Table("sentence", "symbols", "from", "pause")
    for sentence in analysis.sentences:
        place = f"{sentence.origins[0]}–{sentence.origins[-1] + 1}"
        pause = sentence.pause_after + sentence.silence_after
        known = table if not sentence.language else SymbolTable.for_languages(sentence.language)
        spoken.add_row(_safe(sentence.text), str(len(known.encode(sentence.text))), place, f"{pause:g} s")
    console.print(spoken)
    for notice in analysis.notices:
        style = "yellow" if notice.kind == "assumed" else "red"
        console.print(
            f"{notice.start}–{notice.end}: {_safe(notice.message)}", style=style, markup=False, highlight=False
        )


def _show(console: "Console", frontend: "TextFrontend", traced: "TracedText", lexicons: list, explain: bool) -> None:
    """The steps of one text, and, where asked for, which rule read what."""
    from swaram.text.notices import Notices

    steps = Table("step", "text", title=f"{frontend.language.name} ({frontend.language.code})", title_justify="left")
    steps.add_row("typed", _safe(traced.text))
    typed = traced
    for name, step in frontend.steps(Notices(), lexicons):
        before = traced.text
        traced = step(traced)
        steps.add_row(name, "" if traced.text == before else _safe(traced.text))
    console.print(steps)
    if explain:
        rules = Table("from", "step", "rule", "written", "read", title="rules", title_justify="left")
        for entry in frontend.explain(typed, lexicons):
            rules.add_row(f"{entry.start}–{entry.end}", entry.step, entry.rule, _safe(entry.before), _safe(entry.said))
        console.print(rules)


def _safe(text: str) -> str:
    """``text`` without control characters or lone surrogates, which a terminal could take for commands."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return shown.replace("[", r"\[")
