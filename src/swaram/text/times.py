"""Dates and times of day in words."""

from swaram.text.numbers import NumberWords
from swaram.text.wording import Wording


class DateWords:
    """Says a date in the order that the language's table gives (``{day} {month} {year}`` where it gives none)."""

    def __init__(self, words: Wording, numbers: NumberWords) -> None:
        self._words, self._numbers = words, numbers
        table = words.section("dates")
        self._full: str = table.get("full", "{day} {month} {year}")
        self._short: str = table.get("short", "{day} {month}")

    def say(self, day: int, month: int, year: str | None) -> str | None:
        """A date; None where there is no such day. A year of two digits is of this century up to 49."""
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        template = self._full if year else self._short
        if year:
            number = int(year)
            if len(year) == 2:
                number += 2000 if number < 50 else 1900
            template = template.replace("{year}", self._numbers.year(number))
        if "{ordinal}" in template:
            template = template.replace("{ordinal}", self._numbers.ordinal(day))
        return template.replace("{day}", self._numbers.cardinal(day)).replace("{month}", self._words.months[month - 1])


class TimeWords:
    """Says a time of day; half and quarter hours in the language's own way (साडे, सव्वा, മുക്കാൽ) where it has one."""

    def __init__(self, words: Wording, numbers: NumberWords) -> None:
        self._words, self._numbers = words, numbers
        table = words.section("times")
        self._hour: str = table.get("hour", "")
        self._late: str = table.get("late", "")
        self._joined: bool = table.get("hour_joined", False)
        by_quarters = table.get("quarters", True)
        self._minutes: str = table.get("minutes", "")
        self._parts: list[str] = [table.get(part, "") for part in ("night", "morning", "afternoon", "evening")]
        fractions = words.section("fractions") if by_quarters else {}
        self._quarters = {
            minutes: [w.replace("_", " ") for w in fractions.get(name, "").split()]
            for minutes, name in ((15, "mixed_quarter"), (30, "mixed_half"), (45, "mixed_three_quarters"))
        }

    def say(self, hour: int, minute: int, second: int | None, half: str | None, rest: str) -> str:
        """``half`` is am or pm as written, or None; ``rest`` is the text that follows."""
        part = ""
        if half:
            hour = hour % 12 + (12 if half[0].lower() == "p" else 0)
            part = self._part(hour) or self._words.english.spell(half)
            hour = hour % 12 or 12
        said = self._clock(hour, minute, second, self._hour if half and not self._joined else rest)
        if half and not any(self._parts):
            return f"{said} {part}"
        return f"{part} {said}" if part else said

    def _clock(self, hour: int, minute: int, second: int | None, rest: str) -> str:
        if second:
            return f"{self._numbers.cardinal(hour)} {self._minute(minute)} {self._numbers.cardinal(second)}"
        follows = rest.lstrip(" -").startswith(self._hour) if self._hour else True
        fused = self._quarters.get(minute, [])
        if 1 <= hour <= len(fused):
            return fused[hour - 1] + (self._hour if self._joined and not follows else "")
        if minute == 0 and hour > 12 and self._late:
            return self._late.replace("{h}", self._numbers.cardinal(hour))
        if minute == 0:
            return self._numbers.cardinal(hour) + ("" if follows else ("" if self._joined else " ") + self._hour)
        if minute < 10 and self._minutes:
            named = self._minutes.replace("{m}", self._numbers.cardinal(minute))
            return named.replace("{h}", self._numbers.cardinal(hour))
        return f"{self._numbers.cardinal(hour)} {self._minute(minute)}"

    def _minute(self, minute: int) -> str:
        words = self._numbers.cardinal(minute)
        return f"{self._numbers.small[0]} {words}" if minute < 10 else words

    def _part(self, hour: int) -> str:
        if hour < 4 or hour >= 20:
            return self._parts[0]
        return self._parts[1] if hour < 12 else self._parts[2] if hour < 16 else self._parts[3]
