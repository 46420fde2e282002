"""How well long recordings are cut: boundary errors, what is caught, what is lost. And how the seed models are made.

``python benchmarks/alignment.py measure ljspeech CORPUS --language kn --licence MIT`` joins clips of a corpus into
recordings of about half a minute, damages one in five of their texts, and aligns them as preparation does.
``python benchmarks/alignment.py seed OUT.npz KIND=FOLDER=CODE ...`` trains models from a flat start.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from swaram.alignment.aligner import Listening, make_aligners, silences, speech_level
from swaram.alignment.features import RATE
from swaram.alignment.longform import align_long
from swaram.alignment.models import Spoken, save_models, train_models
from swaram.alignment.pieces import Limits
from swaram.alignment.words import SENTENCE, Word, words_of
from swaram.audio.files import AudioError, read_audio
from swaram.audio.resample import high_pass, resample
from swaram.audio.trim import SpeechDetector
from swaram.corpora import ReadOptions, get_corpus
from swaram.text.frontend import TextFrontend

BREATH = 0.45  # seconds
DAMAGE = ("swapped", "missing", "added")


@dataclass(frozen=True)
class Clip:
    """One clip cut to its sound: float32 [samples] at 16,000 Hz."""

    speaker: str
    audio: np.ndarray
    words: list[Word]


def read_clips(kind: str, folder: Path, language: str, licence: str) -> Iterator[Clip]:
    """The clips of a corpus, each cut to where speech begins and ends; breaths apart from it are cut away."""
    frontend, detector = TextFrontend(language), SpeechDetector()
    for utterance in get_corpus(kind).read(folder, ReadOptions(language, licence)):
        try:
            recording = read_audio(utterance.audio) if utterance.audio is not None else None
        except AudioError:
            recording = None
        words = words_of(utterance.text, frontend)
        if recording is None or not words:
            continue
        audio = high_pass(resample(recording.audio, recording.sample_rate, RATE), RATE, 60.0)
        bounds = detector(audio).bounds()  # tells a breath before the sentence from its first word
        if bounds is None:
            continue
        audio = audio[round(bounds[0] * RATE) : round(bounds[1] * RATE)]
        level = Listening.to(audio).level
        loud = np.flatnonzero(level > speech_level(level))
        first, last = loud[0] / 100, (loud[-1] + 1) / 100
        for start, end in silences(level):
            first = end if first < start and end < first + BREATH else first
            last = start if end < last and start > last - BREATH else last
        words[-1] = replace(words[-1], mark=SENTENCE)
        yield Clip(utterance.speaker, audio[round(first * RATE) : round(last * RATE)], words)


def measure(clips: list[Clip], seconds: float, seed: int, verbose: bool = False) -> None:
    """Print boundary errors of whole texts, and what is caught and lost of damaged ones."""
    random = np.random.default_rng(seed)
    groups: list[list[int]] = [[]]
    for number in sorted(range(len(clips)), key=lambda n: clips[n].speaker):
        group = groups[-1]
        if group and (
            clips[group[0]].speaker != clips[number].speaker or sum(len(clips[n].audio) for n in group) > seconds * RATE
        ):
            groups.append([])
        groups[-1].append(number)
    groups = [group for group in groups if len(group) >= 3]
    made = []
    for place, group in enumerate(groups):
        parts, spans, at = [], [], 0.0
        for number in group:
            pause = (random.standard_normal(round(random.uniform(0.25, 0.8) * RATE)) * 10 ** (-65 / 20)).astype(
                np.float32
            )
            at += len(pause) / RATE
            spans.append((number, at, at + len(clips[number].audio) / RATE))
            at += len(clips[number].audio) / RATE
            parts += [pause, clips[number].audio]
        kind = DAMAGE[place // 5 % 3] if place % 5 == 0 else ""
        where = int(random.integers(1, len(group) - 1))
        other = groups[(place + 3) % len(groups)][0]
        written = list(group)
        if kind == "missing":
            written.pop(where)
        elif kind:
            written[where : where + (kind == "swapped")] = [other]
        words = [word for number in written for word in clips[number].words]
        owner = [number for number in written for _ in clips[number].words]
        audio = np.concatenate([*parts, np.zeros(RATE // 3, dtype=np.float32)])
        made.append((kind, audio, words, owner, spans))
    begun = time.perf_counter()
    spoken = []
    for _, audio, words, _, _ in made:
        heard = Listening.to(audio)
        spoken.append(Spoken(heard.features, heard.level, words))
    aligners = make_aligners(spoken)
    errors: list[float] = []
    counts = dict.fromkeys(("wrong", "caught", "right", "lost"), 0)
    kept = total = 0.0
    for place, (kind, audio, words, owner, spans) in enumerate(made):
        found = list(align_long([audio], words, aligners[place % 2], Limits()))
        pieces, timed = [p for part in found for p in part.pieces], [w for part in found for w in part.words]
        for number, start, end in spans if not kind else ():
            mine = [w for w, own in zip(timed, owner, strict=True) if own == number]
            errors += [abs(mine[0].start - start)] if mine[0].found else []
            errors += [abs(mine[-1].end - end)] if mine[-1].found else []
        for piece in pieces:
            heard = {n: min(end, piece.end) - max(start, piece.start) for n, start, end in spans}
            inside = {n for n, overlap in heard.items() if overlap > 0.4}
            said = {owner[n] for n in range(piece.first, piece.last) if timed[n].found}
            if piece.end - piece.start < 0.05 or (not said and not inside & set(owner)):
                continue
            right = bool(said) and inside <= said and all(heard.get(n, 0.0) > 0.0 for n in said)
            counts["right" if right else "wrong"] += 1
            counts["lost" if right else "caught"] += bool(piece.reason)
            if verbose and right == bool(piece.reason):
                print(f"  {kind or 'whole'} {piece} heard {inside} said {said}")
        kept += sum(piece.end - piece.start for piece in pieces if not piece.reason)
        total += len(audio) / RATE
    spent = time.perf_counter() - begun
    print(f"{len(made)} recordings, {total / 60:.1f} min, {kept / 60:.1f} kept; {total / spent:.0f} times real time")
    middle, high = 1000 * np.percentile(errors, [50, 95])
    print(f"boundaries of {len(errors)}: median {middle:.0f} ms, 95 % {high:.0f} ms")
    print("pieces: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("measure")
    one.add_argument("kind")
    one.add_argument("folder", type=Path)
    one.add_argument("--language", required=True)
    one.add_argument("--licence", default="")
    one.add_argument("--only", default="", help="speakers whose name holds this")
    one.add_argument("--seconds", type=float, default=28.0)
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--verbose", action="store_true", help="show each piece that was judged wrongly")
    two = commands.add_parser("seed")
    two.add_argument("out")
    two.add_argument("corpora", nargs="+", help="KIND=FOLDER=CODE")
    given = parser.parse_args()
    if given.command == "measure":
        clips = [
            c for c in read_clips(given.kind, given.folder, given.language, given.licence) if given.only in c.speaker
        ]
        measure(clips, given.seconds, given.seed, given.verbose)
        return
    spoken = []
    for corpus in given.corpora:
        kind, folder, code = corpus.split("=")
        for clip in read_clips(kind, Path(folder), code, "CC0-1.0"):
            heard = Listening.to(np.pad(clip.audio, RATE // 8))
            spoken.append(Spoken(heard.features, heard.level, clip.words))
    save_models(train_models(spoken, progress=lambda number, fit: print(f"round {number}: {fit:.3f}")), given.out)


if __name__ == "__main__":
    main()
