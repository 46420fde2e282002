"""What drives a decoder with a harmonic source: the phase of its pitch, carried from frame to frame."""

import numpy as np


def carried_phase(pitch: np.ndarray, hop_length: int, sample_rate: int) -> np.ndarray:
    """Turns, float32 [frames], 0..1, at the beginning of each frame, of its pitch: [frames], Hz; the first is 0.

    A frame's pitch holds at its middle and glides to the next one's. No frame after it changes a frame's phase.
    """
    padded = np.pad(pitch.astype(np.float64), 1, mode="edge")
    between = 0.5 * (padded[:-1] + padded[1:])
    turns = np.cumsum(0.5 * (between[:-1] + between[1:])) * (hop_length / sample_rate)
    before = np.concatenate([[0.0], turns[:-1]])
    return (before - np.floor(before)).astype(np.float32)
