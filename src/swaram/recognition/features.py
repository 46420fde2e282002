"""Log mel spectra in NumPy: one implementation for training and for recognising, so that both hear the same."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from swaram.audio.mel import log_filters
from swaram.audio.resample import resample

FLOOR = 1e-6  # power of a band: about -60 dBFS; quieter is silence

# Nats, 1 dB: what varies less than that from frame to frame is hiss (0.6 to 0.8 dB); speech has 4 and more.
STEADY = 0.23
_PIECE = 1 << 18  # samples


@dataclass(frozen=True)
class FeatureSettings:
    """How a recording becomes frames; lengths in samples at ``sample_rate`` Hz, frequencies in Hz."""

    sample_rate: int = 16_000
    hop_length: int = 160
    win_length: int = 400
    n_fft: int = 512
    n_mels: int = 80
    fmin: float = 40.0
    fmax: float = 7_600.0
    level: float = -18.0  # dBFS that loud frames are brought to
    typical: tuple[float, ...] = ()  # mean of each band in loud frames of the training recordings; none: left as it is

    def __post_init__(self) -> None:
        if len(self.typical) not in (0, self.n_mels):
            raise TypeError("typical has one value for each band, or none")
        object.__setattr__(self, "typical", tuple(float(value) for value in self.typical))  # JSON gives a list

    @property
    def frame_seconds(self) -> float:
        """Seconds from frame to frame."""
        return self.hop_length / self.sample_rate

    def to_dict(self) -> dict[str, Any]:
        """Plain data; ``FeatureSettings(**data)`` reads it."""
        return asdict(self)


def at_level(audio: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    """Scale a recording so that its loud frames (the 90th percentile of 25 ms) have the stated level.

    ``audio``: float32 [samples] at ``settings.sample_rate`` -> the same shape. Recordings of more than 8 s follow the
    level around each moment, as one speaks up and another is far away; what is 20 dB below the loudest stays below.
    At most 26 dB are added: what is fainter is rather a room than a voice.
    """
    n = settings.win_length
    audio = np.asarray(audio, dtype=np.float32)
    if len(audio) < n:
        return audio
    blocks = audio[: len(audio) // n * n].reshape(-1, n)
    power = np.maximum(np.einsum("ij,ij->i", blocks, blocks) / n, 1e-10)
    reach = round(4.0 * settings.sample_rate / n)  # blocks in 4 s
    if len(power) <= 2 * reach:
        return audio * np.float32(_gain(_loud(power), settings))
    step = reach // 8
    middles = np.arange(0, len(power), step)
    levels = np.array([_loud(power[max(0, middle - reach) : middle + reach + 1]) for middle in middles])
    gains = np.log(_gain(np.maximum(levels, levels.max() / 100), settings))
    levelled = np.empty_like(audio)
    for start in range(0, len(audio), _PIECE):  # a long file in pieces: memory stays small
        place = np.arange(start, min(start + _PIECE, len(audio)))
        smooth = np.interp(place, (middles + 0.5) * n, gains)
        levelled[start : start + _PIECE] = audio[start : start + _PIECE] * np.exp(smooth).astype(np.float32)
    return levelled


def _loud(power: np.ndarray) -> float:
    """The 90th percentile of what is no digital silence."""
    heard = power[power > 1e-8]
    return float(np.percentile(heard, 90)) if len(heard) else 1e-8


def _gain(loud: float | np.ndarray, settings: FeatureSettings) -> np.ndarray:
    return np.minimum(20.0, np.sqrt(10 ** (settings.level / 10) / loud))


def log_mel(audio: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    """``audio``: float32 [samples], mono, at ``settings.sample_rate`` -> float32 [samples // hop, n_mels].

    Natural logarithm of the mean power of each band, no less than log(1e-6). Frame i lies around the middle of
    the hop i; outside of the recording there is silence.
    """
    count = len(audio) // settings.hop_length
    if not count:
        return np.zeros((0, settings.n_mels), dtype=np.float32)
    window = _window(settings)
    filters = log_filters(settings.sample_rate, settings.n_fft, settings.n_mels, settings.fmin, settings.fmax)
    side = (settings.win_length - settings.hop_length) // 2
    padded = np.pad(np.asarray(audio, dtype=np.float32), (side, settings.win_length))
    frames = np.lib.stride_tricks.sliding_window_view(padded, settings.win_length)[:: settings.hop_length][:count]
    mel = np.empty((count, settings.n_mels), dtype=np.float32)
    for start in range(0, count, 1024):  # a long file in pieces: memory stays small
        spectrum = np.fft.rfft(frames[start : start + 1024] * window, settings.n_fft)
        mel[start : start + 1024] = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ filters
    return np.log(np.maximum(mel, FLOOR))


def even(mel: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    """Take out the colour of voice, microphone and room: loud frames get the ``typical`` mean in each band.

    ``mel``: float32 [frames, n_mels] as ``log_mel`` gives it -> the same shape. Little speech says little about a
    colour, so half of it is taken out after 0.5 s of loud frames and nearly all after some seconds. As with the level,
    recordings of more than 8 s are followed around each moment; where all is faint or steady, nothing is taken out.
    """
    if not settings.typical or not len(mel):
        return mel
    loud = loud_frames(mel)
    reach = round(4.0 / settings.frame_seconds)
    if len(mel) <= 2 * reach:
        return (mel - _colour(mel, loud, settings)).astype(np.float32)
    middles = np.arange(0, len(mel), reach // 8)
    around = [slice(max(0, middle - reach), middle + reach + 1) for middle in middles]
    colours = np.array([_colour(mel[part], loud[part], settings) for part in around])
    place = np.arange(len(mel))
    smooth = np.stack([np.interp(place, middles, colours[:, band]) for band in range(mel.shape[1])], axis=1)
    return (mel - smooth).astype(np.float32)


def loud_frames(mel: np.ndarray) -> np.ndarray:
    """Which frames are at most 20 dB below the loudest (95th percentile of the strongest band): bool [frames].

    None at all in silence.
    """
    strongest = mel.max(1)
    lowest = max(np.percentile(strongest, 95) - 2 * np.log(10.0), np.log(10 * FLOOR))
    return np.asarray(strongest >= lowest)


def _colour(mel: np.ndarray, loud: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    if not loud.any() or mel.mean(1).std() < STEADY:
        return np.zeros(settings.n_mels, dtype=np.float32)
    share = loud.sum() / (loud.sum() + 0.5 / settings.frame_seconds)
    return np.asarray(share * (mel[loud].mean(0) - np.asarray(settings.typical, dtype=np.float32)))


def spectra(audio: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    """What the network hears: ``audio``, float32 [samples] at ``settings.sample_rate`` -> float32 [frames, n_mels]."""
    return even(log_mel(at_level(audio, settings), settings), settings)


def at_rate(audio: np.ndarray, sample_rate: int, settings: FeatureSettings) -> np.ndarray:
    """Resample to ``settings.sample_rate``: float32 [samples] -> float32 [samples']."""
    return resample(np.asarray(audio, dtype=np.float32), sample_rate, settings.sample_rate)


@lru_cache(maxsize=4)
def _window(settings: FeatureSettings) -> np.ndarray:
    """Hann, scaled so that the power of a bin is the mean power of a white signal."""
    n = settings.win_length
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n)
    return (window / np.sqrt((window**2).sum())).astype(np.float32)
