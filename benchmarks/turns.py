"""Systems that take turns, and the file that says what they took: for ``side_by_side.py``."""

import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Contender:
    """A system that speaks in a process of its own, pinned to ``threads`` cores."""

    def __init__(self, python: Path, name: str, model: Path, threads: int = 1) -> None:
        cores = sorted(os.sched_getaffinity(0))[:threads]
        begun = time.perf_counter()
        self._process = subprocess.Popen(
            [str(python), str(ROOT / "benchmarks" / "contender.py"), name, str(model), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores), env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )  # fmt: skip
        self.at_rest = self._read()["memory_mb"]
        self.start = time.perf_counter() - begun
        self.clock = "cpu" if threads == 1 else "wall"

    def speak(self, text: str) -> dict[str, float]:
        """What a sentence took."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"text": text}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} has ended")
        return json.loads(line)


def turns(contenders: dict[str, tuple[Contender, str]], rounds: int) -> dict[str, list[dict[str, float]]]:
    """Each system's sentence, one after another, ``rounds`` times, after one round that does not count."""
    heard: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, (contender, text) in contenders.items():
            answer = contender.speak(text)
            if number:
                heard[name].append(answer)
    return heard


def median(answers: list[dict[str, float]], of: Callable[[dict[str, float]], float]) -> float:
    """The median of a figure over answers."""
    return statistics.median(map(of, answers))


def real_time_factor(answers: list[dict[str, float]], clock: str) -> float:
    """Seconds of computing for one second of speech."""
    return median(answers, lambda answer: answer[clock] / answer["seconds"])


class Report:
    """The rows of the table, written down as they are measured."""

    def __init__(self, path: Path, quick: bool, go_on: bool = False) -> None:
        self.path = path
        if go_on:
            self.content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return
        versions = {n: _version(n) for n in ("onnxruntime", "torch", "transformers", "sherpa-onnx", "numpy")}
        self.content = {
            "format_version": 1,
            "measured": datetime.now(UTC).date().isoformat(),
            "quick": quick,
            "machine": _machine(),
            "versions": versions,
            "rows": [],
            "growth": [],
        }

    def begin(self, part: str) -> None:
        """Forget that a part could not be measured."""
        self.content["rows"] = [row for row in self.content["rows"] if (row["what"], row["peer"]) != (part, "")]

    def row(self, what: str, peer: str, ours: float, theirs: float, unit: str, **more: Any) -> None:
        """``ours`` and ``theirs``, of which less is better; ``bar`` and ``aim``: how many times less ours should be."""
        times = theirs / ours
        row = {"what": what, "peer": peer, "ours": _short(ours), "theirs": _short(theirs), "unit": unit}
        self._add(row | {"times": round(times, 2)} | more)
        print(f"{what} | {peer}: {ours:.4g} against {theirs:.4g} {unit}, {times:.2f} times", flush=True)

    def alone(self, what: str, ours: float, unit: str, **more: Any) -> None:
        """A figure without a peer."""
        self._add({"what": what, "peer": "", "ours": _short(ours), "unit": unit} | more)
        print(f"{what}: {ours:.4g} {unit}", flush=True)

    def missing(self, what: str, peer: str, why: str) -> None:
        """A row that could not be measured."""
        self._add({"what": what, "peer": peer, "why": why})
        print(f"{what} | {peer}: not measured, {why}", flush=True)

    def growth(self, what: str, unit: str, points: list[tuple[float, float]]) -> None:
        """A curve: (size, figure)."""
        self.content["growth"].append({"what": what, "unit": unit, "points": [[a, _short(b)] for a, b in points]})
        print(f"{what}: {points}", flush=True)
        self._write()

    def _add(self, row: dict[str, Any]) -> None:
        """Add a row, in place of an older one of what it is about."""
        rows, name = self.content["rows"], (row["what"], row["peer"])
        place = next((n for n, old in enumerate(rows) if (old["what"], old["peer"]) == name), len(rows))
        rows[place : place + 1] = [row]
        self._write()

    def _write(self) -> None:
        self.path.write_text(json.dumps(self.content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _machine() -> dict[str, Any]:
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.+)", told)
    flags = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "amx_tile") if f" {flag} " in told.replace("\n", " ")]
    cores = len(os.sched_getaffinity(0))
    return {"processor": model[1].strip() if model else platform.machine(), "cores": cores, "features": flags}


def _short(value: float) -> float:
    return float(f"{value:.3g}")
