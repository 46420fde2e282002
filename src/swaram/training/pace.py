"""How fast a run goes and how long it will still take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from swaram.training.batches import Batch


class Pace:
    """Steps and frames a second since the last lap, and the time left to the last step or minute."""

    def __init__(self, step: int, last_step: int, max_minutes: float | None):
        self.last_step, self.max_minutes = last_step, max_minutes
        self.begun = time.monotonic()
        self.lap(step)

    def lap(self, step: int) -> None:
        """Begin to count anew from this step."""
        self.step, self.frames, self.idle = step, 0.0, 0.0
        self.lap_begun = time.monotonic()

    def count(self, batch: Batch) -> None:
        """Another batch; its frames in all processes count, those of padding do not."""
        self.frames += float(batch.frame_lengths.sum()) / (batch.shares.frames or 1.0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done inside is not training."""
        begun = time.monotonic()
        yield
        self.idle += time.monotonic() - begun

    @property
    def over(self) -> bool:
        """Whether the minutes are used up."""
        return self.max_minutes is not None and time.monotonic() - self.begun > self.max_minutes * 60

    def rates(self, step: int) -> dict[str, float]:
        """Seconds a step, steps and frames a second, from the last lap to this step."""
        seconds = max(time.monotonic() - self.lap_begun - self.idle, 1e-9)
        steps = max(step - self.step, 1)
        return {
            "seconds_per_step": seconds / steps,
            "steps_per_second": steps / seconds,
            "frames_per_second": self.frames / seconds,
        }

    def words(self, step: int) -> str:
        """The rates and the time left, for the terminal."""
        rates = self.rates(step)
        left = (self.last_step - step) * rates["seconds_per_step"]
        if self.max_minutes is not None:
            left = min(left, self.max_minutes * 60 - (time.monotonic() - self.begun))
        minutes = max(0, round(left / 60))
        time_left = f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
        return f"{rates['steps_per_second']:.3g} steps/s  {rates['frames_per_second']:,.0f} frames/s  {time_left} left"
