"""The plain data files in ``text/data``: one TOML file a language, read once."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def load_table(name: str) -> dict[str, Any]:
    """The contents of ``data/<name>.toml``; empty where there is no such file."""
    path = resources.files("swaram.text") / "data" / f"{name}.toml"
    if not path.is_file():
        return {}
    return tomllib.loads(path.read_text(encoding="utf-8"))
