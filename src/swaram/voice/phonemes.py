"""Phonemes for voices that read them: espeak-ng, where the user has it, run as a process of its own.

espeak-ng is GPL and no part of this project: it gets text on its standard input and answers with IPA. Users may also
give phonemes themselves, between double square brackets.
"""

import re
import shutil
import subprocess
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator

from swaram.text.sentences import Sentence
from swaram.voice.errors import SpeechError

PROGRAM = "espeak-ng"
GIVEN = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_CLAUSE = re.compile(r"[^,.:;?!…]*[,.:;?!…]*")
_MARKS = ",.:;?!…"
_LANGUAGE_FLAG = re.compile(r"\([a-z][a-z0-9-]*\)")
_SECONDS = 20.0
_KEPT = 512


class Phonemizer:
    """The phonemes of one espeak-ng voice; the last few hundred clauses are kept. Safe to use from several threads."""

    def __init__(self, espeak_voice: str) -> None:
        self._voice = espeak_voice
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, sentences: list[Sentence]) -> list[Sentence]:
        """Sentences of letters as sentences of phonemes with the same marks; origins go along word by word.

        Raises SpeechError where espeak-ng is missing or fails.
        """
        parts = [list(_clauses(sentence.text)) for sentence in sentences]
        both = list(zip(sentences, parts, strict=True))
        spoken = self._ask([sentence.text[a:b] for sentence, spans in both for a, b, _ in spans])
        return [self._written(sentence, spans, spoken) for sentence, spans in both]

    def _written(self, sentence: Sentence, spans: list[tuple[int, int, str]], known: dict[str, str]) -> Sentence:
        text, origins = "", list[int]()
        for start, end, marks in spans:
            spoken = known[sentence.text[start:end]]
            if not spoken:
                continue
            if text:
                text, origins = text + " ", [*origins, origins[-1]]
            text += spoken + marks
            last = sentence.origins[end - 1]
            origins += _origins(spoken, sentence.text[start:end], sentence.origins[start:end]) + [last] * len(marks)
        return Sentence(text, origins, sentence.pause_after)

    def _ask(self, clauses: list[str]) -> dict[str, str]:
        with self._lock:
            known = {clause: self._kept[clause] for clause in clauses if clause in self._kept}
        new = [clause for clause in dict.fromkeys(clauses) if clause not in known]
        if new:
            # A blank line ends a clause for espeak-ng; one that it cuts further is asked for alone.
            lines = self._run("\n\n".join(new)).splitlines()
            if len(lines) != len(new):
                lines = [" ".join(self._run(clause).split("\n")) for clause in new]
            known |= dict(zip(new, map(_plain, lines), strict=True))
        with self._lock:
            for clause in known:
                self._kept[clause] = known[clause]
                self._kept.move_to_end(clause)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return known

    def _run(self, text: str) -> str:
        program = shutil.which(PROGRAM)
        if program is None:
            raise SpeechError(
                f"This voice reads phonemes, and {PROGRAM}, which makes them of text, is not installed; install it, or "
                "give phonemes in [[double brackets]]."
            )
        command = [program, "-q", "--ipa", "-b", "1", "-v", self._voice, "--stdin"]
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise SpeechError(
                f"{PROGRAM} could not make phonemes with its voice {self._voice!r} ({type(error).__name__}); see "
                f"whether it knows that voice with {PROGRAM} --voices."
            ) from error
        return done.stdout.decode("utf-8", "replace")


def given_phonemes(text: str) -> Iterator[tuple[int, str, bool]]:
    """The pieces of a text: where each begins, the piece, and whether it is phonemes given in double brackets."""
    end = 0
    for match in GIVEN.finditer(text):
        if match.start() > end:
            yield end, text[end : match.start()], False
        yield match.start(1), match[1], True
        end = match.end()
    if end < len(text):
        yield end, text[end:], False


def decompose(phonemes: str, start: int) -> Sentence:
    """Phonemes that the user gave, decomposed as Piper's tables are; ``start`` is where they begin in the text."""
    text, origins = "", list[int]()
    for place, character in enumerate(phonemes.strip(), start + len(phonemes) - len(phonemes.lstrip())):
        parts = unicodedata.normalize("NFD", " " if character.isspace() else character)
        text += parts
        origins += [place] * len(parts)
    return Sentence(text, origins, 0.0)


def _clauses(text: str) -> Iterator[tuple[int, int, str]]:
    """Start and end of each clause without its marks, and the marks after it."""
    for match in _CLAUSE.finditer(text):
        words = match.group().rstrip(_MARKS)
        bare = words.strip()
        if any(character.isalnum() for character in bare):
            start = match.start() + len(words) - len(words.lstrip())
            yield start, start + len(bare), match.group()[len(words) :][:1]


def _plain(line: str) -> str:
    return unicodedata.normalize("NFD", " ".join(_LANGUAGE_FLAG.sub("", line).split()))


def _origins(spoken: str, text: str, origins: list[int]) -> list[int]:
    """Where each phoneme came from: word for word where there are as many, else evenly over the clause."""
    ours, theirs = list(re.finditer(r"\S+", text)), list(re.finditer(r"\S+", spoken))
    if len(ours) != len(theirs):
        return _spread(len(spoken), origins)
    found: list[int] = []
    for word, sounds in zip(ours, theirs, strict=True):
        found += [origins[word.start()]] * (sounds.start() - len(found))
        found += _spread(sounds.end() - sounds.start(), origins[word.start() : word.end()])
    return found


def _spread(count: int, origins: list[int]) -> list[int]:
    return [origins[place * len(origins) // count] for place in range(count)]
