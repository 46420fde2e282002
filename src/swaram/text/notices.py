"""Notices: what the front end dropped, refused or assumed, and where in the user's text."""

import unicodedata
from typing import NamedTuple

from swaram.text.traced import TracedText


class Notice(NamedTuple):
    """One thing that a user should know.

    ``kind`` is "dropped" (not of the language), "refused" (the language has no words for it) or "assumed" (read in
    one of several ways); ``start`` and ``end`` index the user's text; ``message`` is one sentence.
    """

    kind: str
    start: int
    end: int
    message: str


class Notices:
    """Collects notices while a text goes through the front end."""

    def __init__(self) -> None:
        self.list: list[Notice] = []

    def _add(self, kind: str, traced: TracedText, start: int, end: int, message: str) -> None:
        origins = traced.origins
        self.list.append(Notice(kind, origins[start], origins[end - 1] + 1, message))

    def dropped(self, traced: TracedText, start: int, end: int, why: str) -> None:
        """``traced[start:end]`` is left out."""
        names = ", ".join(describe(c) for c in dict.fromkeys(traced.text[start:end][:4]))
        more = " and more" if end - start > 4 else ""
        self._add("dropped", traced, start, end, f"dropped {names}{more}: {why}.")

    def refused(self, traced: TracedText, start: int, end: int, why: str) -> None:
        """``traced[start:end]`` is not spoken, because the language lacks words for it."""
        self._add("refused", traced, start, end, f"not spoken: {why}")

    def assumed(self, traced: TracedText, start: int, end: int, how: str) -> None:
        """``traced[start:end]`` could be read in several ways, and was read like this."""
        self._add("assumed", traced, start, end, how)


def describe(character: str) -> str:
    """A character by its number and name, safe to print."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" {name}" if name else "")
