"""Import: whatever a format's reader hands over becomes a voice package that has spoken before it gets its name."""

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from swaram.errors import SwaramError
from swaram.formats.exchange import FormatError, ImportOptions, PackedVoice, TrainedVoice
from swaram.formats.metadata import forbids_commerce
from swaram.formats.registry import Format
from swaram.languages import get_language
from swaram.text.symbols import letters_of
from swaram.voice.check import check_voice
from swaram.voice.engine import Engine
from swaram.voice.errors import VoiceError
from swaram.voice.packing import check_target, write_package
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


@dataclass(frozen=True)
class ImportReport:
    """What an import found: the licence, what the self-check measured, the package's size, notes of a sentence each."""

    licence: str
    forbids_commerce: bool
    check: SelfCheck
    size_bytes: int
    notes: tuple[str, ...]


def import_voice(
    form: Format, source: Path, out: Path, options: ImportOptions, checkpoint: Path | None = None
) -> ImportReport:
    """Write the voice package ``out`` from ``source``; ``checkpoint``: a folder for weights to train on from.

    Nothing stands at ``out`` before the self-check is passed. Raises FormatError where the source cannot be read,
    VoiceError where the voice does not speak.
    """
    check_target(out)
    if checkpoint and checkpoint.exists():
        raise FormatError(f"{checkpoint} exists; name another folder with --checkpoint")
    read = form.read(source, options)
    if checkpoint and not isinstance(read, TrainedVoice):
        raise FormatError(f"{form.title} holds no weights to train on from in this file; leave --checkpoint out")
    trial = out.with_name(f".{out.name}.trial")
    shutil.rmtree(trial, ignore_errors=True)
    try:
        if checkpoint and isinstance(read, TrainedVoice):
            _write_checkpoint(checkpoint, read)
        size = _pack(read, trial)
        voice = Voice.open(trial)
        found = check_speech(voice)
        shutil.rmtree(out, ignore_errors=True)
        trial.rename(out)
    except SwaramError:
        if checkpoint:
            shutil.rmtree(checkpoint, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    licence = voice.manifest.licence
    return ImportReport(licence, forbids_commerce(licence), found, size, tuple(read.notes))


def _pack(read: TrainedVoice | PackedVoice, out: Path) -> int:
    if isinstance(read, PackedVoice):
        return write_package(out, read.models, read.manifest, read.card, read.licence_text)
    from swaram.export.voice import write_voice

    return write_voice(read.model, read.info, out, read.facts).size_bytes


def _write_checkpoint(folder: Path, read: TrainedVoice) -> None:
    """The tensors before they are folded for inference, under the names that training gives them."""
    from swaram.training.checkpoints import write_checkpoint

    tensors = {"generator": read.model.state_dict()}
    if read.discriminators:
        tensors["discriminator"] = read.discriminators
    write_checkpoint(folder, replace(read.info, discriminators=bool(read.discriminators)), tensors)
