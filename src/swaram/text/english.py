"""English inside another language: how an English word sounds, and that sound written in the language's script."""

import gzip
import re
from functools import cache, lru_cache
from importlib import resources

from swaram.languages import Language, get_language
from swaram.text.acronyms import by_letters
from swaram.text.tables import load_table
from swaram.text.writing import writer


@cache
def _rules() -> dict[str, list[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None, list[str]]]]:
    rules: dict[str, list[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None, list[str]]]] = {}
    for line in _lines("english_rules.tsv"):
        letters, before, after, sounds = [*line.split("\t"), "", "", ""][:4]
        left = re.compile(f"(?:{before})$") if before else None
        right = re.compile(after) if after else None
        rules.setdefault(letters[0], []).append((letters, left, right, sounds.split()))
    return rules


@cache
def _words() -> dict[str, list[str]]:
    return {word: sounds.split() for word, sounds in (line.split("\t") for line in _lines("english_words.tsv"))}


@cache
def _more_words() -> dict[str, str]:
    """Some 35,000 further words, read when the first one is met that is not in the short list."""
    packed = (resources.files("swaram.text") / "data" / "english_sounds.tsv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").split("\n")
    return dict(line.split("\t") for line in lines if "\t" in line)


@cache
def _letters() -> list[list[str]]:
    return [sounds.split() for _, sounds in (line.split("\t") for line in _lines("english_letters.tsv"))]


def _lines(name: str) -> list[str]:
    text = (resources.files("swaram.text") / "data" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@lru_cache(maxsize=20_000)
def sounds_of(word: str) -> tuple[str, ...]:
    """The sounds of one lower-case English word (a to z and '): from the lists of words, otherwise by rule."""
    if word in _words():
        return tuple(_words()[word])
    if word in _more_words():
        return tuple(_more_words()[word].split())
    if word.endswith("'s"):
        return (*sounds_of(word[:-2]), "s")
    return sounds_by_rule(word)


def sounds_by_rule(word: str) -> tuple[str, ...]:
    """The sounds of one lower-case English word by the rules of spelling alone."""
    word = word.replace("'", "")
    sounds: list[str] = []
    place = 0
    while place < len(word):
        for letters, left, right, said in _rules().get(word[place], []):
            end = place + len(letters)
            if not word.startswith(letters, place):
                continue
            if (left and not left.search(word[:place])) or (right and not right.match(word[end:])):
                continue
            sounds += said
            place = end
            break
        else:
            place += 1
    return tuple(sounds)


class EnglishReader:
    """Reads English words and letters aloud in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        table = load_table(language.code).get("english", {})
        self.own_words: dict[str, str] = table.get("words", {})
        self._writer = writer(language.code) if language.script.name != "Latin" else None
        names = table["letters"].split() if "letters" in table else []
        if not names and self._writer:
            names = [self._writer.write(sounds) for sounds in _letters()]
        self.plural: str = table.get("plural") or (self._writer.write(["s"]) if self._writer else "s")
        self.letters: list[str] = [name.replace("_", " ") for name in names]

    @lru_cache(maxsize=20_000)  # noqa: B019 - readers are shared and live as long as the process
    def word(self, word: str) -> str:
        """One English word in the language's script (or as it is, where that script is Latin)."""
        lower = word.lower()
        if lower in self.own_words:
            return self.own_words[lower]
        if self._writer is None:
            return lower
        return self._writer.write(list(sounds_of(lower)))

    def knows(self, word: str) -> bool:
        """Whether a word is in the language's own list or in the list of English words."""
        return word.lower() in self.own_words or word.lower() in _words()

    def phrase(self, words: str) -> str:
        """Several English words."""
        return " ".join(self.word(word) for word in words.split())

    def spell(self, letters: str) -> str:
        """Latin letters by their names; anything else in between is passed over."""
        return " ".join(self.letters[ord(c) - 97] for c in letters.lower() if "a" <= c <= "z")


@cache
def english_reader(code: str) -> EnglishReader:
    """The (shared) reader of English for a language."""
    return EnglishReader(get_language(code))


def is_acronym(word: str) -> bool:
    """Whether a Latin word is said letter by letter: capitals that are no word, or no vowel to hang on to."""
    return by_letters(word, lambda lower: lower in _words())
