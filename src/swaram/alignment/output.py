"""An alignment as people and programs want it: plain data, and Praat's TextGrid."""

from collections.abc import Sequence
from typing import Any

from swaram.alignment.aligner import TimedWord
from swaram.alignment.recording import AlignedRecording
from swaram.alignment.words import SENTENCE


def as_data(aligned: AlignedRecording) -> dict[str, Any]:
    """Words with times, sentences, and what does not fit, as plain data; times in seconds."""
    return {
        "duration": round(aligned.seconds, 3),
        "words": [
            {"word": t.word.text, "start": round(t.start, 3), "end": round(t.end, 3), "score": round(t.score, 2)}
            for t in aligned.words
            if t.found
        ],
        "sentences": [
            {"text": text, "start": round(start, 3), "end": round(end, 3)}
            for text, start, end in sentences_of(aligned.words)
        ],
        "not_spoken": [t.word.text for t in aligned.words if not t.found],
        "not_written": [{"start": start, "end": end} for start, end in aligned.extra],
        "doubtful": [{"start": start, "end": end, "reason": reason} for start, end, reason in aligned.doubtful],
    }


def sentences_of(words: Sequence[TimedWord]) -> list[tuple[str, float, float]]:
    """(text, start, end) of each sentence of which a word was found."""
    found: list[tuple[str, float, float]] = []
    group: list[TimedWord] = []
    for number, timed in enumerate(words):
        group.append(timed)
        if timed.word.mark == SENTENCE or number == len(words) - 1:
            spoken = [one for one in group if one.found]
            if spoken:
                found.append((" ".join(one.word.text for one in spoken), spoken[0].start, spoken[-1].end))
            group = []
    return found


def text_grid(aligned: AlignedRecording) -> str:
    """Praat's TextGrid, long form, with a tier of sentences and one of words."""
    tiers = [
        ("sentences", sentences_of(aligned.words)),
        ("words", [(t.word.text, t.start, t.end) for t in aligned.words if t.found]),
    ]
    seconds = max([aligned.seconds, *(end for _, spans in tiers for _, _, end in spans)])
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {seconds:.3f}",
        "tiers? <exists>", f"size = {len(tiers)}", "item []:",
    ]  # fmt: skip
    for number, (name, spans) in enumerate(tiers, start=1):
        intervals = _without_holes(spans, seconds)
        lines += [
            f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"',
            "        xmin = 0", f"        xmax = {seconds:.3f}", f"        intervals: size = {len(intervals)}",
        ]  # fmt: skip
        for place, (text, start, end) in enumerate(intervals, start=1):
            quoted = text.replace('"', '""').replace("\n", " ")
            lines += [
                f"        intervals [{place}]:", f"            xmin = {start:.3f}", f"            xmax = {end:.3f}",
                f'            text = "{quoted}"',
            ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _without_holes(spans: Sequence[tuple[str, float, float]], seconds: float) -> list[tuple[str, float, float]]:
    """Intervals that follow each other from 0 to the end: those without a text are silence."""
    filled: list[tuple[str, float, float]] = []
    at = 0.0
    for text, start, end in spans:
        start, end = max(start, at), max(end, at)
        if end - start < 0.0005:
            continue
        if start - at > 0.0005:
            filled.append(("", at, start))
        filled.append((text, max(start, at) if filled else start, end))
        at = end
    if seconds - at > 0.0005:
        filled.append(("", at, seconds))
    return filled
