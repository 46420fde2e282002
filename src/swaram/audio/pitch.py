"""Pitch of recordings, by WORLD: what a decoder with a harmonic source is driven by while it learns."""

import numpy as np

from swaram.errors import SwaramError
from swaram.extras import install_command

LOWEST, HIGHEST = 60.0, 500.0  # Hz
UNKNOWN = 150.0  # Hz, of a clip in which nothing is voiced


class PitchError(SwaramError):
    """Pitch that cannot be tracked on this machine."""


def pitch_track(audio: np.ndarray, sample_rate: int, hop: int) -> np.ndarray:
    """``audio`` float32 [samples], -1..1, mono, to float32 [2, samples // hop]: Hz at each frame's middle, 1 if voiced.

    By DIO and StoneMask (Morise, Kawahara and Katayose 2009). Between voiced stretches the pitch is drawn in a straight
    line of its logarithm, before the first and after the last it is theirs. Raises PitchError where pyworld is missing.
    """
    try:
        import pyworld
    except ImportError:
        raise PitchError(f"the package pyworld-prebuilt is missing; {install_command('train')}") from None
    frames = len(audio) // hop
    samples = audio.astype(np.float64)
    # Two values a frame, so that every second one stands in the middle of a frame.
    f0, times = pyworld.dio(samples, sample_rate, LOWEST, HIGHEST, frame_period=500 * hop / sample_rate)
    f0 = pyworld.stonemask(samples, f0, times, sample_rate)[1::2][:frames]
    f0 = np.pad(f0, (0, frames - len(f0)))
    voiced = f0 > 0
    if not voiced.any():
        return np.stack([np.full(frames, UNKNOWN), np.zeros(frames)]).astype(np.float32)
    places = np.flatnonzero(voiced)
    drawn = np.exp(np.interp(np.arange(frames), places, np.log(f0[places])))
    return np.stack([drawn.clip(LOWEST, HIGHEST), voiced]).astype(np.float32)
