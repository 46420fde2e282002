"""Spectrograms as PNG, sounds as Opus, plots as SVG: everything the page shows, without a file beside it."""

import base64
import io
from html import escape
from typing import Any

import numpy as np

from swaram.audio.encoders import open_encoder

BANDS, LOWEST_DB, PICTURE_RATE = 80, -75.0, 16_000


def data_uri(kind: str, content: bytes) -> str:
    """``data:`` address of some bytes."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def opus(audio: np.ndarray, sample_rate: int) -> bytes:
    """A whole Ogg Opus file of 32 kbit/s. ``audio``: float32 [samples], -1..1, mono."""
    encoder = open_encoder("opus", sample_rate)
    samples = np.clip(np.rint(audio * 32767.0), -32768, 32767).astype(np.int32)
    pieces = [encoder.header, *encoder.encode(samples), *encoder.finish()]
    return b"".join(pieces)


def player(audio: np.ndarray, sample_rate: int) -> str:
    """An audio element that holds the sound."""
    return f"<audio controls preload='none' src='{data_uri('audio/ogg', opus(audio, sample_rate))}'></audio>"


def spectrogram(audio: np.ndarray, sample_rate: int, label: str) -> str:
    """An img element: time to the right (100 columns a second at most 900), mel bands to 8 kHz upward, 75 dB deep."""
    import matplotlib
    from matplotlib.image import imsave

    from swaram.audio.resample import resample

    sound = resample(audio, sample_rate, PICTURE_RATE)
    size, step = 512, max(160, len(sound) // 900)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, (size // 2, size)), size)[: len(sound) + 1 : step]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    places = 700 * (np.power(10, np.linspace(0, np.log10(1 + 8000 / 700), BANDS + 2)) - 1) * size / PICTURE_RATE
    edges = np.floor(places).astype(int)
    bands = np.stack([power[:, a : max(b, a + 1)].mean(1) for a, b in zip(edges[:-2], edges[2:], strict=True)])
    level = 10 * np.log10(bands + 1e-9)
    shown = np.clip((level - level.max()) / -LOWEST_DB + 1, 0, 1)
    colours = (matplotlib.colormaps["magma"](shown[::-1])[..., :3] * 255).astype(np.uint8)
    buffer = io.BytesIO()
    imsave(buffer, colours, format="png")
    return f"<img alt='{escape(label)}' src='{data_uri('image/png', buffer.getvalue())}'>"


def intervals(rows: list[tuple[str, str, dict[str, Any]]], unit: str) -> str:
    """Estimates with their intervals as dots and lines on one axis. ``rows``: (label, kind, estimate)."""
    values = [v for _, _, e in rows for v in (e["value"], e["low"], e["high"]) if v is not None]
    if not values:
        return ""
    low, high = min(values), max(values)
    if low > 0 and low < 0.5 * high:
        low = 0.0
    space = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    low, high = low - (space if low else 0), high + space

    def x(value: float) -> float:
        return 130 + 280 * (value - low) / (high - low)

    parts = []
    for i, (label, kind, estimate) in enumerate(rows):
        y = 14 + 19 * i
        parts.append(f"<text x='122' y='{y + 4}' text-anchor='end'>{escape(label)}</text>")
        if estimate["value"] is None:
            continue
        if estimate["low"] is not None:
            ends = f"x1='{x(estimate['low']):.1f}' x2='{x(estimate['high']):.1f}'"
            parts.append(f"<line class='{kind}' {ends} y1='{y}' y2='{y}' stroke-width='2'/>")
        parts.append(f"<circle class='{kind}' cx='{x(estimate['value']):.1f}' cy='{y}' r='4'/>")
    bottom = 14 + 19 * len(rows)
    parts.append(f"<line x1='130' x2='410' y1='{bottom}' y2='{bottom}'/>")
    for part in (0, 0.5, 1):
        value = low + (high - low) * part
        anchor = ("start", "middle", "end")[int(2 * part)]
        parts.append(f"<text x='{130 + 280 * part}' y='{bottom + 14}' text-anchor='{anchor}'>{value:.3g}</text>")
    return (
        f"<svg viewBox='0 0 420 {bottom + 20}' role='img' aria-label='{escape(unit or 'estimates')}'>"
        + "".join(parts)
        + "</svg>"
    )


def contours(natural: np.ndarray, synthetic: np.ndarray, frame_seconds: float) -> str:
    """Two pitch contours over time, Hz on a logarithmic axis; float64 [frames] each, 0 where unvoiced."""
    voiced = np.concatenate([natural[natural > 0], synthetic[synthetic > 0]])
    if not len(voiced):
        return ""
    low, high = np.percentile(voiced, [1, 99])
    low, high = low / 1.15, high * 1.15
    seconds = max(len(natural), len(synthetic)) * frame_seconds

    def dots(f0: np.ndarray, kind: str) -> str:
        places = np.flatnonzero((f0 >= low) & (f0 <= high))[::2]
        y = 90 - 82 * np.log(f0[places] / low) / np.log(high / low)
        return "".join(
            f"<circle class='{kind}' cx='{34 + 380 * p * frame_seconds / seconds:.1f}' cy='{v:.1f}' r='1.2'/>"
            for p, v in zip(places, y, strict=True)
        )

    return (
        "<svg viewBox='0 0 420 106' role='img' aria-label='pitch contours'>"
        f"<line x1='34' x2='414' y1='92' y2='92'/><text x='30' y='92' text-anchor='end'>{low:.0f}</text>"
        f"<text x='30' y='16' text-anchor='end'>{high:.0f}</text><text x='30' y='54' text-anchor='end'>Hz</text>"
        f"<text x='414' y='104' text-anchor='end'>"
        f"{seconds:.1f} s</text>{dots(natural, 'natural')}{dots(synthetic, 'synthetic')}</svg>"
    )
