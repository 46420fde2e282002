"""What pydantic finds wrong with a user's data, as one sentence; and the name that was meant by a misspelt one."""

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

WHOLE = "the whole"


def first_problem(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """The first fault as ``key.of.it: what is wrong``, in small letters, without a full stop and without the value.

    ``model``: what was validated; with it an unknown key is ``a.b is not a key; did you mean a.c``, or names the known
    ones.
    """
    fault = first_fault(error)
    place = [str(part) for part in fault["loc"]]
    beside: list[str] = []
    if model is not None:
        place, beside = _followed(model, place)
    key = ".".join(place) or WHOLE
    if fault["type"] == "extra_forbidden":
        return f"{key} is not a key" + suggestion(place[-1], beside, ".".join([*place[:-1], ""]))
    return f"{key}: {message(fault)}"


def first_fault(error: ValidationError) -> ErrorDetails:
    """The first fault, without what the user wrote."""
    return error.errors(include_input=False, include_url=False)[0]


def message(fault: ErrorDetails) -> str:
    """What is wrong, beginning with a small letter."""
    told = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return told[:1].lower() + told[1:]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was meant: one that begins so, else the most alike; None where none is near."""
    known = list(known)
    begun = [candidate for candidate in known if name and candidate.startswith(name)]
    near = begun or difflib.get_close_matches(name, known, 1, 0.5)
    return near[0] if near else None


def suggestion(name: str, known: Iterable[str], prefix: str = "") -> str:
    """``; did you mean PREFIXname`` or ``; known: ...``, to end a sentence; nothing where nothing is known."""
    known = list(known)
    near = nearest(name, known)
    if near is not None:
        return f"; did you mean {prefix}{near}"
    return f"; known: {', '.join(known[:30])}" if known else ""


def _followed(model: type[BaseModel], place: list[str]) -> tuple[list[str], list[str]]:
    """The place without what stands in pydantic's location but not in the data (tags of unions), and the keys there."""
    models, kept = [model], []
    for number, part in enumerate(place):
        last = number == len(place) - 1
        fields = [one.model_fields[part] for one in models if part in one.model_fields]
        if not fields and not last and not part.isdecimal():
            continue  # the tag of a union
        kept.append(part)
        if not last and fields:
            models = [found for field in fields for found in _models_in(field.annotation)] or models
    return kept, sorted({name for one in models for name in one.model_fields})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
