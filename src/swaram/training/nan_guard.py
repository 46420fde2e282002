"""The guard against losses and gradients that are not finite: the update is left out, the batch is kept to look at."""

import json
from dataclasses import fields
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from swaram.errors import SwaramError
from swaram.training.batches import Batch

MOST_SAVED = 20  # folders; a run that goes wrong for days must not fill the disk


class TrainingError(SwaramError):
    """A training run that cannot start or go on."""


class NonFiniteGuard:
    """Counts updates that were left out, writes their batches, and ends the run when too many come in a row.

    Summed gradients carry a value that is not finite to every process, so all of them decide alike without asking.
    """

    def __init__(self, directory: Path, limit: int, rank: int = 0):
        self.directory, self.limit, self.rank = directory / "not_finite", limit, rank
        self.in_a_row = 0

    def passed(self) -> None:
        """An update went well."""
        self.in_a_row = 0

    def caught(self, batch: Batch, step: int, kind: str, values: dict[str, float]) -> None:
        """Keep the batch of an update that is left out. Raises TrainingError when it is the ``limit``-th in a row.

        ``values`` are losses and gradient norms. Writes ``batch`` with the numbers of its clips to
        ``not_finite/step-NNNNNNNN-<kind>-<rank>/batch.safetensors`` and ``batch.json``.
        """
        self.in_a_row += 1
        folder = self.directory / f"step-{step:08d}-{kind}-{self.rank}"
        if folder.exists() or len(list(self.directory.glob("step-*"))) < MOST_SAVED:
            folder.mkdir(parents=True, exist_ok=True)
            tensors = {field.name: getattr(batch, field.name) for field in fields(batch)}
            own = {name: value.cpu().contiguous() for name, value in tensors.items() if isinstance(value, Tensor)}
            save_file(own, folder / "batch.safetensors")
            # JSON has no number for them: "nan", "inf".
            said = {name: value if abs(value) < float("inf") else str(value) for name, value in values.items()}
            facts = {"step": step, "kind": kind, "values": said, "clips": list(batch.clips)}
            (folder / "batch.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
        if self.in_a_row >= self.limit:
            raise TrainingError(
                f"{self.in_a_row} updates in a row had losses or gradients that are not finite, the last at step "
                f"{step}; their batches are in {self.directory}; lower train.learning_rate, then go on with --resume"
            )
