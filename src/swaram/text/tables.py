"""The plain data files in ``text/data``: one TOML file a language, and bases that several languages share."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def load_table(name: str) -> dict[str, Any]:
    """The contents of ``data/<name>.toml``; empty where there is no such file.

    A file that says ``inherit = "base"`` is laid over ``data/base.toml``: its tables add to the base's tables, its
    ``forms`` go before the base's, and everything else replaces.
    """
    path = resources.files("swaram.text") / "data" / f"{name}.toml"
    if not path.is_file():
        return {}
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    if "inherit" not in table:
        return table
    return _laid_over(load_table(table.pop("inherit")), table)


def _laid_over(base: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _laid_over(base[key], value)
        elif key == "forms":
            merged[key] = [*value, *base.get(key, [])]
        else:
            merged[key] = value
    return merged
