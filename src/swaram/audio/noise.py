"""White noise that is the same wherever it is needed: no random number is drawn while somebody waits for speech."""

from functools import lru_cache

import numpy as np

FRAMES = 512  # after so many frames the noise begins anew


@lru_cache(maxsize=4)
def noise_table(channels: int) -> np.ndarray:
    """Standard normal numbers, float16 [channels, FRAMES]: half precision, to weigh little in a graph."""
    random = np.random.Generator(np.random.PCG64(0))
    return random.standard_normal((FRAMES, channels), np.float32).T.astype(np.float16)


def noise_frames(channels: int, low: int, high: int) -> np.ndarray:
    """float32 [channels, high - low]: the noise of the frames ``low`` to ``high`` of a speech."""
    return noise_table(channels)[:, np.arange(low, high) % FRAMES].astype(np.float32)
