"""``swaram text``: show, step by step, what would be spoken."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swaram.cli import completion
from swaram.cli.console import JsonOption, piped_in, print_json
from swaram.cli.tables import print_table
from swaram.errors import SwaramError

if TYPE_CHECKING:
    from swaram.text.frontend import TextFrontend
    from swaram.text.lexicon import Lexicon
    from swaram.text.traced import TracedText


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
    ssml: Annotated[
        bool | None,
        typer.Option("--ssml/--no-ssml", help="Whether the text is SSML; by itself, if it begins with <speak>."),
    ] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Lexicon: TSV or TOML, word to spelling.")] = None,
    emoji: Annotated[str, typer.Option(help="drop leaves emoji out; name reads their names.")] = "drop",
    as_json: JsonOption = False,
) -> None:
    """Show how a text will be read: each step, the sentences, their symbols and pauses, and what was left out."""
    import sys

    from swaram.text.frontend import TextFrontend
    from swaram.text.lexicon import Lexicon
    from swaram.text.ssml import is_ssml, parse_ssml, read_ssml, traced_pieces
    from swaram.text.symbols import SymbolTable
    from swaram.text.traced import TracedText

    if text is None and not piped_in():
        raise SwaramError("There is no text: give it, or pipe it in.")
    if text is None or text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    frontend = TextFrontend(language, strict=strict, longest=longest, emoji=emoji)
    lexicons = [Lexicon.read(lexicon)] if lexicon else []
    others = {frontend.language.code: frontend}

    def frontend_of(code: str | None) -> TextFrontend:
        code = code or frontend.language.code
        if code not in others:
            others[code] = TextFrontend(code, strict=strict, longest=longest, emoji=emoji)
        return others[code]

    if ssml if ssml is not None else is_ssml(text):
        analysis = read_ssml(text, frontend_of, lexicons)
        stretches = [(frontend_of(s.prosody.language), s.pieces) for s in parse_ssml(text)[0] if s.pieces]
        shown = [_read(of, traced_pieces(pieces, of), lexicons, explain) for of, pieces in stretches]
    else:
        analysis = frontend.analyse(text, lexicons)
        shown = [_read(frontend, TracedText(text), lexicons, explain)]
    sentences: list[dict[str, Any]] = []
    for sentence in analysis.sentences:
        table = SymbolTable.for_languages(sentence.language or frontend.language.code)
        sentences.append(
            {
                "text": sentence.text,
                "symbols": len(table.encode(sentence.text)),
                "from": sentence.origins[0],
                "to": sentence.origins[-1] + 1,
                "pause_after": sentence.pause_after + sentence.silence_after,
            }
        )
    if as_json:
        steps, rules = ([part for one in shown for part in one[kind]] for kind in ("steps", "rules"))
        notices = [_fields(notice) for notice in analysis.notices]
        language = frontend.language.code
        parts = {"language": language, "steps": steps, "rules": rules, "sentences": sentences, "notices": notices}
        print_json(parts)
        return
    for one in shown:
        print(one["language"])
        print_table(("step", "text"), [(step["step"], _safe(step["text"])) for step in one["steps"]])
        if explain:
            print("\nrules")
            rows = [
                (f"{r['start']}–{r['end']}", r["step"], r["rule"], _safe(r["before"]), _safe(r["said"]))
                for r in one["rules"]
            ]
            print_table(("from", "step", "rule", "written", "read"), rows)
        print()
    spoken = [
        (f"{s['from']}–{s['to']}", str(s["symbols"]), f"{s['pause_after']:g} s", _safe(s["text"])) for s in sentences
    ]
    print_table(("from", "symbols", "pause", "sentence"), spoken)
    for notice in analysis.notices:
        colour = "yellow" if notice.kind == "assumed" else "red"
        typer.secho(f"{notice.start}–{notice.end}: {_safe(notice.message)}", fg=colour)


def _fields(part: Any) -> dict[str, Any]:
    """The fields of a named tuple, as JSON has them."""
    return dict(part._asdict())


def _read(frontend: "TextFrontend", traced: "TracedText", lexicons: list["Lexicon"], explain: bool) -> dict[str, Any]:
    """The steps of one text, and, where asked for, which rule read what."""
    from swaram.text.notices import Notices

    steps, made = [{"step": "typed", "text": traced.text}], traced
    for name, step in frontend.steps(Notices(), lexicons):
        before = made.text
        made = step(made)
        steps.append({"step": name, "text": "" if made.text == before else made.text})
    rules = [_fields(rule) for rule in frontend.explain(traced, lexicons)] if explain else []
    return {"language": f"{frontend.language.name} ({frontend.language.code})", "steps": steps, "rules": rules}


def _safe(text: str) -> str:
    """``text`` without control characters or lone surrogates, which a terminal could take for commands."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return shown.replace("\n", " ")
