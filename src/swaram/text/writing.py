"""Writing sounds in a script: the second half of reading English words inside another language."""

import re
from functools import cache

from swaram.languages import get_language
from swaram.text.tables import load_table

VOWELS = frozenset(["a", "aa", "ae", "e", "ee", "i", "ii", "o", "oo", "u", "uu", "ai", "au", "oi"])


class SoundWriter:
    """Writes a sequence of sounds in one script, from ``data/script_<script>.toml``.

    Tables: ``consonants``; ``vowels`` (where no consonant stands before), ``signs`` (after a consonant);
    ``join`` between two consonants; ``final`` after the last one; ``double``, whether a doubled consonant is written
    twice (മീറ്റർ, but मीटर); ``fixes``, regular expressions applied in order.
    """

    def __init__(self, table: dict) -> None:
        self._consonants: dict[str, str] = table["consonants"]
        self._vowels: dict[str, str] = table["vowels"]
        self._signs: dict[str, str] = table.get("signs", self._vowels)
        self._join: str = table.get("join", "")
        self._final: str = table.get("final", "")
        self._double: bool = table.get("double", False)
        self._fixes = [(re.compile(old), new) for old, new in table.get("fixes", [])]

    def write(self, sounds: list[str]) -> str:
        """The spelling of ``sounds``; empty for none."""
        written: list[str] = []
        after_consonant = False
        for place, sound in enumerate(sounds):
            if not self._double and after_consonant and sound == sounds[place - 1]:
                continue
            if sound in VOWELS:
                written.append(self._signs[sound] if after_consonant else self._vowels[sound])
                after_consonant = False
            else:
                if after_consonant:
                    written.append(self._join)
                written.append(self._consonants[sound])
                after_consonant = True
        if after_consonant:
            written.append(self._final)
        text = "".join(written)
        for old, new in self._fixes:
            text = old.sub(new, text)
        return text


@cache
def writer(code: str) -> SoundWriter:
    """The (shared) writer of a language: its script's table, with the language's own ``writing`` table over it."""
    language = get_language(code)
    script = load_table("script_" + language.script.name.lower().replace(" ", "_"))
    own = load_table(language.code).get("writing", {})
    merged = {**script}
    for key, value in own.items():
        merged[key] = {**script.get(key, {}), **value} if isinstance(value, dict) else value
    if "fixes" in own:
        merged["fixes"] = [*script.get("fixes", []), *own["fixes"]]
    return SoundWriter(merged)
