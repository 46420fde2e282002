"""Fractions, powers and numbers with a slash: 1/2, 2½ kg, 3/4th, 10², 1.5×10^8, 12/A, 5-9-22/A."""

import re

from swaram.text.cardinals import Cardinals
from swaram.text.measures import Measures
from swaram.text.numbers import NumberWords
from swaram.text.wording import Wording

FRACTIONS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
POWERS = {"²": "2", "³": "3", "¹": "1", "⁰": "0", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9"}
_SIMPLE = {("1", "2"): "half", ("1", "4"): "quarter", ("3", "4"): "three_quarters"}
_DOOR = re.compile(
    r"(?:door|house|h|d|plot|flat|survey|s|ward|shop|room)\.? ?(?:no|number|num)\W{0,3}$|plot\W{0,2}$|flat\W{0,2}$",
    re.IGNORECASE,
)


def after_door(text: str, start: int) -> bool:
    """Whether a word for a house, a plot or a door stands before ``start``."""
    near = text[max(0, start - 10) : start].lower()
    if not any(word in near for word in ("no", "num", "plot", "flat")):
        return False
    return _DOOR.search(text[max(0, start - 24) : start]) is not None


class Fractions:
    """Says parts and powers in one language, by its tables ``fractions`` and ``powers``."""

    def __init__(self, words: Wording, numbers: NumberWords, cardinals: Cardinals, measures: Measures) -> None:
        self.words, self._numbers, self._measures = words, numbers, measures
        self.cardinal = cardinals.cardinal
        self._table: dict[str, str] = words.section("fractions")
        self._mixed = {
            name: [word.replace("_", " ") for word in self._table.get("mixed_" + name, "").split()]
            for name in _SIMPLE.values()
        }
        self._latin = words.language.script.name == "Latin"

    def fraction(self, match: re.Match[str]) -> str | None:
        """½, 3/4 kg, 2 1/2; None for what is no fraction (3/0, 01/5)."""
        whole, part = (match["w"] or match["w2"] or "").strip(), match["f"] or match["f2"]
        above, below = FRACTIONS.get(part, part).split("/")
        if "/" in part and (int(below) == 0 or above.startswith("0") or below.startswith("0")):
            return None
        if not whole and "/" in part and int(above) >= int(below) and int(above) > 10:
            return self._over(above, self.cardinal(below))
        simple = _SIMPLE.get((above, below), "")
        if whole and simple and len(whole) < 4 and 0 < int(whole) <= len(self._mixed[simple]):
            return self._measures.of(self._mixed[simple][int(whole) - 1], match["unit"], False)
        said = self._table.get(simple)
        if not said:
            said = f"{self.cardinal(above)} {self.words.words['by']} {self.cardinal(below)}"
        return self._measures.of(f"{self.cardinal(whole)} {said}" if whole else said, match["unit"], not whole)

    def ordinal_part(self, match: re.Match[str]) -> str | None:
        """1/4th, 2/3rd."""
        above, below = int(match["a"]), int(match["b"])
        if not self._latin or below < 2:
            return f"{self.cardinal(match['a'])} {self.words.words['by']} {self.cardinal(match['b'])}"
        part = {2: "half", 4: "fourth"}.get(below) or self._numbers.ordinal(below)
        return f"{self.cardinal(match['a'])} {part if above == 1 else part + 's'}"

    def slash(self, match: re.Match[str]) -> str:
        """A number, a slash, and a number or letters (4.5/5, 12/A)."""
        return self._over(match["a"], self._said(match["b"]))

    def house(self, match: re.Match[str]) -> str | None:
        """A house or plot number after a word for it, part by part; None without such a word."""
        if not after_door(match.string, match.start()):
            return None
        parts, _, after = match["a"].partition("/")
        said = " ".join(self.cardinal(part) for part in parts.split("-"))
        if not after:
            return said
        over = self.words.words["over"]
        return f"{said} {over + ' ' if over else ''}{self._said(after)}"

    def power(self, match: re.Match[str]) -> str:
        """10², x^6."""
        raised = match["p"][0] == "^"
        power = match["p"].removeprefix("^") if raised else "".join(POWERS[c] for c in match["p"])
        base, table, phrase = self.cardinal(match["a"]), self.words.section("powers"), self.words.english.phrase
        if power in ("2", "3") and not raised:
            name = "square" if power == "2" else "cube"
            return str(table.get(name, "{a} " + phrase(name))).replace("{a}", base)
        sign = self.words.words["minus"] + " " if power.startswith("-") else ""
        template = str(table.get("power", "{a} " + phrase("to the power") + " {b}"))
        return template.replace("{a}", base).replace("{b}", sign + self.cardinal(power.lstrip("-")))

    def _over(self, above: str, below: str) -> str:
        over = self.words.words["over"]
        return f"{self.cardinal(above)} {over + ' ' if over else ''}{below}"

    def _said(self, written: str) -> str:
        """What stands after a slash: digits as a number, Latin letters by name, others as they are."""
        parts = re.findall(r"\d[\d,.]*|[A-Za-z]+|[^\dA-Za-z]+", written)
        spell = self.words.english.spell
        return " ".join(
            self.cardinal(part) if part[0].isdigit() else spell(part) if part.isascii() else part for part in parts
        )
