"""A recording and where it was cut, drawn: in a terminal, and as an SVG picture."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np

_BARS = " ▁▂▃▄▅▆▇█"


def levels(audio: np.ndarray, columns: int) -> np.ndarray:
    """The loudest sample of each of so many equal parts, 0..1 of the recording's loudest: float32 [columns].

    ``audio``: float32 [samples], mono.
    """
    edges = np.linspace(0, len(audio), columns + 1).astype(int)
    peaks = np.array([np.abs(audio[a : max(b, a + 1)]).max(initial=0.0) for a, b in pairwise(edges)])
    return np.asarray(peaks / max(float(peaks.max(initial=0.0)), 1e-9), dtype=np.float32)


def draw_text(audio: np.ndarray, sample_rate: int, cuts: Sequence[dict[str, Any]], columns: int = 100) -> str:
    """Lines of 20 s: bars for the loudness, and under them a mark at each cut; ``x`` fills what is left out."""
    seconds = len(audio) / sample_rate
    line_seconds = min(20.0, seconds) or 1.0
    width = max(1, round(columns * line_seconds / 20.0))
    rows = []
    for first in np.arange(0.0, seconds, line_seconds):
        part = audio[int(first * sample_rate) : int((first + line_seconds) * sample_rate)]
        shown = max(1, round(width * len(part) / (line_seconds * sample_rate)))
        bars = "".join(_BARS[round(float(level) * (len(_BARS) - 1))] for level in levels(part, shown))
        marks = [" "] * shown
        for cut in cuts:
            low, high = ((cut[name] - first) / line_seconds * width for name in ("start", "end"))
            for place in range(max(0, round(low)), min(shown, round(high))) if cut["reason"] else ():
                marks[place] = "x"
            if cut["start"] > 0 and 0 <= round(low) < shown:
                marks[round(low)] = "|"
        rows.append(f"{first:7.1f} s {bars}\n{'':10}{''.join(marks).rstrip()}")
    return "\n".join(rows)


def draw_svg(audio: np.ndarray, sample_rate: int, cuts: Sequence[dict[str, Any]], title: str) -> str:
    """The same as a picture that scales: pieces as bands with their texts, those left out in red."""
    seconds = max(len(audio) / sample_rate, 0.01)
    width = max(800, min(20_000, round(seconds * 60)))
    scale = width / seconds
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 170" width="{width}" height="170" '
        f'font-family="sans-serif" font-size="11"><title>{escape(title)}</title>'
    ]
    for number, cut in enumerate(cuts, start=1):
        x, w = cut["start"] * scale, (cut["end"] - cut["start"]) * scale
        colour = "#fbd5d5" if cut["reason"] else ("#e3eefc", "#d3e4fa")[number % 2]
        said = f"{number}: {cut['reason'] or cut['text']}"
        shown = escape(said[: max(1, int(w / 7))])
        lines.append(
            f"<g><title>{escape(said)} ({cut['start']:.2f} to {cut['end']:.2f} s)</title>"
            f'<rect x="{x:.1f}" y="0" width="{w:.1f}" height="150" fill="{colour}"/>'
            f'<text x="{x + 3:.1f}" y="145">{shown}</text></g>'
        )
    points = levels(audio, min(width, 4_000))
    step = width / len(points)
    path = "".join(f"M{i * step:.1f} {70 - 60 * p:.1f}V{70 + 60 * p:.1f}" for i, p in enumerate(points))
    lines.append(f'<path d="{path}" stroke="#334" stroke-width="{max(0.8, step * 0.7):.1f}"/>')
    for cut in cuts[1:]:
        x = cut["start"] * scale
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="150" stroke="#c00" stroke-width="1.5"/>')
        lines.append(f'<text x="{x:.1f}" y="164" text-anchor="middle">{cut["start"]:.2f} s</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
