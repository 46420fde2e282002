"""Fractions, powers and numbers with a slash: 1/2, 2½ kg, 3/4th, 10², 1.5×10^8, 12/A, 5-9-22/A."""

import re

from swaram.text.cardinals import Cardinals
from swaram.text.endings import Endings
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


def two_apart(first: str, second: str, written: str, after: str) -> str:
    """Two numbers with nothing between them; with a stop where they would be heard as one (200/6, 100/50)."""
    zeros = len(written) - len(written.rstrip("0"))
    return f"{first}, {second}" if zeros and len(after) <= zeros and after.isdigit() else f"{first} {second}"


class Fractions:
    """Says parts and powers in one language, by its tables ``fractions`` and ``powers``."""

    def __init__(
        self, words: Wording, numbers: NumberWords, cardinals: Cardinals, measures: Measures, endings: Endings
    ) -> None:
        self.words, self._numbers, self._measures = words, numbers, measures
        self.cardinal = cardinals.cardinal
        self._table: dict[str, str] = words.section("fractions")
        self._mixed = {
            name: [word.replace("_", " ") for word in self._table.get("mixed_" + name, "").split()]
            for name in _SIMPLE.values()
        }
        self._latin = words.language.script.name == "Latin"
        self._endings = endings
        self._part: str = self._table.get("part", "")
        self._parts = self._table.get("parts", "").split()
        self._part_ending: str = self._table.get("part_ending", "")
        self._whole_and_part: str = self._table.get("mixed", "{w} {f}")
        number_words = "|".join(
            ["no", "number", *map(re.escape, words.section("words").get("number_words", "").split())]
        )
        self._after_number_word = re.compile(rf"(?:{number_words})[ .:]{{0,3}}$", re.IGNORECASE)

    def fraction(self, match: re.Match[str]) -> str | None:
        """½, 3/4 kg, 2 1/2; None for what is no fraction (3/0, 01/5)."""
        whole, part = (match["w"] or match["w2"] or "").strip(), match["f"] or match["f2"]
        above, below = FRACTIONS.get(part, part).split("/")
        if "/" in part and (int(below) == 0 or above.startswith("0") or below.startswith("0")):
            return None
        if not whole and "/" in part and int(above) >= int(below) and int(above) > 10:
            return self._over(above, self.cardinal(below), below)
        simple = _SIMPLE.get((above, below), "")
        if whole and simple and len(whole) < 4 and 0 < int(whole) <= len(self._mixed[simple]):
            return self._measures.of(self._mixed[simple][int(whole) - 1], match["unit"], False)
        before = match.string[max(0, match.start() - 24) : match.start()]
        if not whole and self._after_number_word.search(before):
            return self._over(above, self.cardinal(below), below)
        of = f"{simple}_of" if match["unit"] and not whole else ""
        said = self._table.get(of) or self._table.get(simple) or self._part_of(int(above), int(below))
        if not said:
            said = f"{self.cardinal(above)} {self.words.words['by']} {self.cardinal(below)}"
        if whole:
            template = "{w} {f}" if len(whole) > 3 or (simple and not self._latin) else self._whole_and_part
            said = template.replace("{w}", self.cardinal(whole)).replace("{f}", said)
        return self._measures.of(said, match["unit"], not whole)

    def _part_of(self, above: int, below: int) -> str:
        """A proper fraction down to tenths in the language's own way (two thirds, दोन तृतीयांश, മൂന്നിൽ രണ്ട്), or ""."""
        if not self._part or not above < below or not 3 <= below <= 10:
            return ""
        if "{p}" in self._part and below - 3 >= len(self._parts):
            return ""
        said = self._part.replace("{a}", self._numbers.cardinal(above))
        if "{p}" in said:
            return said.replace("{p}", self._parts[below - 3])
        if "{i}" in said:
            inflected = self._endings.inflect(self._numbers.cardinal(below), self._part_ending)
            return said.replace("{i}", inflected) if inflected else ""
        ordinal = "fourth" if self._latin and below == 4 else self._numbers.ordinal(below)
        return said.replace("{o}", ordinal) + ("s" if self._latin and above > 1 else "")

    def ordinal_part(self, match: re.Match[str]) -> str | None:
        """1/4th, 2/3rd."""
        above, below = int(match["a"]), int(match["b"])
        if not self._latin or below < 2:
            return f"{self.cardinal(match['a'])} {self.words.words['by']} {self.cardinal(match['b'])}"
        part = {2: "half", 4: "fourth"}.get(below) or self._numbers.ordinal(below)
        return f"{self.cardinal(match['a'])} {part if above == 1 else part + 's'}"

    def slash(self, match: re.Match[str]) -> str:
        """A number, a slash, and a number or letters (4.5/5, 12/A)."""
        return self._over(match["a"], self._said(match["b"]), match["b"])

    def house(self, match: re.Match[str]) -> str | None:
        """A house or plot number, part by part; None without a word for it before or a slash in it (5-9-22/A)."""
        parts, _, after = match["a"].partition("/")
        if not after and not after_door(match.string, match.start()):
            return None
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

    def _over(self, above: str, said: str, below: str) -> str:
        over = self.words.words["over"]
        return f"{self.cardinal(above)} {over} {said}" if over else two_apart(self.cardinal(above), said, above, below)

    def _said(self, written: str) -> str:
        """What stands after a slash: digits as a number, Latin letters by name, others as they are."""
        parts = re.findall(r"\d[\d,.]*|[A-Za-z]+|[^\dA-Za-z]+", written)
        spell = self.words.english.spell
        return " ".join(
            self.cardinal(part) if part[0].isdigit() else spell(part) if part.isascii() else part for part in parts
        )
