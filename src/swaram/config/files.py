"""A configuration file in layers: one that names another in ``extends`` says only what differs from it."""

import json
from pathlib import Path
from typing import Any

from swaram.errors import SwaramError

KEY = "extends"


class LayerError(SwaramError):
    """A configuration file, or one that it extends, that cannot be read; the message names it."""


def read_layers(path: Path, above: tuple[Path, ...] = ()) -> Any:
    """What a JSON file says, laid over what the file says that its key ``extends`` names, relative to its own folder.

    Objects are joined key by key, anything else (a list, a part of another ``type``) takes the place of what is below.
    Raises LayerError for a file that is missing, no JSON, or extends itself.
    """
    if path.resolve() in above:
        raise LayerError(f"the configuration {path} extends itself; take {KEY} out of one of the files")
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        by = f", which {above[-1]} extends," if above else ""
        raise LayerError(f"the configuration {path}{by} does not exist; name another") from None
    except (OSError, ValueError, RecursionError) as error:
        raise LayerError(f"the configuration {path} is not readable JSON: {error}") from None
    if not isinstance(tree, dict) or KEY not in tree:
        return tree
    base = tree.pop(KEY)
    if not isinstance(base, str):
        raise LayerError(f"the configuration {path}: {KEY} must be the name of another file")
    below = read_layers(path.parent / base, (*above, path.resolve()))
    return _laid_over(below, tree) if isinstance(below, dict) else tree


def _laid_over(below: dict[str, Any], tree: dict[str, Any]) -> dict[str, Any]:
    joined = dict(below)
    for key, value in tree.items():
        old = joined.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and value.get("type", old.get("type")) == old.get("type"):
            value = _laid_over(old, value)
        joined[key] = value
    return joined
