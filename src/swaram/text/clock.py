"""Times of day as people write them: 10:30, 6pm-9pm, 0930 hrs, സന്ധ്യയ്ക്ക് 6.30, 7.30 in the evening."""

import re

from swaram.text.letters import LETTERS
from swaram.text.ranges import Ranges
from swaram.text.times import TimeWords
from swaram.text.wording import Wording

CLOCK = r"(?P<h>[01]?\d|2[0-4])[:ःঃ](?P<m>[0-5]\d)(?:[:ःঃ](?P<sec>[0-5]\d))?"
HALF = r"(?P<half>[ap]\.?m\b\.?)"
DOTTED = r"(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d)(?![\d.]\d|\d)"
_DOTS = CLOCK.replace("[:ःঃ]", "[:.ःঃ]", 1)
WITH_HALF = rf"(?:{_DOTS}\s?{HALF}|(?P<h2>1[0-2]|0?[1-9])\s?{HALF.replace('half', 'half2')})"
_REST = 24
"""How many characters after a time are looked at."""


class Clock:
    """Reads times of day in one language."""

    def __init__(self, words: Wording, times: TimeWords, ranges: Ranges) -> None:
        self._times, self._ranges = times, ranges
        self._latin = words.language.script.name == "Latin"
        parts = "|".join(times.day_parts) or "(?!)"
        self._day_part = re.compile(rf"(?:{parts})(?:[ ,]+[{LETTERS}]+)?[ ,]*$", re.IGNORECASE)
        self.hour = "|".join(times.hour_words) or "(?!)"
        """A pattern of the words for an hour."""

    def time(self, match: re.Match[str]) -> str:
        """A time with a colon, or an hour with am or pm."""
        groups = match.groupdict()
        seconds = groups.get("sec")
        hour, half = groups.get("h") or groups["h2"], groups.get("half") or groups.get("half2")
        rest = match.string[match.end() : match.end() + _REST]
        minute = int(groups.get("m") or 0)
        if groups.get("hrs") and not minute and not seconds and (whole := self._times.whole_hours(int(hour))):
            return whole
        said = self._times.say(int(hour), minute, int(seconds) if seconds else None, half, rest)
        return f"{said} {self._times.hours_after}".strip() if groups.get("hrs") else said

    def both(self, match: re.Match[str]) -> str:
        """From one time to another (groups one and two)."""
        both = [re.sub(r"\s", "", match[name]) for name in ("one", "two")]
        half = re.search(HALF, both[1], re.IGNORECASE)
        rest = "" if half else match.string[match.end() : match.end() + _REST]
        said = []
        for written in both:
            digits = [int(d) for d in re.findall(r"\d+", written)]
            own = re.search(HALF, written, re.IGNORECASE)
            minute = digits[1] if len(digits) > 1 else 0
            said.append(self._times.say(digits[0], minute, None, own["half"] if own else None, rest))
        return self._ranges.say(*said)

    def dotted(self, match: re.Match[str]) -> str | None:
        """A time with a dot; None where nothing around it says that it is one."""
        before = match.string[max(0, match.start() - 30) : match.start()]
        after = match.string[match.end() : match.end() + _REST]
        whole = match["m"][1] in "05" and int(match["h"]) <= 12
        if not self._day_part.search(before) and not (whole and self._times.followed(after)):
            return None
        if self._latin and int(match["h"]) > 12:
            return None
        return self.time(match)

    def with_hour_word(self, match: re.Match[str], said: str, text: str, end: int) -> tuple[str, int]:
        """A time of day with the hour word after it, where the language says the two as one."""
        groups = match.groupdict()
        if groups.get("half") or groups.get("sec") or groups.get("hrs") or not groups.get("h"):
            return said, end
        found = self._times.at(int(groups["h"]), int(groups.get("m") or 0), text[end : end + _REST])
        return (found[0], end + found[1]) if found else (said, end)


def unnamed(pattern: str) -> str:
    """``pattern`` without the names of its groups, so that it may stand twice in another."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)
