"""``swaram train`` and ``python train.py``."""

from pathlib import Path
from typing import Annotated

import typer

from swaram.errors import SwaramError


def train_command(
    config: Annotated[Path, typer.Option("--config", "-c", help="Configuration file.")] = Path("config.json"),
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint.")] = False,
    warm_start: Annotated[str | None, typer.Option(help="Checkpoint to take fitting weights from.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Stop at this step.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after so many minutes.")] = None,
) -> None:
    """Train a voice as the configuration says."""
    from swaram.config import load_config

    if resume and warm_start:
        raise SwaramError("--resume and --warm-start exclude each other: the one goes on, the other begins anew")
    tree = load_config(config)
    try:
        from swaram.training.loop import Limits, train
    except ImportError as error:
        raise SwaramError(f"training needs {error.name}; install it with: pip install 'swaram[train]'") from None
    train(tree, resume, warm_start, Limits(max_steps, max_minutes))
