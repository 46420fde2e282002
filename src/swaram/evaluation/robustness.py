"""Texts that voices stumble over, and the faults that are looked for in what they make of them."""

import random
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from swaram.errors import SwaramError
from swaram.evaluation.bootstrap import ANYONE, Observation
from swaram.evaluation.instruments import Instruments, Sound
from swaram.evaluation.intelligibility import word_faults
from swaram.evaluation.system import Subject
from swaram.evaluation.test_set import TestSet
from swaram.text.symbols import SymbolTable

CATEGORIES = {
    "letters": "Single letters",
    "words": "Single words",
    "numbers": "Numbers",
    "names": "Names",
    "made": "Words that nobody read together",
    "long": "Very long sentences",
    "repeated": "Repeated words",
}
FAULTS = {
    "missing": "a word left out",
    "repeated": "a word said twice",
    "silence": "silence over 1 s",
    "clipping": "clipping",
    "length": "length out of range",
}
LETTERS, WORDS, LONG_CHARACTERS = 10, 40, 300
TEXTS, NUMBERS, MADE_WORDS = 200, 40, (3, 8)
SILENCE_SECONDS, SILENCE_DEPTH, CLIPPED_SHARE = 1.0, 40.0, 0.001
MARKS = "!\"',-.:;?…"
_FRAME_SECONDS = 0.02


@dataclass(frozen=True)
class LengthRange:
    """Seconds a letter in natural clips: 1st and 99th percentile. A speech may last half or twice as long.

    The upper end has half a second to spare, since short words are spoken with care.
    """

    low: float
    high: float

    @classmethod
    def of(cls, test_set: TestSet) -> "LengthRange":
        """From the train split; from the evaluated split where there is no other."""
        clips = [clip for found in test_set.others.values() for clip in found] or list(test_set.clips)
        paces = [clip.seconds / max(1, len(clip.text)) for clip in clips]
        return cls(*(float(p) for p in np.percentile(paces, [1, 99])))

    def holds(self, seconds: float, letters: int) -> bool:
        """Whether a speech of so many letters may last so long."""
        return 0.5 * self.low * letters <= seconds <= 2 * self.high * letters + 0.5


def stumbling_texts(language: str, test_set: TestSet) -> list[tuple[str, str]]:
    """200 times (category, text) in a fixed order: from the data file, the alphabet, and the words of the corpus.

    The numbers and the sentences of drawn words are the same for the same corpus.
    """
    table = tomllib.loads(resources.files(__package__).joinpath("data/robustness.toml").read_text(encoding="utf-8-sig"))
    own: dict[str, Any] = table.get(language, {})
    sentences = list(test_set.sentences.values())
    words = sorted({word.strip(MARKS) for text in sentences for word in text.split()}, key=lambda w: (-len(w), w))
    every = sorted({w for text in _texts(test_set) for word in text.split() if len(w := word.strip(MARKS)) > 2})
    letters = [s for s in SymbolTable.for_languages(language).symbols[3:] if s.isalpha()]
    found = {
        "letters": own.get("letters") or _spread(letters, LETTERS),
        "words": [*own.get("words", []), *_spread(every, WORDS)][:WORDS],
        "numbers": table["numbers"] + _drawn_numbers(NUMBERS - len(table["numbers"])),
        "names": own.get("names", []),
        "long": own.get("long") or [_joined(sentences)],
        "repeated": own.get("repeated")
        or [" ".join([word] * n) + "." for n, word in zip((2, 3, 5), words, strict=False)],
    }
    found["made"] = _drawn_sentences(every, TEXTS - sum(map(len, found.values())))
    return [(category, text) for category in CATEGORIES for text in found[category]]


def _texts(test_set: TestSet) -> list[str]:
    return [clip.text for clips in (test_set.clips, *test_set.others.values()) for clip in clips]


def _drawn_numbers(count: int) -> list[str]:
    """Numbers of one to seven digits; every fifth has one or two decimals."""
    draw = random.Random(0)
    numbers = []
    for number in range(count):
        whole = draw.randrange(10 ** (number % 7), 10 ** (number % 7 + 1))
        numbers.append(f"{whole}.{draw.randrange(1, 100)}" if number % 5 == 4 else str(whole))
    return numbers


def _drawn_sentences(words: list[str], count: int) -> list[str]:
    """Sentences of words that nobody read together, none of them twice in one."""
    draw = random.Random(0)
    sizes = [min(len(words), draw.randint(*MADE_WORDS)) for _ in range(count)]
    return [" ".join(draw.sample(words, size)) + "." for size in sizes if size]


