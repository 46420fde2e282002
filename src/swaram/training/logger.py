"""What a training run writes (TensorBoard, ``losses.jsonl``, lines on the terminal) and how fast it goes."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from torch.utils.tensorboard import SummaryWriter

from swaram.files import whole_file
from swaram.training.batches import Batch


class Throughput:
    """Steps and frames a second since the last line of the log, and the time left to the last step or minute."""

    def __init__(self, step: int, last_step: int, max_minutes: float | None):
        self.last_step, self.max_minutes = last_step, max_minutes
        self.begun = time.monotonic()
        self.restart(step)

    def restart(self, step: int) -> None:
        """Count anew from this step."""
        self.step, self.frames, self.idle = step, 0.0, 0.0
        self.counting_since = time.monotonic()

    def count(self, batch: Batch) -> None:
        """Count the frames of a batch, those of all processes and none of the padding."""
        self.frames += float(batch.frame_lengths.sum()) / (batch.shares.frames or 1.0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time spent inside is not counted as training."""
        begun = time.monotonic()
        yield
        self.idle += time.monotonic() - begun

    @property
    def time_is_up(self) -> bool:
        """Whether the minutes are used up."""
        return self.max_minutes is not None and time.monotonic() - self.begun > self.max_minutes * 60

    def rates(self, step: int) -> dict[str, float]:
        """Seconds a step, steps and frames a second, counted up to this step."""
        seconds = max(time.monotonic() - self.counting_since - self.idle, 1e-9)
        steps = max(step - self.step, 1)
        return {
            "seconds_per_step": seconds / steps,
            "steps_per_second": steps / seconds,
            "frames_per_second": self.frames / seconds,
        }

    def describe(self, step: int) -> str:
        """The rates and the time left, for the terminal."""
        rates = self.rates(step)
        left = (self.last_step - step) * rates["seconds_per_step"]
        if self.max_minutes is not None:
            left = min(left, self.max_minutes * 60 - (time.monotonic() - self.begun))
        minutes = max(0, round(left / 60))
        time_left = f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
        return f"{rates['steps_per_second']:.3g} steps/s  {rates['frames_per_second']:,.0f} frames/s  {time_left} left"


class Logger:
    """Writes under ``directory``: TensorBoard events, and every logged line as JSON in ``losses.jsonl``.

    ``step``: where the run goes on; what a killed run wrote beyond it is removed, so that no step is logged twice.
    A ``silent`` logger writes nothing anywhere: every process but the first has one.
    """

    def __init__(self, directory: Path, step: int = 0, silent: bool = False):
        self.directory, self.silent = directory, silent
        if silent:
            return
        self.board = SummaryWriter(str(directory / "tensorboard"), purge_step=step + 1 if step else None)
        path = directory / "losses.jsonl"
        if step and path.exists():
            _remove_after(path, step)
        self.lines = path.open("a", encoding="utf-8")
        self.console = Console(soft_wrap=True)

    def info(self, text: str) -> None:
        """Print one line on the terminal, with the time."""
        if not self.silent:
            self.console.print(time.strftime("%H:%M:%S"), text, highlight=False, markup=False)

    def scalars(self, step: int, values: dict[str, float], prefix: str = "train") -> None:
        """Write values as ``prefix/<name>``, where <name> is the configuration's name of the loss."""
        if self.silent:
            return
        for name, value in values.items():
            self.board.add_scalar(f"{prefix}/{name}", value, step)
        row = {"step": step, "kind": prefix, **{name: round(value, 6) for name, value in values.items()}}
        self.lines.write(json.dumps(row) + "\n")
        self.lines.flush()

    def sentence(
        self,
        step: int,
        name: str,
        audio: np.ndarray,
        sample_rate: int,
        mel: np.ndarray,
        durations: np.ndarray,
    ) -> None:
        """Show a synthesised sentence: audio float32 [samples], log mel [n_mels, frames], durations int64 [symbols]."""
        if self.silent:
            return
        self.board.add_audio(f"{name}/audio", audio[None, :], step, sample_rate)
        self.board.add_image(f"{name}/mel", _colours(mel[::-1]), step, dataformats="HWC")
        path = np.repeat(np.eye(len(durations), dtype=np.float32), durations, axis=1)
        self.board.add_image(f"{name}/alignment", _colours(path[::-1]), step, dataformats="HWC")

    def close(self) -> None:
        """Flush everything to disk."""
        if self.silent:
            return
        self.board.close()
        self.lines.close()


def _remove_after(path: Path, step: int) -> None:
    """Leave only whole lines of steps up to ``step``."""
    kept = []
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (json.JSONDecodeError, KeyError, TypeError):
            continue  # a line that the end of the run cut short
    with whole_file(path) as partial:
        partial.write_text("".join(kept), encoding="utf-8")


def _colours(values: np.ndarray) -> np.ndarray:
    """Values [rows, columns] as colours uint8 [rows, columns, 3], lowest dark."""
    import matplotlib

    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / max(high - low, 1e-6)
    return (matplotlib.colormaps["magma"](scaled)[..., :3] * 255).astype(np.uint8)
