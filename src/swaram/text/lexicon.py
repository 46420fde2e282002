"""A lexicon: words, and how they are to be spelled before anything else is read.

A key in small letters (or in a script without capitals) matches in any case, one with a capital only as it is written.
A key that ends in ``*`` matches the beginning of a word; the rest of that word stays. Other keys match whole words, of
which there may be several. A spelling is read like any other text, but no key is looked for in it again.
"""

import bisect
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from swaram.errors import SwaramError
from swaram.languages import LANGUAGES
from swaram.text.letters import LETTERS, alternation
from swaram.text.normalise import normalise
from swaram.text.traced import TracedText

MAX_ENTRIES = 100_000
MAX_CHARACTERS = 500  # of a key or a spelling
MAX_BYTES = 32 << 20
_INSIDE = f"[{LETTERS}0-9]"
_EDGE = f"(?:(?<!{_INSIDE})|(?!{_INSIDE}))"  # no word runs over this place


class LexiconError(SwaramError):
    """A lexicon that cannot be read; the message says where."""


class Lexicon:
    """Words and their spellings.

    Args:
        entries: word to spelling, for every language.
        by_language: the same for one language code each; these come before ``entries``.
        name: how error messages call it.

    Raises:
        LexiconError: an empty or overlong word or spelling, a language that is not offered, too many entries.
    """

    def __init__(
        self,
        entries: Mapping[str, str],
        by_language: Mapping[str, Mapping[str, str]] | None = None,
        name: str = "lexicon",
    ) -> None:
        self._entries, self._by_language = dict(entries), {k: dict(v) for k, v in (by_language or {}).items()}
        for code in self._by_language:
            if code not in LANGUAGES:
                raise LexiconError(f"{name}: {code!r} is no language that is offered; use a code such as ml or ta.")
        every = [self._entries, *self._by_language.values()]
        if sum(map(len, every)) > MAX_ENTRIES:
            raise LexiconError(f"{name}: more than {MAX_ENTRIES} entries; keep those that are read wrongly.")
        for word, spelling in (item for part in every for item in part.items()):
            _check(name, word, spelling)
        self._compiled = lru_cache(maxsize=len(LANGUAGES))(self._compile)

    def __len__(self) -> int:
        return len(self._entries) + sum(map(len, self._by_language.values()))

    def spans(self, text: str, language: str) -> list[tuple[int, int, str]]:
        """What of a normalised text is to be written otherwise: start, end, spelling; in order, without overlap."""
        pattern, exact, small = self._compiled(language)
        if pattern is None:
            return []
        found = []
        for match in pattern.finditer(text):
            key = match.group()
            spelling = exact.get(key) or small.get(key.lower()) or exact.get(key + "*") or small.get(key.lower() + "*")
            if spelling is not None and spelling != key:
                found.append((*match.span(), spelling))
        return found

    def _compile(self, language: str) -> tuple[re.Pattern[str] | None, dict[str, str], dict[str, str]]:
        exact: dict[str, str] = {}
        small: dict[str, str] = {}
        for word, spelling in (self._entries | self._by_language.get(language, {})).items():
            star = "*" if word.endswith("*") and len(word) > 1 else ""
            key = normalise(word.removesuffix(star) if star else word, language).strip()
            if key:
                (small if key == key.lower() else exact)[key + star] = spelling
        groups = []
        for keys, flag in ((exact, ""), (small, "i")):
            for whole in (True, False):
                chosen = [key.removesuffix("*") for key in keys if key.endswith("*") != whole]
                if chosen:
                    groups.append(f"(?{flag}:{alternation(chosen)})" + (_EDGE if whole else ""))
        return (re.compile(_EDGE + f"(?:{'|'.join(groups)})") if groups else None), exact, small

    @classmethod
    def read(cls, path: str | Path) -> "Lexicon":
        """Read a file: TOML (``word = "spelling"``, tables named by language codes), or else tab-separated lines of
        word, spelling and, if wanted, a language code; ``#`` begins a comment line.

        Raises LexiconError, which names the line.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise LexiconError(f"{path}: larger than {MAX_BYTES >> 20} MiB; a lexicon is a small file.")
            content = path.read_bytes()
        except OSError as error:
            raise LexiconError(f"{path}: the lexicon cannot be read ({error.strerror}).") from None
        return cls.parse(content, str(path), toml=path.suffix.lower() == ".toml")

    @classmethod
    def parse(cls, content: bytes, name: str = "lexicon", *, toml: bool = False) -> "Lexicon":
        """As ``read``, of what such a file holds."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise LexiconError(f"{name}: byte {error.start} is not UTF-8; save the lexicon as UTF-8.") from None
        return cls(*(_toml(text, name) if toml else _table(text, name)), name=name)


def apply_lexicons(traced: TracedText, lexicons: Iterable[Lexicon], language: str) -> TracedText:
    """A normalised text with every word of the lexicons spelled as they say; earlier ones come before later ones."""
    taken: list[tuple[int, int, str]] = []
    for lexicon in lexicons:
        spans = lexicon.spans(traced.text, language)
        if taken and spans:
            spans = [span for span in spans if not _overlaps(span, taken)]
        taken = sorted(taken + spans) if taken else spans
    return traced.replace(taken, ["lexicon"] * len(taken))


def _overlaps(span: tuple[int, int, str], taken: list[tuple[int, int, str]]) -> bool:
    place = bisect.bisect_left(taken, span)
    return (place > 0 and taken[place - 1][1] > span[0]) or (place < len(taken) and taken[place][0] < span[1])


def _check(name: str, word: object, spelling: object) -> None:
    for what, value in (("word", word), ("spelling", spelling)):
        if not isinstance(value, str) or not value.strip() or len(value) > MAX_CHARACTERS:
            raise LexiconError(
                f"{name}: each {what} must be a text of 1 to {MAX_CHARACTERS} characters; mend {str(word)[:40]!r}."
            )


def _toml(text: str, name: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LexiconError(f"{name}: not TOML: {error}.") from None
    words = {key: value for key, value in table.items() if not isinstance(value, dict)}
    return words, {key: value for key, value in table.items() if isinstance(value, dict)}


def _table(text: str, name: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    words: dict[str, str] = {}
    by_language: dict[str, dict[str, str]] = {}
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) not in (2, 3) or not all(cells[:2]):
            raise LexiconError(f"{name}, line {number}: write a word, a tab, and its spelling.")
        code = cells[2] if len(cells) == 3 else ""
        (by_language.setdefault(code, {}) if code else words)[cells[0]] = cells[1]
    return words, by_language
