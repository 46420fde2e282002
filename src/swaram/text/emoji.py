"""Emoji by name: their names in the Unicode Character Database, in English, which is then read as English is."""

import re
import unicodedata

from swaram.text.traced import TracedText

_FLAG = "\U0001f1e6-\U0001f1ff"
_TONES = "\U0001f3fb-\U0001f3ff"
_EMOJI = re.compile(
    f"[{_FLAG}]{{2}}|(?:[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff][{_TONES}\ufe0f\u200d]*)"
)
_LEFT_OUT = re.compile(r"\b(?:sign|symbol|with|heavy|black|white)\b|-")


def name_emoji(traced: TracedText) -> TracedText:
    """Each emoji becomes its English name between spaces; a flag becomes "flag" and the letters of its country."""
    return traced.rewrite(_EMOJI, _name, "emoji")


def _name(match: re.Match[str]) -> str | None:
    written = match.group()
    if len(written) == 2 and "\U0001f1e6" <= written[0] <= "\U0001f1ff":
        return " flag " + "".join(chr(ord(c) - 0x1F1E6 + ord("A")) for c in written) + " "
    name = unicodedata.name(written[0], "")
    if not name:
        return None
    return f" {' '.join(_LEFT_OUT.sub(' ', name.lower()).split()) or name.lower()} "
