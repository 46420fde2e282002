"""The recognisers on this machine: a folder whose entries are recognisers, one a language, named by its code."""

import os
from pathlib import Path

from swaram.evaluation.recognizer.errors import RecognizerError
from swaram.evaluation.recognizer.package import is_recognizer, read_manifest


def recognizers_folder(folder: str | Path | None = None) -> Path:
    """Where recognisers are: the argument, ``SWARAM_RECOGNIZERS``, ./recognizers, or the source tree's."""
    if folder is not None:
        return Path(folder)
    if os.environ.get("SWARAM_RECOGNIZERS"):
        return Path(os.environ["SWARAM_RECOGNIZERS"])
    here, source = Path("recognizers"), Path(__file__).resolve().parents[4] / "recognizers"
    return source if not here.is_dir() and source.is_dir() else here


def list_recognizers(folder: str | Path | None = None) -> dict[str, Path]:
    """The recognisers of a folder by language code; a folder that is itself one counts as one. RecognizerError."""
    home = recognizers_folder(folder)
    if is_recognizer(home):
        return {read_manifest(home)[0].language: home}
    if not home.is_dir():
        return {}
    found = (p for p in sorted(home.iterdir()) if not p.name.startswith(".") and is_recognizer(p))
    return {read_manifest(path)[0].language: path for path in found}


def find_recognizer(language: str | None = None, folder: str | Path | None = None) -> Path:
    """The recogniser of a language, or the only one there.

    Raises RecognizerError: none for that language, none at all, or several to choose from.
    """
    home = recognizers_folder(folder)
    there = list_recognizers(folder)
    if not there:
        raise RecognizerError(f"{home}: no recogniser there; train one with `swaram recognizer train`.")
    if language is None:
        if len(there) > 1:
            raise RecognizerError(
                f"{home}: several recognisers there; choose with --language one of {', '.join(there)}."
            )
        return next(iter(there.values()))
    if language not in there:
        raise RecognizerError(f"{home}: no recogniser for {language!r} there; it holds {', '.join(there)}.")
    return there[language]
