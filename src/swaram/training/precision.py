"""Which device and which number format a machine should train with."""

import torch

from swaram.config import TrainConfig


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
