"""Text that remembers, character by character, where in the user's text it came from."""

import itertools
import operator
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

Log = list[tuple[str, int, int, str, str]]
"""Which rule rewrote what: its name, the span in the user's text, what stood there, and what was written."""


class TracedText:
    """A string and, for each of its characters, an index into the user's text.

    ``origins`` never decreases from left to right, so a span of the string is a span of the user's text.
    """

    __slots__ = ("log", "origins", "text")

    def __init__(self, text: str, origins: Sequence[int] | None = None, log: "Log | None" = None) -> None:
        self.text = text
        self.log = log
        self.origins: Sequence[int] = range(len(text)) if origins is None else origins

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, span: slice) -> "TracedText":
        return TracedText(self.text[span], self.origins[span], self.log)

    def rewrite(
        self, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str | None], rule: str = ""
    ) -> "TracedText":
        """Replace each match by what ``write`` returns (None keeps it); the origins follow. ``rule`` is for the log.

        A replacement of the same length keeps its origins; any other is spread evenly over the match's.
        """
        spans = []
        for match in pattern.finditer(self.text):
            new = write(match)
            if new is not None and new != match.group():
                spans.append((*match.span(), new))
        return self.replace(spans, [rule] * len(spans) if rule and self.log is not None else None)

    def replace(self, spans: list[tuple[int, int, str]], rules: list[str] | None = None) -> "TracedText":
        """Replace spans (start, end, new text), which are in order and do not overlap; ``rules`` are for the log."""
        if not spans:
            return self
        if self.log is not None and rules:
            for (start, end, new), rule in zip(spans, rules, strict=True):
                first, last = self.origins[start], self.origins[max(start, end - 1)]
                self.log.append((rule, first, last + 1, self.text[start:end], new.strip()))
        text, origins = self.text, self.origins if isinstance(self.origins, list) else list(self.origins)
        pieces: list[str] = []
        kept: list[int] = []
        done = 0
        for start, end, new in spans:
            pieces += text[done:start], new
            if len(new) == end - start:
                kept += origins[done:end]
            else:
                kept += origins[done:start]
                kept += spread(origins, start, end, len(new))
            done = end
        pieces.append(text[done:])
        kept.extend(origins[done:])
        return TracedText("".join(pieces), kept, self.log)


def spread(origins: Sequence[int], start: int, end: int, count: int) -> Sequence[int]:
    """``count`` origins taken evenly from ``origins[start:end]`` (from its neighbour, where empty)."""
    width = end - start
    if not width:
        here = origins[min(start, len(origins) - 1)] if origins else 0
        return [here] * count
    if width == 1 or count < 2:
        return [origins[start]] * count
    return (_evenly_kept if count <= _LONGEST_KEPT else _evenly)(width, count)(origins[start:end])


def _evenly(width: int, count: int) -> Callable[[Sequence[int]], tuple[int, ...]]:
    """What takes ``count`` (two at least) of ``width`` items evenly, in order."""
    edges = [-(-place * count // width) for place in range(width + 1)]
    shares = [after - before for before, after in itertools.pairwise(edges)]
    return operator.itemgetter(*(place for place, share in enumerate(shares) for _ in range(share)))


_LONGEST_KEPT = 256
_evenly_kept = lru_cache(maxsize=8192)(_evenly)
