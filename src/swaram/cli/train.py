"""``swaram train`` and ``python train.py``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from swaram.errors import SwaramError

# (configuration, steps) -> what the loop calls after its validations. Evaluation stands after training, so it is not
# imported here: cli.py puts it in.
make_listener: Callable[..., Any] | None = None


def train_command(
    config: Annotated[Path, typer.Option("--config", "-c", help="Configuration file.")] = Path("config.json"),
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint.")] = False,
    warm_start: Annotated[str | None, typer.Option(help="Checkpoint to take fitting weights from.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Stop at this step.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after so many minutes.")] = None,
    overfit: Annotated[
        int | None, typer.Option(min=1, help="Learn the first so many clips only, in a directory of its own.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check data, configuration and memory, print the plan, train nothing.")
    ] = False,
    evaluate_every: Annotated[
        int | None, typer.Option(min=1, help="Evaluate at the first validation after so many steps, for TensorBoard.")
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Time a few steps, print where it goes.")] = False,
) -> None:
    """Train a voice as the configuration says; with several devices: torchrun --nproc-per-node N train.py ..."""
    from swaram.config.config import load_config

    if resume and warm_start:
        raise SwaramError("--resume and --warm-start exclude each other: the one goes on, the other begins anew")
    tree = load_config(config)
    try:
        from swaram.training.loop import Limits, train
        from swaram.training.dry_run import dry_run as rehearse
        from swaram.training.dry_run import profile_steps
    except ImportError as error:
        raise SwaramError(f"training needs {error.name}; install it with: pip install 'swaram[train]'") from None
    if dry_run:
        for line in rehearse(tree):
            print(line)
    elif profile:
        print(profile_steps(tree))
    else:
        listener = make_listener(tree, evaluate_every) if make_listener and evaluate_every else None
        train(tree, resume, warm_start, Limits(max_steps, max_minutes), overfit, listener)
