"""The page of commands, written by the program itself: ``python docs/commands.py`` writes docs/commands.md.

``--check`` ends with status 1 where the page is not what the program says.
"""

import sys
from pathlib import Path
from typing import Any

from swaram.cli.main import COMMANDS, load

PAGE = Path(__file__).with_name("commands.md")
HEAD = """# Commands

Written by `python docs/commands.py` from the program; `swaram COMMAND --help` says the same on a terminal.
Every command ends with status 0, or 1 and one sentence on standard error, or 2 where it was typed wrongly.
"""


def page() -> str:
    """The whole page in Markdown."""
    parts = [HEAD]
    for name, (_, _, summary) in COMMANDS.items():
        command = load(name)
        parts.append(f"## swaram {name}\n\n{summary}\n")
        inner = getattr(command, "commands", None)
        if inner is None:
            parts.append(_described(f"swaram {name}", command))
            continue
        visible = {key: value for key, value in inner.items() if not value.hidden}
        if name == "prepare":  # one command for each corpus, all alike
            rows = "\n".join(f"| `{key}` | {_plain(value.help)} |" for key, value in visible.items())
            parts.append(f"| corpus | |\n|---|---|\n{rows}\n")
            key = next(iter(visible))
            parts.append(_described("swaram prepare CORPUS", visible[key]))
            continue
        for key, value in visible.items():
            parts.append(f"### swaram {name} {key}\n\n{_plain(value.help)}\n")
            parts.append(_described(f"swaram {name} {key}", value))
    return "\n".join(parts).rstrip() + "\n"


def _described(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden and p.name != "help"]
    words = [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
    words = [f"{word}..." if p.nargs == -1 else word for word, p in zip(words, arguments, strict=True)]
    text = f"`{' '.join([name, *words])}`\n"
    rows = [f"| `{p.name.upper()}` | {_plain(p.help)} | |" for p in arguments]
    for option in options:
        spelled = ", ".join(f"`{spelling}`" for spelling in [*option.opts, *option.secondary_opts])
        rows.append(f"| {spelled} | {_plain(option.help)} | {_default(option)} |")
    if rows:
        text += "\n| | | default |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    return text


def _default(option: Any) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    value = option.default
    if value is None or isinstance(value, bool) or value == "" or callable(value):
        return ""
    return f"`{value}`"


def _plain(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ").strip()


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        there = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        sys.exit("docs/commands.md is not what the program says; run python docs/commands.py" if there != page() else 0)
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
