"""A whole evaluation: a voice against a split, everything that goes into ``metrics.json`` and the report."""

import hashlib
import importlib.metadata
import platform
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from swaram import __version__
from swaram.evaluation.bootstrap import POOLED, Bootstrap, Observation, of_scope, share
from swaram.evaluation.errors import EvaluationError
from swaram.evaluation.instruments import Instruments, Sound
from swaram.evaluation.intelligibility import confusions
from swaram.evaluation.measures import Measured, measure
from swaram.evaluation.metrics import METRICS
from swaram.evaluation.robustness import CATEGORIES, FAULTS, NATURAL, Trial, run_trials
from swaram.evaluation.system import Subject
from swaram.evaluation.test_set import TestSet, choose_speakers, join_speakers

FORMAT_VERSION = 1
SIDES = ("natural", "synthetic", "scale")
PACKAGES = (
    "numpy", "onnxruntime", "soxr", "rapidfuzz", "speechmos", "distillmos", "pyworld-prebuilt", "Resemblyzer",
    "pyloudnorm", "torch",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """``draws`` and ``seed`` of the bootstrap; ``limit`` sentences, and texts of each category, for a quick look."""

    draws: int = 2000
    seed: int = 0
    limit: int | None = None
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """``metrics``: what ``metrics.json`` holds; the rest is what the report is drawn from."""

    metrics: dict[str, Any]
    measured: Measured
    trials: list[Trial]
    test_set: TestSet


def evaluate(
    subject: Subject,
    test_set: TestSet,
    instruments: Instruments,
    settings: Settings | None = None,
    say: Callable[[str], None] = print,
) -> Evaluation:
    """Evaluate a voice. Raises SwaramError: unknown speakers, a judge that fails, recordings that cannot be read."""
    settings = settings or Settings()
    begun = time.perf_counter()
    test_set = test_set.limited(settings.limit, settings.seed)
    joined = join_speakers(subject.speakers, subject.facts, test_set)
    strangers = [name for name in settings.speakers if name not in subject.speakers]
    if strangers:
        offered = ", ".join(subject.speakers[:20]) or "one speaker without a name"
        raise EvaluationError(f"{subject.name} has no speaker {strangers[0]}; it has {offered}.")
    speakers = choose_speakers(subject.speakers, joined, test_set, list(settings.speakers))
    measured = measure(subject, test_set, speakers, joined, instruments, say)
    trials, found = run_trials(subject, test_set, speakers, instruments, settings.limit, say)
    metrics = {
        "format_version": FORMAT_VERSION,
        "subject": subject.describe(),
        "data": _data(test_set, speakers, joined),
        "judge": instruments.judge.description if instruments.judge else None,
        "settings": {"bootstrap_draws": settings.draws, "seed": settings.seed, "limit": settings.limit},
        "versions": _versions(),
        "not_measured": measured.not_measured,
        "scopes": {
            scope: _estimates(of_scope(measured.observations, scope), settings)
            for scope in (POOLED, *(s for s in speakers if s))
        },
        "confusions": {side: _confusions(pairs) for side, pairs in measured.mishearings.items()},
        "robustness": _robustness(found, trials, settings),
        "speed": _speed(measured, settings),
        "utterances": _utterances(measured),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    return Evaluation(metrics, measured, trials, test_set)


def _data(test_set: TestSet, speakers: list[str], joined: dict[str, str]) -> dict[str, Any]:
    texts = "\n".join(f"{clip.path.name} {clip.text}" for clip in test_set.clips)
    return {
        "split": test_set.split,
        "clips": len(test_set.clips),
        "sentences": len(test_set.sentences),
        "readers": len({clip.speaker for clip in test_set.clips}),
        "seconds": round(sum(clip.seconds for clip in test_set.clips), 1),
        "sha256": hashlib.sha256(texts.encode()).hexdigest(),
        "speakers": {
            speaker: sum(clip.speaker == joined.get(speaker) for clip in test_set.clips) for speaker in speakers
        },
        "attribution": list(test_set.attribution),
    }


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"swaram": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _estimates(observations: list[Observation], settings: Settings) -> dict[str, Any]:
    """Each metric's sides, and the synthetic side against the natural one: ratio and difference."""
    bootstrap = Bootstrap(observations, settings.draws, settings.seed)
    rows: dict[str, Any] = {}
    for metric in METRICS:
        row = {side: bootstrap.mean(metric.name, side) for side in SIDES}
        row["ratio"] = bootstrap.ratio(metric.name, "synthetic", "natural") if metric.ratio else None
        row["difference"] = bootstrap.difference(metric.name, "synthetic", "natural")
        rows[metric.name] = {side: estimate.to_dict() for side, estimate in row.items() if estimate}
    return {name: row for name, row in rows.items() if row}


def _confusions(pairs: list[tuple[str, str]], most: int = 40) -> list[dict[str, Any]]:
    """Most frequent first: intended, heard ("" for nothing), how often, and out of how many of the intended one."""
    there = Counter(intended for intended, _ in pairs)
    return [
        {"intended": a, "heard": b, "count": count, "of": there[a] if a else len(pairs)}
        for (a, b), count in confusions(pairs).most_common(most)
    ]


def _robustness(found: list[Observation], trials: list[Trial], settings: Settings) -> dict[str, Any]:
    bootstrap = Bootstrap(found, settings.draws, settings.seed)
    rates = {
        category: {
            fault: share(estimate).to_dict()
            for fault in FAULTS
            if (estimate := bootstrap.mean(f"{category}.{fault}", NATURAL if category == NATURAL else "synthetic"))
        }
        for category in (*CATEGORIES, NATURAL)
    }
    texts = [
        {key: value for key, value in vars(trial).items() if key != "sound"}
        | {"seconds": round(trial.sound.duration, 3) if trial.sound else None}
        for trial in trials
    ]
    words = {
        "judged": sum(trial.words for trial in trials),
        "missing": sum(len(trial.missing) for trial in trials),
        "repeated": sum(len(trial.repeated) for trial in trials),
    }
    return {"rates": rates, "words": words, "texts": texts}


def _speed(measured: Measured, settings: Settings) -> dict[str, Any]:
    """Medians over the sentences spoken; the machine was whatever it was, so compare only within one run."""
    first = np.array([f for _, _, f, _ in measured.timings])
    factors = np.array([computed / spoken for _, spoken, _, computed in measured.timings])
    picks = np.random.default_rng(settings.seed).integers(len(first), size=(settings.draws, len(first)))

    def median(values: np.ndarray) -> dict[str, float]:
        low, high = np.percentile(np.median(values[picks], axis=1), [2.5, 97.5])
        return {"value": float(np.median(values)), "low": float(low), "high": float(high), "count": len(values)}

    return {"real_time_factor": median(factors), "first_audio_seconds": median(first), "processor": platform.machine()}


def _utterances(measured: Measured) -> list[dict[str, Any]]:
    """One row for each synthesis: what was to be said and what was heard, and all of its observations."""
    values: dict[tuple[str, str], dict[str, float | None]] = {}
    for o in measured.observations:
        if o.side == "synthetic":
            finite = round(o.value, 4) if np.isfinite(o.value) else None
            values.setdefault((o.speaker, o.sentence), {})[o.metric] = finite
    return [
        {
            "speaker": speaker,
            "sentence": sentence,
            "text": sound.text,
            "heard": _heard(sound),
            "seconds": round(sound.duration, 3),
            **values.get((speaker, sentence), {}),
        }
        for (speaker, sentence), sound in measured.spoken.items()
    ]


def _heard(sound: Sound) -> str | None:
    hearing = sound.found.get("hearing")
    return hearing.transcript if hearing else None
