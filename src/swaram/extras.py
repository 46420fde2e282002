"""How to install what is not installed, in words that work for this installation."""

import shlex
import sys

from swaram.search_path import source_tree


def install_command(extra: str) -> str:
    """The command that adds an extra of pyproject.toml: to the clone that the program runs from, or to the wheel."""
    clone = source_tree()
    if clone is None:
        return f"pip install {_quoted(f'swaram[{extra}]')}"
    return f"pip install -e {_quoted(f'{clone}[{extra}]')}"


def _quoted(argument: str) -> str:
    """For a shell of this system: cmd and PowerShell know double quotes only."""
    if sys.platform == "win32":
        return f'"{argument}"'
    quoted = shlex.quote(argument)
    return quoted if quoted != argument else f"'{argument}'"
