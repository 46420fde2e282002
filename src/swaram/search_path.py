"""Where voices and recognisers are looked for on this machine, in which order.

1. what is given by its path, 2. the folders that ``SWARAM_VOICES`` or ``SWARAM_RECOGNIZERS`` names, 3. ``./voices`` or
``./recognizers``, 4. the user's own folder, 5. installed data packages, by their entry points, 6. the source tree,
where the program runs from a clone. Of two with one name the first one counts.
"""

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["voices", "recognizers"]
# Windows keeps these names for itself, with any ending and in any case.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))})
VARIABLES = {"voices": "SWARAM_VOICES", "recognizers": "SWARAM_RECOGNIZERS"}


@dataclass(frozen=True)
class Place:
    """A folder that is looked into, and what told of it, as it is shown to people.

    ``whole``: the folder is itself a voice or a recogniser, named ``whole``; otherwise it holds some.
    """

    folder: Path
    told_by: str
    whole: str = ""


def places(kind: Kind, folder: str | Path | None = None) -> list[Place]:
    """The folders in order, whether they exist or not; of those a ``folder`` that is given is the only one."""
    if folder is not None:
        return [Place(Path(folder), "given")]
    found = [Place(Path(part), VARIABLES[kind]) for part in _listed(kind)]
    found.append(Place(Path(kind), "this folder"))
    found.append(Place(user_folder(kind), "the user's folder"))
    found += _installed(kind)
    source = source_tree()
    if source is not None:
        found.append(Place(source / kind, "the clone"))
    unique: dict[Path, Place] = {}
    for place in found:
        unique.setdefault(place.folder.resolve(), place)
    return list(unique.values())


def place_to_add(kind: Kind, folder: str | Path | None = None) -> Path:
    """Where what is added goes: ``folder``, the variable's first one, ``./voices`` where it is there, or the user's."""
    if folder is not None:
        return Path(folder)
    listed = _listed(kind)
    if listed:
        return Path(listed[0])
    return Path(kind) if Path(kind).is_dir() else user_folder(kind)


def may_be_name(text: str) -> bool:
    """Whether a voice may be called so: at most 80 letters with their signs, digits, '.', '_' and '-'.

    No system keeps such a name for itself, and none of them is a path: no dot stands at an end.
    """
    signs = all(c.isalnum() or c in "._-" or unicodedata.category(c)[0] == "M" for c in text)
    ends = text[:1].isalnum() and not text.endswith(".")
    return signs and ends and len(text) <= 80 and text.split(".")[0].casefold() not in _DEVICES


def user_folder(kind: Kind) -> Path:
    """The user's own folder, as the system has it (on Linux ~/.local/share/swaram/voices); it may not exist."""
    from platformdirs import user_data_path

    return user_data_path("swaram", appauthor=False) / kind


def source_tree() -> Path | None:
    """The root of the clone that the program runs from; None where it was installed from a wheel."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "src" / "swaram").is_dir() else None


def _listed(kind: Kind) -> list[str]:
    return [part for part in os.environ.get(VARIABLES[kind], "").split(os.pathsep) if part]


def _installed(kind: Kind) -> list[Place]:
    """The data packages: an entry point's name is the name, its value the Python package whose folder holds it."""
    from importlib.metadata import entry_points
    from importlib.util import find_spec

    found = []
    for entry in sorted(entry_points(group=f"swaram.{kind}"), key=lambda entry: entry.name):
        try:
            spec = find_spec(entry.module)
        except (ImportError, ValueError):  # its metadata is there and its package is not
            continue
        for location in (spec and spec.submodule_search_locations) or ():
            told_by = f"package {entry.dist.name}" if entry.dist else "a package"
            found.append(Place(Path(location) / entry.name, told_by, whole=entry.name))
    return found
