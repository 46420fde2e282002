"""``swaram evaluate``: a voice or a checkpoint against recordings of sentences it never saw."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swaram.cli import completion
from swaram.cli.console import ClusterOption, JsonOption, print_json
from swaram.cluster.storage import url_of
from swaram.errors import SwaramError
from swaram.extras import install_command

if TYPE_CHECKING:
    from swaram.cluster.evaluation import Asked
    from swaram.evaluation.run import Evaluation


def evaluate_command(
    voice: Annotated[
        list[str] | None,
        typer.Argument(
            help="Voice (path or name), checkpoint or training directory; of several, each by itself and a table.",
            autocompletion=completion.voices,
        ),
    ] = None,
    data: Annotated[Path, typer.Option(help="Prepared folder with the recordings.")] = Path("data"),
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the report.", show_default="logs/evaluation/NAME")
    ] = None,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Two voices or checkpoints, instead of one.")
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            help="A recogniser's folder, transformers:MODEL, or command:COMMAND.", show_default="the project's"
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the data: test, val or train.")] = "test",
    facts: Annotated[
        Path | None, typer.Option(help="JSON that names the corpus's speakers, as for swaram voice export.")
    ] = None,
    speaker: Annotated[list[str] | None, typer.Option(help="Speaker to evaluate; may be given again.")] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Code of the language, where a voice reads several.",
            autocompletion=completion.languages,
            show_default="its first one",
        ),
    ] = None,
    noise_scale: Annotated[float | None, typer.Option(help="Instead of the voice's own.")] = None,
    length_scale: Annotated[float | None, typer.Option(help="Instead of the voice's own.")] = None,
    duration_noise_scale: Annotated[float | None, typer.Option(help="Instead of the voice's own.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many sentences only, for a quick look.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the synthesis and of the bootstrap.")] = 0,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a voice beside the recordings, and write metrics.json and report.html."""
    try:
        from swaram.evaluation.report import write_report
        from swaram.evaluation.run import Settings, evaluate
        from swaram.evaluation.system import Scales, open_subject
        from swaram.evaluation.test_set import read_test_set

        _need("rapidfuzz", "pyarrow", "pyloudnorm", "matplotlib")
    except ImportError as error:
        raise SwaramError(f"Evaluation needs {error.name}; {install_command('evaluate')}") from None
    from swaram.evaluation.instruments import Instruments

    if bool(voice) == bool(compare):
        raise SwaramError(
            "Name one voice or checkpoint, or two with --compare A B; several without it stand in one table."
        )
    if cluster or len(voice or ()) > 1:
        from swaram.cluster.evaluation import Asked

        if compare:
            raise SwaramError("--compare is done on this machine; name the voices without it, or leave --cluster out.")
        where, known = str(data if url_of(data) else data.absolute()), str(facts.absolute()) if facts else None
        chosen = (noise_scale, length_scale, duration_noise_scale)
        asked = [
            Asked(one, where, split, judge, known, language, tuple(speaker or ()), chosen, limit, seed)
            for one in voice or ()
        ]
        _several(asked, out or Path("logs") / "evaluation", cluster, as_json)
        return
    scales = Scales(noise_scale, length_scale, duration_noise_scale)
    settings = Settings(seed=seed, limit=limit, speakers=tuple(speaker or ()))
    say = _say_aside if as_json else _say
    subjects = [open_subject(path, facts, scales, seed, say, language) for path in compare or voice or ()]
    languages = {subject.language for subject in subjects}
    if len(languages) > 1:
        raise SwaramError("The two voices speak different languages; there is nothing to compare.")
    material = read_test_set(data, subjects[0].language, split)
    instruments = Instruments(subjects[0].language, judge)
    evaluations = []
    for subject in subjects:
        evaluations.append(evaluate(subject, material, instruments, settings, say))
    home = out or Path("logs") / "evaluation" / "-".join(subject.name for subject in subjects)
    if len(evaluations) == 1:
        write_report(home, evaluations[0])
        if as_json:
            print_json(evaluations[0].metrics)
            return
        _tell(evaluations[0].metrics)
        print(f"{home / 'report.html'} and metrics.json")
        return
    _compared(home, evaluations, settings, as_json)


