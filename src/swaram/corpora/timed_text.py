"""Texts of long recordings, with or without times: plain text, SubRip, WebVTT, Praat's TextGrid, JSON."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swaram.corpora.utterance import CorpusError

TEXT_ENDINGS = (".txt", ".srt", ".vtt", ".textgrid", ".json")
_TIMES = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->")
_MARKUP = re.compile(r"</?[^<>]{1,40}>|\{\\[^{}]*\}")
_INTERVAL = re.compile(
    r"(?:xmin|number|time)\s*=\s*([\d.eE+-]+)(?:\s*xmax\s*=\s*([\d.eE+-]+))?\s*(?:text|mark)\s*=\s*\"((?:[^\"]|\"\")*)\""
)
_TIER = re.compile(r"item\s*\[\d+\]\s*:")


@dataclass(frozen=True)
class TimedText:
    """``text``: the whole of it, a line for each cue; ``hints``: (character of the text, seconds) where cues begin."""

    text: str
    hints: tuple[tuple[int, float], ...] = ()


def read_timed_text(path: Path) -> TimedText:
    """Read a file by its ending; any other ending is plain text. Raises CorpusError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); give the file that holds the text") from None
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    kind = path.suffix.lower()
    if kind in (".srt", ".vtt"):
        return _joined(_cues(text), path)
    if kind == ".textgrid":
        return _joined(_intervals(text), path)
    if kind == ".json":
        return _joined(_json(text, path), path)
    return TimedText(text)


def _joined(cues: list[tuple[float | None, str]], path: Path) -> TimedText:
    text, hints = "", []
    for seconds, said in cues:
        said = " ".join(_MARKUP.sub("", said).split())
        if said:
            if seconds is not None:
                hints.append((len(text), seconds))
            text += said + "\n"
    if not text:
        raise CorpusError(f"{path}: holds no text; see that it is {path.suffix.lstrip('.').upper()}")
    return TimedText(text, tuple(hints))


def _cues(text: str) -> list[tuple[float | None, str]]:
    """Blocks of subtitles: what follows a line with times, up to an empty line."""
    cues: list[tuple[float | None, str]] = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.split("\n")
        for number, line in enumerate(lines):
            if match := _TIMES.search(line):
                hours, minutes, seconds, part = match.groups()
                at = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(part.ljust(3, "0")) / 1000
                cues.append((at, " ".join(lines[number + 1 :])))
                break
    return cues


def _intervals(text: str) -> list[tuple[float | None, str]]:
    """The tier with the most text, of sentences rather than words where both hold it."""
    tiers = _TIER.split(text)[1:] or [text]
    found = []
    for tier in tiers:
        spans = [(float(m[1]), m[3].replace('""', '"').strip()) for m in _INTERVAL.finditer(tier)]
        spans = [(start, said) for start, said in spans if said]
        found.append((sum(len(said.replace(" ", "")) for _, said in spans), -len(spans), spans))
    return [(start, said) for start, said in max(found, key=lambda tier: tier[:2])[2]] if found else []


def _json(text: str, path: Path) -> list[tuple[float | None, str]]:
    """A list of objects with a text and perhaps a time, or an object that holds one; or one text."""
    try:
        data: Any = json.loads(text)
    except ValueError as error:
        raise CorpusError(f"{path}: is no JSON ({error}); mend it, or give the text as .txt") from None
    if isinstance(data, dict):
        for name in ("sentences", "segments", "cues", "fragments", "utterances", "words"):
            if isinstance(data.get(name), list):
                data = data[name]
                break
        else:
            data = [data]
    cues: list[tuple[float | None, str]] = []
    for row in data if isinstance(data, list) else [data]:
        if isinstance(row, str):
            cues.append((None, row))
        elif isinstance(row, dict):
            said = next(
                (row[n] for n in ("text", "sentence", "word", "transcript", "line") if isinstance(row.get(n), str)), ""
            )
            if not said and isinstance(row.get("lines"), list):
                said = " ".join(str(line) for line in row["lines"])
            start = next((row[n] for n in ("start", "begin", "from", "time") if row.get(n) is not None), None)
            cues.append((_seconds(start), said))
    return cues


def _seconds(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    parts = str(value).replace(",", ".").split(":") if value is not None else []
    try:
        return sum(float(part) * 60**power for power, part in enumerate(reversed(parts))) if parts else None
    except ValueError:
        return None
