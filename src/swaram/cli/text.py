"""``swaram text``: show, step by step, what would be spoken."""

from dataclasses import asdict, is_dataclass
from typing import Annotated, Any

import typer

from swaram.cli import completion
from swaram.cli.console import JsonOption, piped_in, print_json
from swaram.cli.tables import print_table
from swaram.errors import SwaramError


def text_command(
    text: Annotated[
        str | None, typer.Argument(help="What to read; - or nothing reads standard input.", show_default=False)
    ] = None,
    language: Annotated[
        str,
        typer.Option(
            "--language", "-l", help="Language code, such as ta or en-IN.", autocompletion=completion.languages
        ),
    ] = "ml",
    strict: Annotated[bool, typer.Option("--strict", help="Fail where something cannot be spoken.")] = False,
    longest: Annotated[int, typer.Option(min=20, help="The most symbols of one sentence.")] = 240,
    explain: Annotated[bool, typer.Option("--explain", help="Show which rule read what.")] = False,
    emoji: Annotated[str, typer.Option(help="drop leaves emoji out; name reads their names.")] = "drop",
    as_json: JsonOption = False,
) -> None:
    """Show how a text will be read: each step, the sentences, their symbols and pauses, and what was left out."""
    import sys

    from swaram.text.frontend import TextFrontend
    from swaram.text.notices import Notices
    from swaram.text.symbols import SymbolTable
    from swaram.text.traced import TracedText

    if text is None and not piped_in():
        raise SwaramError("There is no text: give it, or pipe it in.")
    if text is None or text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    frontend = TextFrontend(language, strict=strict, longest=longest, emoji=emoji)
    analysis = frontend.analyse(text)
    table = SymbolTable.for_languages(frontend.language.code)
    traced = TracedText(text)
    steps = [("typed", text)]
    for name, step in frontend.steps(Notices()):
        before = traced.text
        traced = step(traced)
        steps.append((name, "" if traced.text == before else traced.text))
    rules = frontend.explain(text) if explain else []
    if as_json:
        print_json(
            {
                "language": frontend.language.code,
                "steps": [{"step": name, "text": made} for name, made in steps],
                "rules": [_fields(rule) for rule in rules],
                "sentences": [
                    {
                        "text": sentence.text,
                        "symbols": len(table.encode(sentence.text)),
                        "from": sentence.origins[0],
                        "to": sentence.origins[-1] + 1,
                        "pause_after": sentence.pause_after,
                    }
                    for sentence in analysis.sentences
                ],
                "notices": [_fields(notice) for notice in analysis.notices],
            }
        )
        return
    print(f"{frontend.language.name} ({frontend.language.code})")
    print_table(("step", "text"), [(name, _safe(made)) for name, made in steps])
    if explain:
        print("\nrules")
        rows = [(f"{r.start}–{r.end}", r.step, r.rule, _safe(r.before), _safe(r.said)) for r in rules]
        print_table(("from", "step", "rule", "written", "read"), rows)
    print()
    spoken = []
    for sentence in analysis.sentences:
        place = f"{sentence.origins[0]}–{sentence.origins[-1] + 1}"
        pause = f"{sentence.pause_after:g} s"
        spoken.append((place, str(len(table.encode(sentence.text))), pause, _safe(sentence.text)))
    print_table(("from", "symbols", "pause", "sentence"), spoken)
    for notice in analysis.notices:
        colour = "yellow" if notice.kind == "assumed" else "red"
        typer.secho(f"{notice.start}–{notice.end}: {_safe(notice.message)}", fg=colour)


def _fields(part: Any) -> dict[str, Any]:
    """The fields of a dataclass or a named tuple, as JSON has them."""
    named: dict[str, Any] = asdict(part) if is_dataclass(part) else part._asdict()  # type: ignore[arg-type]
    return named


def _safe(text: str) -> str:
    """``text`` without control characters or lone surrogates, which a terminal could take for commands."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return shown.replace("\n", " ")
