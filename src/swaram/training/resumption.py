"""A run's whole state to a checkpoint and back, so that it goes on as if it had not been stopped."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from swaram.training import checkpoints

if TYPE_CHECKING:
    from swaram.training.engine import Engine


def save(engine: "Engine", directory: Path) -> Path:
    """Write weights, averages, moments, random states and progress; every process must call it, the first writes."""
    progress, processes = engine.progress, engine.processes
    info = checkpoints.CheckpointInfo(
        progress.step,
        progress.epoch,
        progress.position,
        engine.config,
        engine.symbols,
        engine.speakers,
        progress.best_mel,
        progress.seconds_trained,
        progress.earlier_steps,
        progress.earlier_seconds,
        skipped=progress.skipped,
        order=progress.order,
        unlogged=dict(progress.unlogged),
    )
    random = _named("random.cpu", processes.gather(torch.get_rng_state()))
    if engine.device.type == "cuda":
        random |= _named("random.cuda", processes.gather(torch.cuda.get_rng_state(engine.device)))
    folder = directory / f"step-{progress.step:08d}"
    if processes.first:
        tensors: dict[str, dict[str, Tensor]] = {
            "generator": engine.generator.state_dict(),
            "discriminator": engine.discriminators.state_dict(),
            "ema": engine.average.module.state_dict(),
            "optimizer": random
            | checkpoints.optimizer_tensors(engine.generator_optimizer, "generator")
            | checkpoints.optimizer_tensors(engine.discriminator_optimizer, "discriminator"),
        }
        folder = checkpoints.save_checkpoint(directory, info, tensors, engine.config.train.keep_checkpoints)
    processes.wait()
    return folder


def restore(engine: "Engine", folder: Path) -> None:
    """Put everything back; CheckpointError where model, symbols, speakers, languages or kind of sound are others."""
    info = checkpoints.read_info(folder)
    same = info.symbols.to_dict() == engine.symbols.to_dict() and info.speakers == engine.speakers
    if not same or info.config.model != engine.config.model:
        raise checkpoints.CheckpointError(
            f"{folder} has another model, symbol table or set of speakers; use --warm-start to take what fits"
        )
    for key in ("languages", "styles", "sample_rate", "hop_length", "n_fft"):
        theirs, ours = getattr(info.config.data, key), getattr(engine.config.data, key)
        if theirs != ours:
            raise checkpoints.CheckpointError(
                f"{folder} was trained with data.{key} {theirs}, this configuration has {ours}; put it back to resume"
            )
    engine.generator.load_state_dict(checkpoints.read_tensors(folder, "generator"))
    engine.discriminators.load_state_dict(checkpoints.read_tensors(folder, "discriminator"))
    engine.average.module.load_state_dict(checkpoints.read_tensors(folder, "ema"))
    state = checkpoints.read_tensors(folder, "optimizer")
    checkpoints.restore_optimizer(engine.generator_optimizer, "generator", state)
    checkpoints.restore_optimizer(engine.discriminator_optimizer, "discriminator", state)
    _set_random_states(engine, state)
    progress = engine.progress
    for name in vars(progress):
        setattr(progress, name, getattr(info, name))


def _named(name: str, states: list[Tensor]) -> dict[str, Tensor]:
    """The first process's state under the plain name, those of others with their rank."""
    return {f"{name}.{rank}" if rank else name: value for rank, value in enumerate(states)}


def _set_random_states(engine: "Engine", state: dict[str, Tensor]) -> None:
    # A process that was not there before begins with noise of its own.
    rank = engine.processes.rank
    ending = f".{rank}" if rank else ""
    if f"random.cpu{ending}" in state:
        torch.set_rng_state(state[f"random.cpu{ending}"])
    else:
        torch.manual_seed(engine.config.train.seed + rank + engine.progress.step)
    if engine.device.type == "cuda" and f"random.cuda{ending}" in state:
        torch.cuda.set_rng_state(state[f"random.cuda{ending}"], engine.device)
