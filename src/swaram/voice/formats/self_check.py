"""The self-check of an imported voice: a sentence spoken and measured, before the voice gets its name."""

import math
from dataclasses import dataclass

import numpy as np

from swaram.languages import get_language
from swaram.text.symbols import letters_of
from swaram.voice.check import check_voice
from swaram.voice.engine import Engine
from swaram.voice.errors import VoiceError
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice

# Every language's front end reads numbers in its own words, so that one text does for all of them.
NUMBERS = "12, 345, 67."
FEWEST_SYMBOLS = 8
QUIETEST_DBFS = -55.0
FULL_SCALE, MOST_CLIPPED = 0.999, 0.01
SHORTEST, LONGEST = 0.02, 0.6  # seconds a symbol


@dataclass(frozen=True)
class SelfCheck:
    """What was measured: level in dBFS, share of clipped samples, seconds in all and a symbol, streaming's error."""

    symbols: int
    seconds: float
    level: float
    clipped: float
    difference: float

    def __str__(self) -> str:
        return (
            f"{self.symbols} symbols spoken in {self.seconds:.2f} s, level {self.level:.1f} dBFS, "
            f"{100 * self.clipped:.2f} % clipped, streamed and whole differ by {self.difference:.1e}"
        )


def check_speech(voice: Voice) -> SelfCheck:
    """Speak as the default speaker. Raises VoiceError for silence, clipped sound, or a length that no speech has."""
    difference = check_voice(voice)
    engine = Engine(voice)
    text, symbols = _sentence(voice, engine)
    audio = engine.synthesise(SpeechRequest(text, seed=1)).audio.astype(np.float64)
    level = 10 * math.log10(max(float(np.mean(audio**2)), 1e-12))
    clipped = float(np.mean(np.abs(audio) >= FULL_SCALE))
    found = SelfCheck(symbols, len(audio) / voice.sample_rate, level, clipped, difference)
    fault = ""
    if level < QUIETEST_DBFS:
        fault = f"it is silent ({level:.1f} dBFS)"
    elif clipped > MOST_CLIPPED:
        fault = f"{100 * clipped:.1f} % of its samples are clipped"
    elif not SHORTEST <= found.seconds / symbols <= LONGEST:
        fault = f"it takes {found.seconds:.2f} s for {symbols} symbols"
    if fault:
        raise VoiceError(f"{voice.name} does not speak as a voice should: {fault}; nothing was written")
    return found


def _sentence(voice: Voice, engine: Engine) -> tuple[str, int]:
    """A text and how many symbols the voice reads of it: numbers, or letters where it knows no words for them."""
    known = [letter for letter in letters_of(voice.languages[0]) if letter in voice.symbols and letter.isalpha()]
    letters = "".join(known[:24])
    reader = engine.reader(SpeechRequest())
    # Phonemes are given as such: whether the voice speaks does not depend on the program that makes them of text.
    phonemes = "".join(symbol for symbol in voice.symbols.symbols if symbol.islower())[:24]
    for text in (f"[[{phonemes}]]",) if voice.manifest.text.symbols == "phonemes" else (NUMBERS, letters):
        symbols = sum(len(passage.text) for passage in reader.read_part(text).passages)
        if symbols >= FEWEST_SYMBOLS:
            return text, symbols
    raise VoiceError(
        f"{voice.name} knows {len(known)} letters of {get_language(voice.languages[0]).name}: name its language with "
        "--language"
    )
