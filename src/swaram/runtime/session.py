"""How every model is opened for inference: few threads, nothing that spins, memory kept only where shapes repeat."""

import ctypes
import sys
from contextlib import suppress

import onnxruntime


def open_session(
    model: bytes | str, threads: int = 1, *, fold_constants: bool = True, keep_memory: bool = False
) -> onnxruntime.InferenceSession:
    """A session on the CPU, with ``threads`` threads, of a model's bytes or its path.

    ``fold_constants``: compute once what depends on weights alone. Without it matrices that are stored in bytes stay so
    and are widened in each run: slower by a few percent where runs are long, and a fraction of the memory.
    ``keep_memory``: for models that are run again and again; faster, and where shapes are few in the end smaller.
    Raises whatever onnxruntime raises for a model that it cannot load: the caller knows what to say of it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the core from the next stream.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Every length of text is another shape: plans and arenas kept for each of them only fill the memory.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = keep_memory
    options.log_severity_level = 4
    left_out = [] if fold_constants else ["ConstantFolding"]
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=left_out
    )


def give_back_memory() -> None:
    """Give what opening models took for a moment back to the system, where the C library can (glibc)."""
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)
