"""A whole book, streamed: seconds a character, and memory, from its beginning to its end: python benchmarks/book.py

Half a million characters are some eleven hours of speech: twelve minutes of one core. ``--characters 50000`` takes one.
"""

import argparse
import time

from contender import memory_mb
from side_by_side import MALAYALAM
from turns import ROOT

from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice

PARTS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--characters", type=int, default=500_000)
    parser.add_argument("--voice", default=str(ROOT / "voices" / "malayalam"))
    arguments = parser.parse_args()
    text = (f"{MALAYALAM} " * (arguments.characters // len(MALAYALAM) + 1))[: arguments.characters]
    engine = Engine(Voice.open(arguments.voice))
    list(engine.stream(SpeechRequest(MALAYALAM)))
    begun, cpu = time.perf_counter(), time.process_time()
    samples, place, part = 0, 0, 1
    for window in engine.stream(SpeechRequest(text)):
        if not samples:
            print(f"first sound after {1000 * (time.perf_counter() - begun):.0f} ms", flush=True)
        samples += len(window.samples)
        place = max([place, *(mark.end for mark in window.marks)])
        if place >= part * arguments.characters // PARTS:
            spent = 1000 * (time.process_time() - cpu) / place
            print(f"{place:7} characters: {spent:.3f} ms each, {memory_mb():.0f} MB", flush=True)
            part = place * PARTS // arguments.characters + 1
    seconds = samples / engine.voice.sample_rate
    print(f"{seconds / 3600:.2f} hours of speech, {(time.process_time() - cpu) / seconds:.4f} s of computing a second")


if __name__ == "__main__":
    main()
