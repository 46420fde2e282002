"""Transcripts as people and programs want them: lines with times, SubRip, WebVTT, and plain data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from swaram.recognition.recognizer import Transcript, Word

PAUSE = 0.6  # seconds between words that end a line
LONGEST_LINE, LONGEST_SECONDS = 60, 7.0


@dataclass(frozen=True)
class Line:
    """Words that stand together on a screen; times in seconds."""

    text: str
    start: float
    end: float


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Words in lines: a pause ends one, and so does its length in characters or seconds."""
    groups: list[list[Word]] = []
    for word in words:
        last = groups[-1] if groups else []
        full = last and (
            word.start - last[-1].end > PAUSE
            or sum(len(w.text) + 1 for w in last) + len(word.text) > LONGEST_LINE
            or word.end - last[0].start > LONGEST_SECONDS
        )
        if not last or full:
            groups.append([word])
        else:
            last.append(word)
    return [Line(" ".join(w.text for w in group), group[0].start, group[-1].end) for group in groups]


def subrip(transcript: Transcript) -> str:
    """SubRip (.srt): numbered lines with times in hours, minutes, seconds and milliseconds after a comma."""
    blocks = [
        f"{number}\n{clock(line.start, ',')} --> {clock(line.end, ',')}\n{line.text}\n"
        for number, line in enumerate(lines_of(transcript.words), start=1)
    ]
    return "\n".join(blocks)


def web_vtt(transcript: Transcript) -> str:
    """WebVTT (.vtt)."""
    blocks = [
        f"{clock(line.start, '.')} --> {clock(line.end, '.')}\n{line.text}\n" for line in lines_of(transcript.words)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def as_data(transcript: Transcript, duration: float) -> dict[str, Any]:
    """Text, length, lines and words as plain data; times in seconds."""
    return {
        "text": transcript.text,
        "duration": round(duration, 3),
        "segments": [
            {"id": number, "start": line.start, "end": line.end, "text": line.text}
            for number, line in enumerate(lines_of(transcript.words))
        ],
        "words": [word_data(word) for word in transcript.words],
    }


def word_data(word: Word) -> dict[str, Any]:
    """One word as plain data."""
    return {"word": word.text, "start": word.start, "end": word.end, "confidence": word.confidence}


def clock(seconds: float, point: str) -> str:
    """Hours, minutes, seconds and milliseconds, with ``point`` before the last."""
    milliseconds = round(1000 * seconds)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}{point}{milliseconds % 1000:03d}"
