"""Where and in which number format a model is trained, and the processes that train it together.

``torchrun`` starts one process for each device; Fabric joins them.

A global batch is divided among them. Each process scales its losses by the share that its rows have in the global
batch, and gradients are summed: so any number of processes computes what one process would compute on the whole batch.
"""

import logging
import os
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from swaram.config.config import TrainConfig
from swaram.training.gradient_sums import GradientSums
from swaram.training.nan_guard import TrainingError


def choose_device(config: TrainConfig) -> torch.device:
    """The configured device; ``auto`` takes CUDA where there is one."""
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(config.device)


def choose_precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware computes in it, otherwise float32; never float16, which overflows in the flow."""
    if config.precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[config.precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32


# torchrun sets all of them; a scheduler that sets only one does not make this a process of several.
TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class Processes:
    """This process and the others; without ``torchrun`` there is only one and no collective costs anything.

    ``rank`` counts from 0, ``size`` is how many there are; ``device`` is this process's own.
    """

    def __init__(self, device: torch.device, precision: torch.dtype):
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the plan says what it would
        together = all(name in os.environ for name in TORCHRUN)
        local, world = (int(os.environ[name]) if together else 1 for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
        if world % local:
            raise TrainingError(
                f"{world} processes are not {local} on every machine; give each machine the same number of them"
            )
        self.fabric = Fabric(
            accelerator="cuda" if device.type == "cuda" else "cpu",
            devices=local,
            num_nodes=world // local,
            strategy="ddp" if world > 1 else "auto",
            precision="bf16-mixed" if precision is torch.bfloat16 else "32-true",
        )
        if world > 1:
            self.fabric.launch()
        self.device = self.fabric.device
        self.rank, self.size = self.fabric.global_rank, self.fabric.world_size

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and prints."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Elementwise sum over all processes."""
        return values if self.size == 1 else cast(Tensor, self.fabric.all_reduce(values, reduce_op="sum"))

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all processes get the same answer."""
        return flag if self.size == 1 else float(self.sum(torch.tensor(float(flag), device=self.device))) > 0

    def gather(self, values: Tensor) -> list[Tensor]:
        """The tensors of all processes, on the CPU, in the order of their ranks."""
        return [values.cpu()] if self.size == 1 else list(cast(Tensor, self.fabric.all_gather(values)).cpu())

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.size > 1:
            self.fabric.barrier()

    def gradient_sums(self, module: nn.Module) -> GradientSums | None:
        """What sums the module's gradients over all processes; None for a process that is alone."""
        return None if self.size == 1 else GradientSums(module)
