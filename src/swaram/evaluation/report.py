"""What an evaluation leaves behind: ``metrics.json`` and ``report.html``."""

import json
from pathlib import Path

import numpy as np

from swaram.audio.files import write_whole
from swaram.evaluation.errors import EvaluationError
from swaram.evaluation.intelligibility import align, letters
from swaram.evaluation.measures import Pair
from swaram.evaluation.page import render
from swaram.evaluation.robustness import Trial
from swaram.evaluation.run import Evaluation

PAIRS_A_SPEAKER, TRIALS_SHOWN = 3, 14


def write_report(out: Path, evaluation: Evaluation) -> None:
    """Write both files into ``out``, each whole or not at all. Raises EvaluationError where that cannot be done."""
    text = json.dumps(evaluation.metrics, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    page = "".join(render(evaluation, heard_pairs(evaluation), heard_trials(evaluation.trials)))
    write_files(out, {"metrics.json": text, "report.html": page})


def write_files(out: Path, contents: dict[str, str]) -> None:
    """Write texts by name. Raises EvaluationError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_whole(out / name, content.encode("utf-8"))
    except OSError as error:
        raise EvaluationError(f"{out}: the report cannot be written ({error.strerror}); name another --out.") from None


def heard_pairs(evaluation: Evaluation) -> list[Pair]:
    """For each speaker the syntheses the judge understood best, in the middle, and worst."""
    chosen: list[Pair] = []
    for speaker in dict.fromkeys(pair.speaker for pair in evaluation.measured.pairs):
        own = {p.clip.key: p for p in evaluation.measured.pairs if p.speaker == speaker}
        ordered = sorted(own.values(), key=_errors)
        places = np.unique(np.linspace(0, len(ordered) - 1, PAIRS_A_SPEAKER).round().astype(int))
        chosen += [ordered[place] for place in places]
    return chosen


def _errors(pair: Pair) -> float:
    hearing = pair.synthetic.found.get("hearing")
    if hearing is None:
        return pair.clip.seconds
    if hearing.costs:
        return float(hearing.costs[0])
    intended = letters(pair.clip.text)
    return align(intended, hearing.transcript).edits / max(1, len(intended))


def heard_trials(trials: list[Trial]) -> list[Trial]:
    """Those with most faults, and of each category at least one."""
    first = {trial.category: trial for trial in reversed(trials)}
    worst = sorted(trials, key=lambda trial: -len(trial.faults))[: TRIALS_SHOWN - len(first)]
    return [trial for trial in trials if trial in worst or trial is first[trial.category]]
