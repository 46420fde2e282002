"""Endings that people write onto a number or a Latin word (2024-ൽ, 50ലേറെ, ATM-ൽ, ३ऱ्या), joined as they are spoken."""

import re

from swaram.text.letters import NO_LETTER, join, kind
from swaram.text.numbers import NumberWords
from swaram.text.wording import Wording

_LONGEST = 24


class Endings:
    """Joins endings to words by the language's tables.

    ``suffixes`` name single endings; ``joining.endings`` is an open set: pairs of a pattern for the ending and rules
    for the last sound of the word, where ``{e}`` is the ending and ``{r}`` what its first group caught. A rule that
    begins with ``ordinal:`` is applied to the ordinal, one that begins with ``compound:`` to the compound number.
    ``joining.apart`` names the endings that are joined over a space; ``full`` and ``names`` prepare the word.
    """

    def __init__(self, words: Wording, letters: str) -> None:
        table = words.section("joining")
        self.glued: bool = words.section("numbers").get("glued", False)
        self._suffixes: dict[str, list[tuple[re.Pattern[str], str]]] = {
            suffix: [(re.compile(old), new) for old, new in rules]
            for suffix, rules in words.section("suffixes").items()
        }
        self._rules = [
            (re.compile(pattern), [(re.compile(old), new) for old, new in rules])
            for pattern, rules in table.get("endings", [])
        ]
        self._full = [(re.compile(old), new) for old, new in table.get("full", [])]
        self._names = [(re.compile(old), new) for old, new in table.get("names", [])]
        apart = [table["apart"]] if "apart" in table else []
        if words.section("numbers").get("endings_apart"):
            apart += sorted(map(re.escape, self._suffixes), key=len, reverse=True)
        self.first_apart = frozenset(
            character for ending in re.split(r"[|()?:\[\]]+", "|".join(apart)) for character in ending[:1]
        )
        over = f"|(?: ?-| )(?P<apart>{'|'.join(apart)}){NO_LETTER}" if apart else ""
        self._written = re.compile(f"-?(?P<on>[{letters}]+){over}" if letters else "(?!)")

    def after(self, text: str, end: int) -> tuple[str, int, bool] | None:
        """The ending written at ``end``: itself, where it ends, and whether it is written onto what stands before."""
        match = self._written.match(text, end)
        if not match:
            return None
        if match["on"]:
            return match["on"], match.end(), True
        return match["apart"], match.end(), False

    def inflect(self, words: str, ending: str, numbers: NumberWords | None = None, written: str = "") -> str | None:
        """``words`` with an ending; None where no rule fits the two. ``written`` are the digits, for ordinals."""
        if len(ending) > _LONGEST:
            return None
        number = int(written) if numbers and written.isdigit() and len(written) <= 15 else None
        for old, new in self._suffixes.get(ending, []):
            if new == "ordinal":
                if number is not None and numbers and old.search(words):
                    return numbers.ordinal(number)
            elif old.search(words):
                return old.sub(new, words, count=1)
        for old, new in self._full:
            words = old.sub(new, words)
        for pattern, rules in self._rules:
            if not (match := pattern.fullmatch(ending)):
                continue
            rest = next((group for group in match.groups() if group is not None), "")
            for old, new in rules:
                said, template = words, new
                if new.startswith("ordinal:"):
                    if number is None or numbers is None:
                        continue
                    said, template = numbers.ordinal(number), new.removeprefix("ordinal:")
                if new.startswith("compound:"):
                    if number is None or numbers is None or number < 100:
                        continue
                    return numbers.compound(number) + ending
                if old.search(said):
                    return old.sub(template.replace("{e}", ending).replace("{r}", rest), said, count=1)
        return None

    def name(self, words: str) -> str:
        """The name of a Latin letter or an English word as an ending takes it (എം, എമ്മ്)."""
        for old, new in self._names:
            words = old.sub(new, words, count=1)
        return words


def with_ending(words: str, ending: str, glued: bool) -> str:
    """``words`` and an ending that no rule knows: joined where the language does so or a mark begins it, else apart."""
    if (glued and len(ending) <= _LONGEST) or kind(ending[0]) not in ("letter", "other"):
        return join(words, ending)
    return f"{words} {ending}"
