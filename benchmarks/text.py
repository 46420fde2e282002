"""Speed of the text front end on one core: python benchmarks/text.py [--seconds 1.0] [--language ml ...]

Prints megabytes of UTF-8 text a second: for plain sentences (what that language's gold set says), where one line in
six is a number, for nothing but numbers, for nothing but English words, for amounts, dates, telephone numbers and
times among plain sentences, for "12345 " repeated, and, where the recorded Malayalam corpus is
beside the checkout, for its transcripts one by one.
"""

import argparse
import csv
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from swaram.languages import LANGUAGES
from swaram.text import TextFrontend

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "corpora" / "malayalam-msc"


def speed(work: Callable[[], object], size: int, seconds: float) -> float:
    """Megabytes of processor time a second, repeating ``work`` (``size`` bytes) for at least ``seconds``."""
    work()
    rounds, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        work()
        rounds += 1
    return rounds * size / (time.process_time() - start) / 1e6


def gold_texts(code: str) -> tuple[str, str]:
    """What the gold set says, and what it is given, each repeated to about 200 kB."""
    with open(ROOT / "tests" / "text" / "gold" / f"{code}.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    plain = ". ".join(row["expected"] for row in rows) + "\n"
    dense = ". ".join(row["input"] for row in rows) + "\n"
    return tuple(text * (200_000 // len(text.encode())) for text in (plain, dense))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--language", nargs="*", default=list(LANGUAGES))
    arguments = parser.parse_args()
    print("MB/s      plain    mixed  numbers  English  amounts  12345")
    for code in arguments.language:
        frontend = TextFrontend(code)
        plain, dense = gold_texts(code)
        amounts = (plain[:180] + " ₹1,25,000, 15-08-1947, 9876543210, 10:30, Rs. 2.5 crore. ") * 600
        row = "12345 " * 12_000
        english = "The quick brown fox jumps over the lazy dog near Kochi. BJP and ISRO. " * 2_800
        speeds = [
            speed(partial(frontend.analyse, text), len(text.encode()), arguments.seconds)
            for text in (plain, plain + dense[: len(plain) // 5], dense, english, amounts, row)
        ]
        print(f"{code:8}" + "".join(f"{value:7.2f}  " for value in speeds))
    if CORPUS.is_dir():
        transcripts = []
        for path in sorted(CORPUS.glob("*.tsv")):
            with open(path, encoding="utf-8", newline="") as file:
                transcripts += [row["transcript"] for row in csv.DictReader(file, delimiter="\t")]
        frontend, size = TextFrontend("ml"), sum(len(transcript.encode()) for transcript in transcripts)
        each = speed(lambda: [frontend.analyse(transcript) for transcript in transcripts], size, arguments.seconds)
        print(f"{len(transcripts)} transcripts of the Malayalam corpus, one by one: {each:.2f} MB/s")


if __name__ == "__main__":
    main()
