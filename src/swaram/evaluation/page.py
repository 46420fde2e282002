"""``report.html``: one page, nothing fetched from anywhere: tables, plots, spectrograms and players.

The page is ``templates/evaluation.html``; here is what goes into it.
"""

import unicodedata
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from swaram.evaluation import plots
from swaram.evaluation.bootstrap import POOLED
from swaram.evaluation.measures import Pair
from swaram.evaluation.mel_cepstral import FRAME_SECONDS
from swaram.evaluation.metrics import GROUPS, METRICS, Metric
from swaram.evaluation.robustness import CATEGORIES, FAULTS, NATURAL, Trial
from swaram.evaluation.run import Evaluation
from swaram.prepare.page import environment

SIDES = {"natural": "Natural", "synthetic": "Synthetic", "scale": "Scale"}
_WISHES = {"lower": "less is better", "higher": "more is better", "one": "1 is the same length"}


def templates() -> Environment:
    """The templates of this package, with the names and drawings that every page of it uses."""
    made = environment("swaram.evaluation")
    made.filters["wish"] = lambda metric: ", ".join(
        part for part in (metric.unit, _WISHES.get(metric.better, "as natural is best")) if part
    )
    made.globals |= {
        "groups": GROUPS,
        "all_metrics": METRICS,
        "categories": CATEGORIES,
        "faults": FAULTS,
        "sides": SIDES,
        "pooled": POOLED,
        "player": lambda *sound: Markup(plots.player(*sound)),
        "spectrogram": lambda *sound: Markup(plots.spectrogram(*sound)),
    }
    return made


def render(evaluation: Evaluation, pairs: list[Pair], trials: list[Trial]) -> Iterator[str]:
    """Yield the page piece by piece; ``pairs`` and ``trials`` are those to be heard on it."""
    metrics = evaluation.metrics
    drawn = ((metric, plot(metric, metrics["scopes"])) for metric in METRICS)
    yield from (
        templates()
        .get_template("evaluation.html")
        .generate(
            metrics=metrics,
            figures=_figures(metrics),
            plots=[(metric, picture) for metric, picture in drawn if picture],
            robustness=_robustness(metrics["robustness"]["rates"]),
            pairs=[_pair(pair) for pair in pairs],
            trials=trials,
        )
    )


def plot(metric: Metric, scopes: dict[str, Any]) -> Markup:
    """One metric, all scopes and sides, as SVG; empty where there is nothing to draw."""
    rows = [
        ("all" if scope == POOLED else scope, side, found[metric.name][side])
        for scope, found in scopes.items()
        for side in SIDES
        if side in found.get(metric.name, {})
    ]
    return Markup(plots.intervals(rows, metric.title)) if rows else Markup()


def _figures(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """The large numbers at the top: (value, name)."""
    overall, speed = metrics["scopes"][POOLED], metrics["speed"]
    shown = []
    for name, title in (("cer", "character error rate"), ("ctc_cost", "CTC cost")):
        for side in ("synthetic", "natural"):
            if side in overall.get(name, {}):
                shown.append((f"{overall[name][side]['value']:.3f}", f"{title}, {side}"))
    shown.append((f"{speed['real_time_factor']['value']:.3f}", "real-time factor"))
    shown.append((f"{1000 * speed['first_audio_seconds']['value']:.0f} ms", "to first audio"))
    return shown


def _robustness(rates: dict[str, Any]) -> list[tuple[str, int, dict[str, Any]]]:
    """(kind of texts, how many, rate of each fault) of the kinds that were tried."""
    rows = []
    for category, title in {**CATEGORIES, NATURAL: "Natural recordings"}.items():
        found = rates.get(category) or {}
        number = max((rate["count"] for rate in found.values()), default=0)
        if number:
            rows.append((title, number, found))
    return rows


def _pair(pair: Pair) -> dict[str, Any]:
    sides = []
    for side, sound in (("natural", pair.natural), ("synthetic", pair.synthetic)):
        hearing = sound.found.get("hearing")
        cost = f", CTC cost {hearing.costs[0]:.2f}" if hearing and hearing.costs else ""
        sides.append((side, f"{sound.duration:.2f} s{cost}", sound, _heard(sound.text, hearing)))
    pitch = Markup()
    if "acoustics" in pair.natural.found and "acoustics" in pair.synthetic.found:
        own, spoken = pair.natural.found["acoustics"].f0, pair.synthetic.found["acoustics"].f0
        pitch = Markup(plots.contours(own, spoken, FRAME_SECONDS))
    return {"text": pair.clip.text, "speaker": pair.speaker, "sides": sides, "pitch": pitch}


def _heard(text: str, hearing: Any) -> list[tuple[str, bool]] | None:
    """What was heard in pieces, each with whether it is wrong; None where nobody listened."""
    from swaram.evaluation.intelligibility import align, letters

    if hearing is None:
        return None
    # A mark belongs to the letter before it: what is coloured is always a whole syllable sign.
    written: list[tuple[str, bool]] = []
    for intended, heard in align(letters(text), hearing.transcript).pairs:
        wrong = intended != heard
        if written and heard and unicodedata.category(heard)[0] == "M":
            before, was_wrong = written.pop()
            written.append((before + heard, wrong or was_wrong))
        elif heard or not (written and written[-1][1]):
            written.append((heard or "·", wrong))
    return written