def _spread(items: list[str], number: int) -> list[str]:
    return items[:: max(1, len(items) // number)][:number]


def _joined(sentences: list[str]) -> str:
    """Sentences without their marks, one after the other, until they are very long."""
    text = ""
    for sentence in sentences:
        if len(text) >= LONG_CHARACTERS:
            break
        text = f"{text} {''.join(c for c in sentence if c not in '.,!?;:…')}".strip()
    return text + "."


def faults(
    audio: np.ndarray, sample_rate: int, intended: str, heard: str | None, lengths: LengthRange
) -> dict[str, bool]:
    """Which of ``FAULTS`` a speech has; words are not judged where ``heard`` is ``None``.

    ``audio``: float32 [samples], -1..1, mono; ``intended`` and ``heard``: as ``intelligibility.letters`` gives them.
    """
    found = {
        "silence": longest_silence(audio, sample_rate) > SILENCE_SECONDS,
        "clipping": float(np.mean(np.abs(audio) >= 0.999)) > CLIPPED_SHARE if len(audio) else False,
        "length": not lengths.holds(len(audio) / sample_rate, len(intended)),
    }
    if heard is not None:
        words = word_faults(intended, heard)
        found |= {"missing": bool(words.missing), "repeated": bool(words.repeated)}
    return found


def longest_silence(audio: np.ndarray, sample_rate: int) -> float:
    """Seconds of the longest stretch 40 dB below the loud parts (95th percentile of 20 ms), or below -60 dBFS."""
    size = int(_FRAME_SECONDS * sample_rate)
    frames = audio[: len(audio) // size * size].reshape(-1, size).astype(np.float64)
    if not len(frames):
        return len(audio) / sample_rate
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    silent = level < max(float(np.percentile(level, 95)) - SILENCE_DEPTH, -60.0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    return float(max(edges[1::2] - edges[::2], default=0)) * _FRAME_SECONDS


NATURAL = "natural"
# A judge that was taught sentences has nothing to say about one letter.
UNJUDGED = ("letters",)


@dataclass(frozen=True)
class Trial:
    """One text and what came of it; ``faults`` holds those that were found; ``sound`` is ``None`` if it failed."""

    category: str
    text: str
    speaker: str
    heard: str | None
    faults: tuple[str, ...]
    missing: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    words: int = 0  # how many the judge was asked about
    error: str = ""
    sound: Sound | None = None


def run_trials(
    subject: Subject,
    test_set: TestSet,
    speakers: list[str],
    instruments: Instruments,
    limit: int | None = None,
    say: Callable[[str], None] = print,
) -> tuple[list[Trial], list[Observation]]:
    """Speak each text once, the speakers in turn; look for the same faults in the natural clips.

    The observations are named ``<category>.<fault>``, 1 where the fault is there; the natural clips are the
    category ``natural``. ``limit``: so many texts of each category.
    """
    lengths = LengthRange.of(test_set)
    texts = stumbling_texts(subject.language, test_set)
    if limit is not None:
        places = {category: 0 for category, _ in texts}
        chosen = []
        for category, text in texts:
            places[category] += 1
            if places[category] <= limit:
                chosen.append((category, text))
        texts = chosen
    say(f"speaking {len(texts)} texts that voices stumble over")
    trials: list[Trial] = []
    observations: list[Observation] = []
    for number, (category, text) in enumerate(texts):
        speaker = speakers[number % len(speakers)]
        trial = _try(subject, category, text, speaker, instruments, lengths, observations)
        trials.append(trial)
    for clip in test_set.clips:
        sound = instruments.natural(clip)
        heard = _transcript(instruments, sound)
        found = faults(sound.raw, sound.sample_rate, instruments.written(clip.text), heard, lengths)
        observations += [Observation(f"{NATURAL}.{f}", NATURAL, ANYONE, clip.key, v) for f, v in found.items()]
    return trials, observations


def _try(
    subject: Subject,
    category: str,
    text: str,
    speaker: str,
    instruments: Instruments,
    lengths: LengthRange,
    observations: list[Observation],
) -> Trial:
    try:
        synthesis = subject.speak(text, speaker)
    except SwaramError as error:  # a text that cannot be spoken at all is a finding, not the end
        observations.append(Observation(f"{category}.length", "synthetic", speaker, text, 1.0))
        return Trial(category, text, speaker, None, ("length",), error=str(error))
    sound = Sound(synthesis.audio, synthesis.sample_rate, text)
    intended = instruments.written(text)
    heard = None if category in UNJUDGED else _transcript(instruments, sound)
    found = faults(sound.raw, sound.sample_rate, intended, heard, lengths)
    observations += [Observation(f"{category}.{f}", "synthetic", speaker, text, v) for f, v in found.items()]
    words = word_faults(intended, heard or "") if heard is not None else None
    return Trial(
        category,
        text,
        speaker,
        heard,
        tuple(fault for fault, there in found.items() if there),
        words.missing if words else (),
        words.repeated if words else (),
        words.words if words else 0,
        sound=sound,
    )


def _transcript(instruments: Instruments, sound: Sound) -> str | None:
    hearing = instruments.hearing(sound)
    return hearing.transcript if hearing else None
