"""Speed of training: this project's step against a straightforward one of the published method, and presets in turn.

    python benchmarks/training.py                          # CPU: paper against the straightforward step, and mini
    python benchmarks/training.py --device cuda            # GPU: paper and mini at batch 32 and 64, compiled or not

All contestants take turns in one run on the same batches, so that other work on the machine slows them alike; medians.
"""

import argparse
import json
import statistics
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swaram.config.config import Config, load_config
from swaram.model.discriminators import PeriodDiscriminator
from swaram.text.symbols import SymbolTable
from swaram.training import losses
from swaram.training.batches import Batch
from swaram.training.distributed import choose_precision
from swaram.training.trainer import Trainer
from swaram.training.validation import cut_audio

ROOT = Path(__file__).parent.parent
SYMBOLS_A_FRAME = 0.35  # of the Malayalam corpus, blanks counted


def make_batch(utterances: int, frames: int, hop: int, device: torch.device) -> Batch:
    """Noise in place of speech: the work depends on the lengths alone."""
    random = torch.Generator().manual_seed(0)
    symbols = int(frames * SYMBOLS_A_FRAME)
    zeros = torch.zeros(utterances, dtype=torch.int64)
    return Batch(
        torch.randint(3, 40, (utterances, symbols), generator=random),
        torch.full((utterances,), symbols),
        0.1 * torch.randn(utterances, frames * hop, generator=random),
        torch.full((utterances,), frames),
        zeros,
        language=zeros,
        style=zeros,
        pitch=torch.tensor([150.0, 1.0])[None, :, None].repeat(utterances, 1, frames),
    ).to(device)


class Straightforward:
    """The published step as one would write it down: float32, the discriminators run once for each update."""

    def __init__(self, config: Config, device: torch.device):
        self.config = config
        self.trainer = Trainer(config, SymbolTable.for_languages("ml"), ["speaker"], device, torch.float32)
        for module in self.trainer.discriminators.discriminators:
            if isinstance(module, PeriodDiscriminator):
                module.forward = two_dimensional.__get__(module)  # type: ignore[method-assign]
        settings = {"lr": 2e-4, "betas": (0.8, 0.99), "eps": 1e-9}
        self.generator_optimizer = torch.optim.AdamW(self.trainer.generator.parameters(), **settings)
        self.discriminator_optimizer = torch.optim.AdamW(self.trainer.discriminators.parameters(), **settings)

    def step(self, batch: Batch) -> None:
        """One update of the discriminators, then one of the generator."""
        trainer, segment = self.trainer, self.config.train.segment_frames
        prior, output = trainer.generator(trainer.inputs(batch), segment)
        real = cut_audio(batch.audio, output.starts, segment, self.config.data.hop_length)

        real_scores, _ = trainer.discriminators(real)
        fake_scores, _ = trainer.discriminators(output.audio.detach())
        self.discriminator_optimizer.zero_grad()
        losses.discriminator(real_scores, fake_scores).backward()
        norm(trainer.discriminators)
        self.discriminator_optimizer.step()

        _, real_maps = trainer.discriminators(real)
        fake_scores, fake_maps = trainer.discriminators(output.audio)
        loss = (
            45 * losses.mel(trainer.spectra(real), trainer.spectra(output.audio))
            + losses.kl(prior)
            + prior.duration_loss
            + losses.adversarial(fake_scores)
            + 2 * losses.feature_matching(real_maps, fake_maps)
        )
        self.generator_optimizer.zero_grad()
        loss.backward()
        norm(trainer.generator)
        self.generator_optimizer.step()
        float(loss.detach())


