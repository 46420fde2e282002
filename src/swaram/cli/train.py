"""``swaram train`` and ``python train.py``."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from swaram.cli.console import ClusterOption, print_json
from swaram.errors import SwaramError
from swaram.extras import install_command


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
    cluster: ClusterOption = None,
    processes: Annotated[
        int, typer.Option(min=0, help="With --cluster: so many; 0 is one for each GPU, without GPUs one for each node.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: the plan as JSON.")] = False,
) -> None:
    """Train a voice as the configuration says; with several devices: torchrun --nproc-per-node N train.py ..."""
    from swaram.config.config import load_config

    if resume and warm_start:
        raise SwaramError("--resume and --warm-start exclude each other: the one goes on, the other begins anew")
    tree = load_config(config)
    if cluster:
        if dry_run or profile:
            raise SwaramError("--dry-run and --profile look at this machine; leave --cluster out for them.")
        if importlib.util.find_spec("torch") is None:
            raise SwaramError(f"training needs torch; install it with: {install_command('train')}")
        from swaram.cluster.connection import check_nodes, joined
        from swaram.cluster.training import Plan, train_on_cluster

        told = Plan(tree.model_dump_json(), resume, warm_start, max_steps, max_minutes, overfit, evaluate_every)
        with joined(cluster) as ray:
            check_nodes(ray)
            print(f"the checkpoints are in {train_on_cluster(ray, tree, told, processes)}")
        return
    try:
        from swaram.training import dry_run as plan
        from swaram.training.loop import Limits, train
    except ImportError as error:
        raise SwaramError(f"training needs {error.name}; install it with: {install_command('train')}") from None
    if dry_run and as_json:
        print_json({"plan": list(plan.dry_run(tree))})
    elif dry_run:
        for line in plan.dry_run(tree):
            print(line)
    elif profile:
        print(plan.profile_steps(tree))
    else:
        listener = None
        if evaluate_every:
            from swaram.evaluation.during_training import make_listener

            listener = make_listener(tree, evaluate_every)
        train(tree, resume, warm_start, Limits(max_steps, max_minutes), overfit, listener)
