"""Dates and times of day in words."""

import re

from swaram.text.fractions import after_door
from swaram.text.letters import NO_LETTER
from swaram.text.numbers import NumberWords
from swaram.text.wording import MONTHS, Wording


class DateWords:
    """Says a date in the order that the language's table gives (``{day} {month} {year}`` where it gives none)."""

    def __init__(self, words: Wording, numbers: NumberWords) -> None:
        self._words, self._numbers = words, numbers
        table = words.section("dates")
        self._full: str = table.get("full", "{day} {month} {year}")
        self._short: str = table.get("short", "{day} {month}")
        self._days: list[str] = table.get("days", "").split()

    def say(self, day: int, month: int, year: str | None) -> str | None:
        """A date; None where there is no such day. A year of two digits is of this century up to 49."""
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        template = self._full if year else self._short
        if year:
            number = int(year)
            if len(year) == 2:
                number += 2000 if number < 50 else 1900
            template = template.replace("{year}", self._numbers.year_of(number))
        if "{ordinal}" in template:
            template = template.replace("{ordinal}", self._numbers.ordinal(day))
        said = self._days[day - 1] if self._days else self._numbers.cardinal(day)
        return template.replace("{day}", said).replace("{month}", self._words.months[month - 1])

    def read(self, match: re.Match[str]) -> str | None:
        """A date as it is written: groups d, and m or mon (an English month), perhaps y and the sign s between them."""
        groups = match.groupdict()
        day, year = int(match["d"]), groups.get("y")
        name = groups.get("mon")
        month = 1 + next(i for i, m in enumerate(MONTHS) if m[:3] == name.lower()[:3]) if name else int(match["m"])
        if month > 12 and day <= 12:
            day, month = month, day
        if groups.get("s") == "-" and year and len(year) == 2 and after_door(match.string, match.start()):
            return None
        return self.say(day, month, year)


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
        own = [part for part in self._parts if part] + table.get("day_parts", "").split()
        self.day_parts = sorted({re.escape(part.replace("_", " ")) for part in own}, key=len, reverse=True)
        hours = [self._hour.partition("|")[0], *table.get("hour_words", "").split()]
        self.hour_words = sorted({re.escape(h.replace("_", " ")) for h in hours if h}, key=len, reverse=True)
        self.hours_after: str = table.get("hours_after", "")
        self._at = [(re.compile(f"[ -]?{old}{NO_LETTER}"), new) for old, new in table.get("at", [])]
        self._at_minutes = [(re.compile(f"[ -]?{old}{NO_LETTER}"), new) for old, new in table.get("at_minutes", [])]
        self._followed = re.compile(table["followed"]) if "followed" in table else None
        fractions = words.section("fractions") if by_quarters else {}
        self._quarters = {
            minutes: [w.replace("_", " ") for w in fractions.get(name, "").split()]
            for minutes, name in ((15, "mixed_quarter"), (30, "mixed_half"), (45, "mixed_three_quarters"))
        }
        if "quarter_to_one" in table:
            self._quarters[45][11:] = [table["quarter_to_one"]]

    def followed(self, rest: str) -> bool:
        """Whether what follows a number with a dot in it makes it a time of day (7.30 in the evening)."""
        return bool(self._followed and self._followed.match(rest))

    def whole_hours(self, hour: int) -> str:
        """An hour of the 24-hour clock without minutes (nine hundred hours); empty where there is no such form."""
        return self._late.replace("{h}", self._numbers.cardinal(hour))

    def at(self, hour: int, minute: int, rest: str) -> tuple[str, int] | None:
        """The time with the hour word that follows it, where the two are said as one (७:१९ वाजता), and its length."""
        if minute == 0:
            return None
        by_quarters = 1 <= hour <= len(self._quarters.get(minute, []))
        for pattern, template in self._at_minutes if by_quarters else [*self._at, *self._at_minutes]:
            if match := pattern.match(rest):
                said = template.replace("{h}", self._numbers.cardinal(hour)).replace(
                    "{m}", self._numbers.cardinal(minute)
                )
                return said, match.end()
        return None

    def say(self, hour: int, minute: int, second: int | None, half: str | None, rest: str) -> str:
        """``half`` is am or pm as written, or None; ``rest`` is the text that follows."""
        part = ""
        if hour == 0 and not half and self._quarters.get(minute):
            hour = 12
        if half:
            hour = hour % 12 + (12 if half[0].lower() == "p" else 0)
            part = self._part(hour) or self._words.english.spell(half)
            hour = hour % 12 or 12
        if half and not any(self._parts):
            return f"{self._clock(hour, minute, second, self._hour)} {part}"
        said = self._clock(
            hour,
            minute,
            second,
            rest if half and minute == 0 and not second else self._hour if half and not self._joined else rest,
        )
        return f"{part} {said}" if part else said

    def _clock(self, hour: int, minute: int, second: int | None, rest: str) -> str:
        if second:
            return f"{self._numbers.cardinal(hour)} {self._minute(minute)} {self._numbers.cardinal(second)}"
        follows = re.match(f"[ -]?(?:{'|'.join(self.hour_words)})", rest) is not None if self._hour else True
        fused = self._quarters.get(minute, [])
        if 1 <= hour <= len(fused):
            return fused[hour - 1] + (self._hour if self._joined and not follows else "")
        if minute == 0 and hour > 12 and self._late:
            return self._late.replace("{h}", self._numbers.cardinal(hour))
        if minute == 0:
            word = self._words.counted(self._hour, hour == 1)
            return self._numbers.cardinal(hour) + ("" if follows else ("" if self._joined else " ") + word)
        if minute < 10 and self._minutes:
            named = self._minutes.replace("{m}", self._numbers.cardinal(minute))
            return named.replace("{h}", self._numbers.cardinal(hour))
        joined = self._hour if self._joined and not follows else ""
        return f"{self._numbers.cardinal(hour)}{joined} {self._minute(minute)}"

    def _minute(self, minute: int) -> str:
        words = self._numbers.cardinal(minute)
        return f"{self._numbers.small[0]} {words}" if minute < 10 else words

    def _part(self, hour: int) -> str:
        if hour < 4 or hour >= 20:
            return self._parts[0]
        return self._parts[1] if hour < 12 else self._parts[2] if hour < 16 else self._parts[3]