def _several(asked: list["Asked"], home: Path, cluster: str | None, as_json: bool) -> None:
    """Evaluate each by itself, here or on a cluster; write the reports and one table."""
    import json

    from swaram.cli.tables import print_table
    from swaram.cluster.connection import check_nodes, joined
    from swaram.cluster.evaluation import evaluate_many, evaluate_one
    from swaram.evaluation.report import write_files
    from swaram.evaluation.side_by_side import side_by_side

    if cluster:
        with joined(cluster) as ray:
            check_nodes(ray)
            found = evaluate_many(ray, asked)
    else:
        found = [evaluate_one(one, _say_aside if as_json else _say) for one in asked]
    folders = []
    for metrics, files in found:
        name, number = metrics["subject"]["name"], 1
        while (folder := home / (name if number == 1 else f"{name}-{number}")) in folders:
            number += 1
        folders.append(folder)
        write_files(folder, {file: content.decode("utf-8") for file, content in files.items()})
    table = side_by_side([metrics for metrics, _ in found]) | {"folders": [str(folder) for folder in folders]}
    write_files(home, {"side-by-side.json": json.dumps(table, ensure_ascii=False, indent=1) + "\n"})
    if as_json:
        print_json(table)
        return
    rows = {name: [row["natural"], *row["voices"]] for name, row in table["metrics"].items()}
    rows |= {name.replace("_", " "): [None, *values] for name, values in table["speed"].items()}
    cells = ([name, *("" if v is None else f"{v:.3f}" for v in values)] for name, values in rows.items())
    print_table(["", "natural", *table["names"]], cells)
    print(f"{home / 'side-by-side.json'}, and a report of each in {', '.join(map(str, folders))}")


def _compared(home: Path, evaluations: list["Evaluation"], settings: Any, as_json: bool) -> None:
    import json

    from swaram.evaluation.comparison import compare, render
    from swaram.evaluation.report import write_files, write_report

    for place, evaluation in zip(("a", "b"), evaluations, strict=True):
        write_report(home / place, evaluation)
    one, other = evaluations
    found = compare(one, other, settings)
    text = json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_files(home, {"comparison.json": text, "comparison.html": "".join(render(found, *evaluations))})
    if as_json:
        print_json(found)
        return
    for name, row in found["metrics"].items():
        change = row["difference"]
        print(f"{name:25} {row['a']['value']:9.3f} {row['b']['value']:9.3f}   difference {_cell(change)}")
    print(f"{home / 'comparison.html'}, comparison.json, and a report of each in {home / 'a'} and {home / 'b'}")


def _tell(metrics: dict[str, Any]) -> None:
    print(f"{'':25} {'natural':>28} {'synthetic':>28}")
    for name, row in metrics["scopes"]["all"].items():
        cells = [_cell(row.get(side)) for side in ("natural", "synthetic")]
        print(f"{name:25} {cells[0]:>28} {cells[1]:>28}")
    speed = metrics["speed"]
    print(
        f"real-time factor {speed['real_time_factor']['value']:.3f}, "
        f"first audio after {1000 * speed['first_audio_seconds']['value']:.0f} ms; {metrics['seconds']:.0f} s in all"
    )
    for name, reason in metrics["not_measured"].items():
        print(f"not measured: {name}: {reason}")


def _cell(estimate: dict[str, Any] | None) -> str:
    if not estimate:
        return ""
    low, high = estimate["low"], estimate["high"]
    return f"{estimate['value']:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None else "")


def _need(*packages: str) -> None:
    """Raise ImportError for the first package that is missing, before any work is done."""
    import importlib

    for package in packages:
        importlib.import_module(package)


def _say(text: str) -> None:
    print(text, flush=True)


def _say_aside(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
