"""The parts of ``benchmarks/gpu.sh`` that compute: ``unpack``, ``rates`` and ``train``.

python benchmarks/gpu.py unpack .gpu/data.tar FOLDER --sample-rate 16000
python benchmarks/gpu.py rates --device cuda --seconds 120 --out OUT
python benchmarks/gpu.py train --data FOLDER --device cuda --seconds 240 --out OUT
"""

import argparse
import io
import json
import multiprocessing
import os
import signal
import tarfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import soundfile
import soxr
import torch

from swaram.config.config import Config, load_config, parse_config
from swaram.training import loop
from swaram.training.checkpoints import checkpoint_folders, read_info
from swaram.training.weights import save_weights

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "weights" / "malayalam"
MOST_BYTES = 16 << 20  # of one file that comes back


def unpack(archive: Path, folder: Path, sample_rate: int) -> None:
    """Opus to FLAC at ``sample_rate`` Hz, the tables of training, and a manifest as JSON lines."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as packed:
        contents = {member.name: packed.extractfile(member).read() for member in packed}  # type: ignore[union-attr]
    rows = [json.loads(line) for line in contents.pop("clips.jsonl").decode().split("\n") if line]
    work = partial(_as_flac, folder=folder, sample_rate=sample_rate)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        paths = list(
            pool.map(work, [row["path"] for row in rows], [contents[row["path"]] for row in rows], chunksize=16)
        )
    rows = [row | {"path": path} for row, path in zip(rows, paths, strict=True)]
    manifest = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "manifest.jsonl").write_text(manifest, encoding="utf-8")
    for split in ("train", "val"):
        lines = "".join(f"{row['path']}|{row['transcript']}\n" for row in rows if row["split"] == split)
        (folder / f"{split}_metadata.csv").write_text(lines, encoding="utf-8")
    print(f"{len(rows)} clips in {folder}")


def _as_flac(name: str, content: bytes, folder: Path, sample_rate: int) -> str:
    target = (folder / name).with_suffix(".flac")
    target.parent.mkdir(parents=True, exist_ok=True)
    audio, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    soundfile.write(target, soxr.resample(audio, rate, sample_rate), sample_rate, subtype="PCM_16")
    return str(target.relative_to(folder))


def rates(device: str, seconds: float, out: Path) -> None:
    """Steps and frames a second, utilisation and memory: a line of ``rates.jsonl`` for each, until the time is up."""
    from benchmarks.training import Utilisation, cycle, device_name, fitting, make_batch, ours

    place, ends = torch.device(device), time.monotonic() + seconds
    gpu = place.type == "cuda"
    presets = {"mini": load_config(ROOT / "config.json"), "paper": load_config(ROOT / "configs" / "paper.json")}
    batches = ((32, 300), (64, 300)) if gpu else ((2, 100),)
    plans = [
        (name, compiled, batch)
        for compiled in ((False, True) if gpu else (False,))
        for name in presets
        for batch in batches
    ]
    for name, compiled, (utterances, frames) in plans:
        if time.monotonic() > ends:
            print("the time for rates is over")
            return
        begun = time.monotonic()
        trainer = ours(presets[name], place, compiled)
        batch = fitting(trainer, make_batch(utterances, frames, presets[name].data.hop_length, place))
        for _ in range(cycle(trainer) + (2 if gpu else 0)):
            trainer.step(batch)
        _wait(gpu)
        warmed = time.monotonic()
        steps = cycle(trainer) * (5 if gpu else 1)
        with Utilisation() as utilisation:
            for _ in range(steps):
                trainer.step(batch)
            _wait(gpu)
        took = (time.monotonic() - warmed) / steps
        row = {
            "device": device_name(device), "preset": name, "compiled": compiled, "batch": f"{utterances} x {frames}",
            "precision": str(trainer.precision).removeprefix("torch."), "seconds_a_step": round(took, 5),
            "steps_per_second": round(1 / took, 3), "frames_per_second": round(utterances * frames / took),
            "warm_up_seconds": round(warmed - begun, 1), "gpu_percent": round(utilisation.mean, 1) if gpu else None,
            "memory_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2) if gpu else None,
        }  # fmt: skip
        with open(out / "rates.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)
        del trainer
        if gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def _wait(gpu: bool) -> None:
    if gpu:
        torch.cuda.synchronize()


def train(data: Path, device: str, seconds: float, out: Path, work: Path, weights: Path = WEIGHTS) -> None:
    """Go on from the weights, with the discriminators, for so long; the slim result comes into ``out``."""
    config = run_config(data, device, work, weights)
    resume = bool(checkpoint_folders(work))
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # until the loop takes it for "write a checkpoint and end"
    ended = threading.Event()
    timer = threading.Thread(target=_end_after, args=(seconds, ended), daemon=True)
    timer.start()
    try:
        folder = loop.train(config, resume, None if resume else str(weights))
    finally:
        ended.set()
        timer.join()
        signal.signal(signal.SIGTERM, before)
    slim = save_weights(folder, out / "weights", eight_bits=True)
    for file in slim.iterdir():
        assert file.stat().st_size <= MOST_BYTES, f"{file} is larger than {MOST_BYTES} bytes"
    (out / "losses.jsonl").write_bytes((work / "losses.jsonl").read_bytes()[-MOST_BYTES:])
    print(f"step {read_info(folder).step}: {slim}")


def _end_after(seconds: float, ended: threading.Event) -> None:
    """Loading counts too, so the loop's own limit would be too late."""
    ended.wait(seconds)
    while not ended.wait(1.0):
        os.kill(os.getpid(), signal.SIGTERM)


def run_config(data: Path, device: str, work: Path, weights: Path) -> Config:
    """The configuration of the weights with every step judged, at a lower rate, on this data."""
    info = read_info(weights)
    raw = info.config.model_dump(mode="json")
    gpu = device == "cuda"
    raw["data"] |= {
        "training_files": str(data / "train_metadata.csv"),
        "validation_files": str(data / "val_metadata.csv"),
        "languages": list(info.config.data.languages),
    }
    raw["train"] |= {
        "output_directory": str(work), "device": device, "precision": "auto", "threads": 0 if gpu else 1,
        "learning_rate": 1e-4, "warmup_steps": 100, "adversarial_every": 1, "max_steps": 10**9,
        "validation_steps": 10**9,
        "log_steps": 20 if gpu else 1, "checkpoint_minutes": 1.0, "keep_checkpoints": 2, "bootstrap_steps": 0,
        "batch_size": 64 if gpu else 2, "batch_frames": None, "segments": None,
    }  # fmt: skip
    return parse_config(raw)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("unpack")
    one.add_argument("archive", type=Path)
    one.add_argument("folder", type=Path)
    one.add_argument("--sample-rate", type=int, default=16_000)
    for name in ("rates", "train"):
        two = commands.add_parser(name)
        two.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
        two.add_argument("--seconds", type=float, default=120.0)
        two.add_argument("--out", type=Path, required=True)
    two.add_argument("--data", type=Path, required=True)
    two.add_argument("--work", type=Path, required=True)
    two.add_argument("--weights", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    if arguments.command == "unpack":
        unpack(arguments.archive, arguments.folder, arguments.sample_rate)
    elif arguments.command == "rates":
        rates(arguments.device, arguments.seconds, arguments.out)
    else:
        train(arguments.data, arguments.device, arguments.seconds, arguments.out, arguments.work, arguments.weights)


if __name__ == "__main__":
    main()
