"""How fast preparation is on one core, and how much memory it takes at 1,000 and at 50,000 utterances.

    python benchmarks/prepare.py throughput
    python benchmarks/prepare.py memory --utterances 1000 50000 --workers 2

Both work on speech cut from the recordings at ``--speech`` (a folder of FLAC or WAV files), or said by espeak-ng.
``throughput`` judges 10-second clips at 48 kHz with every gate on, in one process on one core. ``memory`` writes
Parquet shards in the columns of IndicVoices-R, prepares them, and watches the memory of all processes.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

LETTERS = "കഗചജടഡതദനപബമയരലവശസഹള"
SIGNS = ["", "ാ", "ി", "ു", "െ", "ോ"]


def spoken(folder: Path | None, rate: int) -> np.ndarray:
    """Two minutes of speech: float32 [samples], -1..1, mono, at ``rate`` Hz."""
    from swaram.audio.files import read_audio
    from swaram.audio.resample import resample

    with tempfile.TemporaryDirectory() as made:
        if folder is None:
            text = "കേരളത്തിൽ മഴ നന്നായി പെയ്യുന്നു. നാളെ നമുക്ക് കടൽ കാണാൻ പോകാം. അവൻ രാവിലെ നേരത്തെ എഴുന്നേറ്റു. " * 12
            subprocess.run(["espeak-ng", "-v", "ml", "-w", f"{made}/said.wav", text], check=True)
            folder = Path(made)
        parts, seconds = [], 0.0
        for path in sorted(p for p in folder.iterdir() if p.suffix in (".flac", ".wav")):
            recording = read_audio(path)
            parts.append(resample(recording.audio, recording.sample_rate, rate))
            seconds += recording.duration
            if seconds > 120:
                break
    return np.concatenate(parts)


def sentence(random: np.random.Generator, letters: int) -> str:
    """Made-up words of Malayalam letters; only their number matters here."""
    text, word = "", 0
    for _letter in range(letters):
        text += LETTERS[random.integers(len(LETTERS))] + SIGNS[random.integers(len(SIGNS))]
        word += 1
        if word == 4:
            text, word = text + " ", 0
    return text.strip() + "."


def throughput(speech: Path | None, clips: int) -> None:
    """Seconds of audio judged, transformed and encoded in a second of one core."""
    from swaram.corpora.utterance import Provenance, Utterance
    from swaram.prepare import PrepareSettings
    from swaram.prepare.clip import ClipMaker

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    audio, rate = spoken(speech, 48_000), 48_000
    random = np.random.default_rng(1)
    origin = Provenance("bench", "Benchmark", "CC0-1.0", "", "")
    maker = ClipMaker(PrepareSettings(sound={"max_pause": 9, "max_pauses_removed": 9}))
    files = []
    for index in range(clips):
        start = int(random.integers(len(audio) - 9 * rate))
        body = audio[start : start + 9 * rate].copy()
        body[: rate // 4] *= np.linspace(0, 1, rate // 4, dtype=np.float32)
        body[-rate // 4 :] *= np.linspace(1, 0, rate // 4, dtype=np.float32)
        room = random.standard_normal(rate // 2).astype(np.float32) * np.float32(3e-4)
        buffer = io.BytesIO()
        soundfile.write(buffer, np.concatenate([room, body, room]), rate, format="WAV", subtype="PCM_16")
        text = sentence(random, 60)
        files.append(Utterance(f"bench-{index}", origin, "ml", "bench-a", text, buffer.getvalue(), str(index)))
    maker(files[0])
    before, wall = time.process_time(), time.perf_counter()
    reasons = [maker(file).reason for file in files]
    used, passed = time.process_time() - before, time.perf_counter() - wall
    listened = _share_of_listening(maker, files[: min(clips, 20)])
    print(
        json.dumps(
            {
                "clips": clips,
                "kept": reasons.count(""),
                "times_real_time_a_core": round(10 * clips / used, 1),
                "wall_seconds": round(passed, 2),
                "share_of_voice_activity_model": round(listened, 3),
            }
        )
    )


def _share_of_listening(maker, files) -> float:  # type: ignore[no-untyped-def]
    model, spent = maker._detector, [0.0]

    def timed(audio):  # type: ignore[no-untyped-def]
        before = time.process_time()
        found = model(audio)
        spent[0] += time.process_time() - before
        return found

    maker._detector = timed
    before = time.process_time()
    for file in files:
        maker(file)
    maker._detector = model
    return spent[0] / (time.process_time() - before)


def write_shards(folder: Path, utterances: int, speech: Path | None) -> None:
    """Parquet shards of 1,000 rows: 1.2 seconds of speech each, no two alike, with its own text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    audio, rate = spoken(speech, 16_000), 16_000
    random = np.random.default_rng(2)

    def rows() -> Iterator[dict[str, object]]:
        for index in range(utterances):
            start = int(random.integers(len(audio) - 2 * rate))
            body = audio[start : start + int(1.2 * rate)] * np.float32(random.uniform(0.4, 0.9))
            room = random.standard_normal(rate // 5).astype(np.float32) * np.float32(3e-4)
            buffer = io.BytesIO()
            soundfile.write(buffer, np.concatenate([room, body, room]), rate, format="WAV", subtype="PCM_16")
            yield {
                "audio": {"bytes": buffer.getvalue(), "path": f"{index:07d}.wav"},
                "text": sentence(random, 9), "lang": "ml", "speaker_id": f"S{index % 4999}",
                "gender": "Female", "scenario": "Read", "task_name": "Daily Life", "cer": "0.01", "snr": 40.0,
                "duration": str(1.6), "verification_report": "{'decision': 'excellent'}",
            }  # fmt: skip

    batch: list[dict[str, object]] = []
    shard = 0
    for row in rows():
        batch.append(row)
        if len(batch) == 1000 or shard * 1000 + len(batch) == utterances:
            pq.write_table(pa.Table.from_pylist(batch), folder / f"train-{shard:05d}.parquet", row_group_size=100)
            batch, shard = [], shard + 1


def memory(utterances: int, workers: int, speech: Path | None, keep: Path | None) -> None:
    """Peak of the memory of the process that hands out work, and of all processes together."""
    with tempfile.TemporaryDirectory(dir=keep) as made:
        folder, out = Path(made) / "corpus", Path(made) / "data"
        folder.mkdir()
        write_shards(folder, utterances, speech)
        command = [
            sys.executable,
            "-c",
            "from swaram.cli.main import main; main()",
            "prepare",
            "indicvoices-r",
            str(folder),
        ]
        began = time.perf_counter()
        run = subprocess.Popen(
            [*command, "--out", str(out), "--workers", str(workers)], stdout=subprocess.PIPE, text=True
        )
        peaks = {"parent": 0, "all": 0}
        watch = threading.Thread(target=_watch, args=(run, peaks))
        watch.start()
        said = run.communicate()[0]
        watch.join()
        seconds = time.perf_counter() - began
        kept = next((line.split()[1] for line in said.splitlines() if line.startswith("kept")), "0")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            json.dumps(
                {
                    "utterances": utterances,
                    "status": run.returncode,
                    "kept": int(kept),
                    "workers": workers,
                    "seconds": round(seconds, 1),
                    "cpu_seconds_so_far": round(used.ru_utime + used.ru_stime, 1),
                    "peak_mib_handing_out": round(peaks["parent"] / 2**20),
                    "peak_mib_all_processes": round(peaks["all"] / 2**20),
                }
            ),
            flush=True,
        )


def _watch(run: subprocess.Popen, peaks: dict[str, int]) -> None:
    """Sum of the proportional set sizes of the process and its children, ten times a second."""
    while run.poll() is None:
        sizes = {pid: _proportional(pid) for pid in [run.pid, *_children(run.pid)]}
        peaks["parent"] = max(peaks["parent"], sizes[run.pid])
        peaks["all"] = max(peaks["all"], sum(sizes.values()))
        time.sleep(0.1)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def main() -> None:
    """Read the command line and run one of the two measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("throughput", "memory"))
    parser.add_argument("--speech", type=Path, help="folder of recordings to cut the clips from")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--utterances", type=int, nargs="+", default=[1000, 50_000])
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--scratch", type=Path, help="where to write the generated corpus")
    chosen = parser.parse_args()
    if chosen.what == "throughput":
        throughput(chosen.speech, chosen.clips)
    else:
        for utterances in chosen.utterances:
            memory(utterances, chosen.workers, chosen.speech, chosen.scratch)


if __name__ == "__main__":
    main()
