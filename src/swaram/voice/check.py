"""Whether a voice keeps its promises: models of the contract, every symbol and speaker, windows that join exactly."""

from dataclasses import dataclass, field

import numpy as np

from swaram.text.symbols import BLANK, BOS, EOS
from swaram.voice.engine import Engine
from swaram.voice.errors import VoiceError
from swaram.voice.models import Latent
from swaram.voice.reader import Passage
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice

TOLERANCE = 1e-5
_SYMBOLS = 120
_SPEAKERS = 16
_QUIETEST = 1e-4
_FRAMES_OF_AN_ID = 400


@dataclass
class VoiceReport:
    """What a check found: the largest difference of streamed and whole samples, and notes.

    ``notes``: one sentence each about what is missing though the voice can speak.
    """

    difference: float = 0.0
    speakers: int = 1
    symbols: int = 0
    notes: list[str] = field(default_factory=list)


def check_voice(voice: Voice) -> float:
    """The largest difference of streamed and whole samples; raises as ``examine_voice``."""
    return examine_voice(voice).difference


def examine_voice(voice: Voice) -> VoiceReport:
    """Speak every symbol of a voice, streamed and whole, and something with its speakers (at most 16 of them).

    Raises VoiceError where the models do not fit together or the manifest, where the same seed gives other samples,
    where samples are no numbers or all silent, or where streamed and whole differ by more than ``TOLERANCE``.
    """
    engine = Engine(voice)
    report = VoiceReport(symbols=len(voice.symbols))
    for name, reason in engine.models.margins_because.items():
        report.notes.append(f"{name} computes its margins anew for each window, which is slower: {reason}.")
    symbols = [symbol for symbol in voice.symbols.symbols if symbol and symbol not in (BLANK, BOS, EOS)]
    passages = [_passage(symbols[i : i + _SYMBOLS]) for i in range(0, len(symbols), _SYMBOLS)]
    speakers = voice.manifest.speakers
    chosen = [speakers[round(i)].id for i in np.linspace(0, len(speakers) - 1, min(len(speakers), _SPEAKERS))]
    report.speakers = max(1, len(speakers))
    for speaker in (chosen[0], chosen[-1]) if chosen else (None,):
        for passage in passages:
            difference, peak = _compare(engine, passage, speaker)
            report.difference = max(report.difference, difference)
            if peak < _QUIETEST:
                raise VoiceError(f"{voice.package.source}: the voice is silent; export or import it again.")
    for speaker in chosen[1:-1]:
        _spoken(engine, _passage(symbols[:20]), speaker)
    if report.difference > TOLERANCE:
        raise VoiceError(
            f"{voice.package.source}: streamed and whole differ by {report.difference:.1e}; the margins in voice.json "
            "are too small for its models."
        )
    _check_seed(engine, passages[0])
    report.notes += _notes(voice)
    if _spoken(engine, passages[0], None, speed=0.25).length <= _spoken(engine, passages[0], None).length:
        report.notes.append("speed changes nothing: frontend.onnx does not use its second scale.")
    return report


def _passage(symbols: list[str]) -> Passage:
    return Passage("".join(symbols), list(range(len(symbols))), 0.0)


def _spoken(engine: Engine, passage: Passage, speaker: int | None, **request: float) -> Latent:
    voice = engine.voice
    latent = engine.encode(passage, SpeechRequest(speaker=speaker, **request), 0)  # type: ignore[arg-type]
    ids = voice.symbols.encode(passage.text)
    if len(latent.durations) != len(ids) or latent.durations.min() < 0 or latent.durations.sum() != latent.length:
        raise VoiceError(
            f"{voice.package.source}: frontend.onnx made {latent.length} frames and durations that say otherwise; "
            "export the voice again."
        )
    if latent.length > _FRAMES_OF_AN_ID * len(ids) / request.get("speed", 1.0):
        raise VoiceError(f"{voice.package.source}: frontend.onnx makes {latent.length} frames of {len(ids)} symbols.")
    return latent


def _compare(engine: Engine, passage: Passage, speaker: int | None) -> tuple[float, float]:
    """The largest difference of the joined windows and one pass, and the peak."""
    voice = engine.voice
    latent = _spoken(engine, passage, speaker)
    whole = engine.models.decode_whole(latent)
    if len(whole) != latent.length * voice.hop_length or not np.isfinite(whole).all():
        raise VoiceError(
            f"{voice.package.source}: decoder.onnx made {len(whole)} samples of {latent.length} frames, or "
            "values that are not numbers; export the voice again."
        )
    joined = np.concatenate([engine.models.decode(latent, window) for window in engine.windows(latent)])
    return float(np.abs(joined - whole).max()), float(np.abs(whole).max())


def _check_seed(engine: Engine, passage: Passage) -> None:
    source = engine.voice.package.source
    first, second = (_spoken(engine, passage, None, seed=1) for _ in range(2))
    if first.length != second.length or not np.array_equal(_frames(first), _frames(second)):
        raise VoiceError(f"{source}: the same seed gives other samples; frontend.onnx draws noise of its own.")


def _frames(latent: Latent) -> np.ndarray:
    return latent.frames if latent.prior is None else latent.prior


def _notes(voice: Voice) -> list[str]:
    manifest = voice.manifest
    notes = []
    if not manifest.licence:
        notes.append("voice.json names no licence: nobody knows what this voice may be used for.")
    elif "-NC" in manifest.licence.upper().replace(" ", "-"):
        notes.append(f"NOT FOR COMMERCIAL USE: the licence is {manifest.licence}.")
    if not manifest.attribution:
        notes.append("voice.json names nobody whose voice or work this is (attribution).")
    notes += [f"{name} is not in the package." for name in ("MODEL_CARD.md", "LICENSE") if name not in manifest.files]
    return notes
