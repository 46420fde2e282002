"""``swaram recognizer ...``: training, exporting and measuring a recogniser."""

from pathlib import Path
from typing import Annotated

import typer

from swaram.errors import SwaramError

recognizer_app = typer.Typer(help="Speech to text: train a recogniser, export it, measure it.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Prepared folder; its train split trains, its test split is never heard.")]
Language = Annotated[str, typer.Option(help="Code of the language, such as ml.")]
Also = Annotated[Path | None, typer.Option(help="A wider prepared folder: further clips that must prove themselves.")]


@recognizer_app.command("train")
def train_command(
    data: Data = Path("data"),
    language: Language = "ml",
    out: Annotated[Path | None, typer.Option(help="Training folder.  [default: logs/recognizer-LANGUAGE]")] = None,
    also: Also = None,
    max_minutes: Annotated[
        float, typer.Option(min=0.01, help="Length of the run; the learning rate follows it.")
    ] = 75.0,
    max_steps: Annotated[int | None, typer.Option(min=1, help="End earlier, after so many steps.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest state.")] = False,
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Train on natural speech alone; what speaks in the test split, or is said there, is left out."""
    from swaram.languages import get_language

    code = get_language(language).code
    try:
        from swaram.evaluation.recognizer.training import Plan, Trainer
    except ImportError as error:
        raise SwaramError(f"training needs {error.name}; install it with: pip install 'swaram[train]'") from None
    from swaram.evaluation.recognizer.clips import select
    from swaram.evaluation.recognizer.errors import RecognizerError

    folder = out or Path("logs") / f"recognizer-{code}"
    if not resume and (folder / "newest").exists():
        raise RecognizerError(f"{folder} holds a training already; add --resume, or choose another --out")
    selection = select(data, code, also)
    print(f"{len(selection.train)} clips to train on, {len(selection.candidates)} candidates", flush=True)
    for reason, count in sorted(selection.dropped.items()):
        print(f"  left out {count}: {reason}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(minutes=max_minutes, seed=seed, **({"max_steps": max_steps} if max_steps else {}))
    trainer = Trainer(selection, code, folder, plan)
    if trainer.refused:
        print(f"  left out {len(trainer.refused)}: too long for a row, or too much said for its length", flush=True)
    if resume:
        trainer.resume()
    trainer.run()