def two_dimensional(self: PeriodDiscriminator, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The period discriminator as published: convolutions over an image of rows and columns."""
    x = F.pad(audio.unsqueeze(1), (0, -audio.shape[1] % self.period), mode="reflect")
    x = x.unflatten(2, (-1, self.period))
    features = []
    for convolution in self.convs:
        x = F.leaky_relu(convolution(x), 0.1)
        features.append(x)
    features.append(self.conv_post(x))
    return features[-1].flatten(1), features


def norm(module: nn.Module) -> float:
    """Norm of the gradient, as the published code reports it."""
    return float(torch.stack([p.grad.norm() for p in module.parameters() if p.grad is not None]).norm())


def ours(config: Config, device: torch.device, compiled: bool = False) -> Trainer:
    """The trainer with the number format that it chooses itself."""
    config = config.model_copy(deep=True)
    config.train.compile = compiled
    config.train.text_steps = config.train.bootstrap_steps = 0
    return Trainer(config, SymbolTable.for_languages("ml"), ["speaker"], device, choose_precision(config.train, device))


def judged(config: Config) -> Config:
    """The same with discriminators in every step."""
    config = config.model_copy(deep=True)
    config.train.adversarial_every = 1
    return config


def cycle(contestant: object) -> int:
    """Steps after which the work is the same again: a preset may leave the discriminators out of some."""
    return contestant.config.train.adversarial_every if isinstance(contestant, Trainer) else 1


def fitting(contestant: object, batch: Batch) -> Batch:
    """The batch as a run would give it: with pitch only where the decoder needs it."""
    heard = isinstance(contestant, Trainer) and contestant.generator.pitch is not None
    return batch if heard else replace(batch, pitch=None)


def take_turns(contestants: dict[str, object], batch: Batch, repeats: int) -> dict[str, dict[str, float]]:
    """Median seconds of a step of each, by the clock and of the processor.

    Each turn begins with a cycle that does not count (the first with one step more): whoever worked before has emptied
    the caches and given memory back, which a run of one contestant never meets. Where a preset leaves the
    discriminators out of some steps, a cycle holds one step that has them, and its mean counts as one step; else a
    cycle is one step.
    """
    clock: dict[str, list[float]] = {name: [] for name in contestants}
    processor: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(repeats):
        for name, contestant in contestants.items():
            own, steps = fitting(contestant, batch), cycle(contestant)
            for _ in range(steps if turn else steps + 1):
                contestant.step(own)  # type: ignore[attr-defined]
            if batch.audio.is_cuda:
                torch.cuda.synchronize()
            begun, worked = time.perf_counter(), time.process_time()
            for _ in range(steps):
                contestant.step(own)  # type: ignore[attr-defined]
            if batch.audio.is_cuda:
                torch.cuda.synchronize()
            took, worked = (time.perf_counter() - begun) / steps, (time.process_time() - worked) / steps
            clock[name].append(took)
            processor[name].append(worked)
            print(f"  {name}: {took:.2f} s, of the processor {worked:.2f} s", flush=True)
    return {
        name: {"seconds": statistics.median(clock[name]), "processor_seconds": statistics.median(processor[name])}
        for name in contestants
    }


def on_cpu(paper: Config, mini: Config, repeats: int, batches: list[str]) -> list[dict]:
    """The straightforward step against ours on ``paper``, and ``mini``, at each batch."""
    device, rows = torch.device("cpu"), []
    contestants: dict[str, object] = {"straightforward": Straightforward(paper, device), "paper": ours(paper, device)}
    contestants |= {"mini": ours(mini, device), "mini, every step judged": ours(judged(mini), device)}
    for utterances, frames in (map(int, size.split("x")) for size in batches):
        print(f"{utterances} utterances of {frames} frames", flush=True)
        batch = make_batch(utterances, frames, paper.data.hop_length, device)
        for name, values in take_turns(contestants, batch, repeats).items():
            rows.append({"step": name, "batch": f"{utterances} x {frames}", **values})
    return rows


def on_gpu(paper: Config, mini: Config, repeats: int, batches: list[str]) -> list[dict]:
    """``paper`` and ``mini`` at each batch, with and without torch.compile."""
    device, rows = torch.device("cuda"), []
    for name, config in (("paper", paper), ("mini", mini)):
        for compiled in (False, True):
            for utterances, frames in (map(int, size.split("x")) for size in batches):
                trainer = ours(config, device, compiled)
                batch = make_batch(utterances, frames, config.data.hop_length, device)
                steps = -(-repeats // cycle(trainer)) * cycle(trainer)
                batch = fitting(trainer, batch)
                for _ in range(cycle(trainer) + 2):
                    trainer.step(batch)
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
                with Utilisation() as utilisation:
                    begun = time.perf_counter()
                    for _ in range(steps):
                        trainer.step(batch)
                    torch.cuda.synchronize()
                    seconds = (time.perf_counter() - begun) / steps
                rows.append(
                    {
                        "step": name + (", compiled" if compiled else ""),
                        "batch": f"{utterances} x {frames}",
                        "seconds": seconds,
                        "steps_per_second": 1 / seconds,
                        "tokens_per_second": float(batch.symbol_lengths.sum()) / seconds,
                        "frames_per_second": float(batch.frame_lengths.sum()) / seconds,
                        "gpu_percent": utilisation.mean,
                        "memory_gib": torch.cuda.max_memory_allocated() / 2**30,
                    }
                )
                print(rows[-1], flush=True)
                del trainer
                torch.cuda.empty_cache()
    return rows


class Utilisation:
    """Mean GPU utilisation in per cent while inside, as nvidia-smi tells it; NaN where it tells nothing."""

    def __enter__(self) -> "Utilisation":
        self.seen: list[float] = []
        self.over = threading.Event()
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()
        return self

    def _watch(self) -> None:
        query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while not self.over.wait(0.2):
            try:
                told = subprocess.run(query, capture_output=True, text=True, timeout=5).stdout.split()
            except OSError:
                return
            self.seen += [float(told[0])] if told else []

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.watcher.join()
        self.mean = statistics.mean(self.seen) if self.seen else float("nan")


def device_name(device: str) -> str:
    """What the table is headed with."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":")[1].strip() for line in facts.splitlines() if line.startswith("model name")]
    return f"{models[0] if models else 'CPU'}, {torch.get_num_threads()} thread(s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--paper", default=str(ROOT / "configs" / "paper.json"))
    parser.add_argument("--mini", default=str(ROOT / "config.json"))
    parser.add_argument("--repeats", type=int, help="steps that count, of each; 3 on CPU, 20 on GPU")
    parser.add_argument("--batches", nargs="+", help="utterances x frames: 4x300 16x200 on CPU, 32x300 64x300 on GPU")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    paper, mini = load_config(arguments.paper), load_config(arguments.mini)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device is at hand")
    if arguments.device == "cuda":
        rows = on_gpu(paper, mini, arguments.repeats or 20, arguments.batches or ["32x300", "64x300"])
    else:
        rows = on_cpu(paper, mini, arguments.repeats or 3, arguments.batches or ["4x300", "16x200"])
    print(f"\n{device_name(arguments.device)}, PyTorch {torch.__version__}\n")
    names = list(rows[0])
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for row in rows:
        print("| " + " | ".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
