"""Punctuation as a reader needs it: one space and one mark at a time, and no mark where nothing is said."""

import re
from functools import lru_cache

from swaram.text.traced import TracedText

_MARKS = " \n.…!?,;:\\-'\""
# Marks in a row, a mark that touches the next word, or a weak mark at the very end; not one mark and one space between
# words, which are in order. The leading set is what makes the search fast.
_IN_ORDER = f"(?<=[^{_MARKS}][.?!…][ \\n])(?=[^{_MARKS}])|(?<=[^{_MARKS}][,;:] )(?=[^{_MARKS}])"
_RUN = re.compile(f"[{_MARKS}](?:[{_MARKS}](?!{_IN_ORDER})[{_MARKS}]*|(?<=[,;:!?….-])(?=[^\\W_])|$(?<=[ ,;:-]))")
_RULES = [
    (re.compile(r" {2,}"), " "),
    # A hyphen inside a compound is not heard; a dash between spaces is a short stop.
    (re.compile(r"(?<=x)-(?=x)"), " "),
    (re.compile(r" -+ ?|(?<=[^x]) ?-+ ?|-+ "), ", "),
    (re.compile(r"^-+|-+(?=[\n.?!,;:…]|$)"), ""),
    (re.compile(r"\.(?: ?\.){2,}|…[.…]*|\.…"), "…"),
    (re.compile(r"\. ?\."), "."),
    (re.compile(r"([!?,;:\-])(?: ?\1)+|(['\"])\2+"), r"\1\2"),
    (re.compile(r" +(?=[.,?!;:…])"), ""),
    (re.compile(r"[,;:]+ ?(?=[.?!,;:…\n]|$)"), ""),
    (re.compile(r"([,;:!?….])(?=x)"), r"\1 "),
    (re.compile(r"(?:(?<=\n)|^)[ ,;:.?!\-…]+"), ""),
]


def tidy(traced: TracedText) -> TracedText:
    """``traced`` (symbols and line ends only) with its punctuation in order."""
    text = traced.text

    def write(match: re.Match[str]) -> str:
        return _clean(match.group(), match.start() == 0, match.end() == len(text))

    return traced.rewrite(_RUN, write)


@lru_cache(maxsize=4096)
def _clean(run: str, first: bool, last: bool) -> str:
    """One run of marks; a letter stands for the words on both sides of it."""
    if len(run) > 200:
        return "\n" if "\n" in run else ". " if any(mark in run for mark in ".?!…") else " "
    run = ("" if first else "x") + run + ("" if last else "x")
    for _ in range(20):
        before = run
        for pattern, new in _RULES:
            run = pattern.sub(new, run)
        if run == before:
            break
    return run[0 if first else 1 : len(run) if last else -1]
