"""How many people one server serves at once, and how soon each hears the first sound.

    python benchmarks/serving.py --voices voices --streams 1 20 60 --seconds 20

Starts a server of its own on loopback, then lets that many listeners come at random moments, each asking for one
text after another and playing it at the pace of speech. An underrun is a FLAC frame that comes after the moment at
which a player who began with the first frame has nothing left to play.

With ``--first-frames 100`` one listener after another asks for the first sentence and leaves at the first frame.
With ``--mixed-minutes 30`` it lets people of all habits come instead, and watches the server's memory.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
import numpy as np
from mixed_load import mixed_load, told
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

SENTENCES = (
    "എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും എന്ന് പറഞ്ഞാൽ ആരും വിശ്വസിക്കില്ല, പക്ഷേ ഇത് സത്യമാണ് എന്ന് എനിക്ക് ഉറപ്പുണ്ട്.",
    "നാളെ രാവിലെ ഞങ്ങൾ എല്ലാവരും ചേർന്ന് പുഴക്കരയിൽ പോയി കുട്ടികൾക്ക് നീന്തൽ പഠിപ്പിച്ചു കൊടുക്കാൻ തീരുമാനിച്ചിരിക്കുന്നു.",
    "മഴക്കാലം തുടങ്ങിയാൽ പാടത്ത് പണിക്ക് ആളെ കിട്ടാൻ വലിയ ബുദ്ധിമുട്ടാണ് എന്ന് മുത്തശ്ശി എപ്പോഴും പറയാറുണ്ട്.",
)


@dataclass
class Request:
    """One request as its listener saw it; times in seconds."""

    first: float = 0.0
    seconds: float = 0.0
    late: float = 0.0
    underruns: int = 0
    outcome: str = "lost"


@dataclass
class Result:
    """One row of the table."""

    streams: int
    requests: int
    refused: int
    failed: int
    first_p50_ms: float
    first_p95_ms: float
    first_p99_ms: float
    underruns: int
    latest_ms: float
    cpu_cores: float
    others_cores: float
    memory_mb: float
    memory_after_mb: float = 0.0
    outcomes: dict = field(default_factory=dict)


async def listen_once(socket, text: str, seed: int, hold: bool) -> Request:
    """Ask for a text and play it."""
    seen = Request()
    asked = time.perf_counter()
    begin = None
    await socket.send(json.dumps({"type": "start", "text": text, "seed": seed, "marks": "none"}))
    rate, block, samples = 16_000, 1024, 0
    while True:
        message = await socket.recv()
        now = time.perf_counter()
        if isinstance(message, bytes):
            if message[:4] == b"fLaC":
                continue
            if begin is None:
                begin, seen.first = now, now - asked
            late = now - begin - samples / rate
            if late > 0 and samples:
                seen.underruns += 1
                seen.late = max(seen.late, late)
                begin += late
            samples += block
            continue
        told = json.loads(message)
        if told["type"] == "started":
            rate, block = told["sample_rate"], told["block_samples"]
        elif told["type"] == "error":
            seen.outcome = told["code"]
            return seen
        elif told["type"] == "done":
            seen.outcome, seen.seconds = "done", told["seconds"]
            if hold and begin is not None:
                await asyncio.sleep(max(0.0, begin + seen.seconds - time.perf_counter()))
            return seen


async def listener(address: str, number: int, streams: int, until: float, seen: list[Request]) -> None:
    """One person: comes at a random moment of the first five seconds, listens until the end."""
    chance = random.Random(number)
    await asyncio.sleep(chance.uniform(0, min(5.0, streams / 10)))
    turn = 0
    while time.perf_counter() < until:
        try:
            async with connect(address, compression=None, proxy=None, max_queue=None, open_timeout=20) as socket:
                await socket.recv()
                while time.perf_counter() < until:
                    seen.append(await listen_once(socket, chance.choice(SENTENCES), number * 1000 + turn, hold=True))
                    turn += 1
                    if seen[-1].outcome != "done":
                        await asyncio.sleep(1.0)
        except (WebSocketException, OSError, TimeoutError) as error:
            seen.append(Request(outcome=type(error).__name__))
            await asyncio.sleep(1.0)


def cpu_seconds(pids: list[int]) -> float:
    """Seconds of processor time that these processes have used."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Seconds that all processors of this machine have been busy, with whatever."""
    fields = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def memory_mb(pids: list[int]) -> float:
    """Resident memory of these processes."""
    return sum(int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024 for pid in pids)


def shared_memory_mb(pids: list[int]) -> float:
    """Memory of these processes, each page divided among those that share it (PSS)."""
    found = [re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in pids]
    return sum(int(match[1]) / 1024 for match in found if match)


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in family(int(child)))]


@contextmanager
def serving(arguments: list[str]):
    """A server of its own; yields its address and process."""
    command = [sys.executable, "-m", "swaram.cli.main", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                yield found[0], process.pid
                break
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def measure(address: str, pid: int, streams: int, seconds: float) -> Result:
    """Load the server with this many listeners."""
    socket_address = address.replace("http", "ws", 1) + "/v1/speak"
    seen: list[Request] = []
    begun, used, busy = time.perf_counter(), cpu_seconds(family(pid)), busy_seconds()
    own = time.process_time()
    until = begun + seconds
    await asyncio.gather(*(listener(socket_address, n, streams, until, seen) for n in range(streams)))
    took = time.perf_counter() - begun
    heard = [request for request in seen if request.outcome == "done"]
    first = [1000 * request.first for request in heard] or [float("nan")]
    outcomes: dict[str, int] = {}
    for request in seen:
        outcomes[request.outcome] = outcomes.get(request.outcome, 0) + 1
    p50, p95, p99 = np.percentile(first, [50, 95, 99])
    return Result(
        streams=streams,
        requests=len(seen),
        refused=outcomes.get("overloaded", 0),
        failed=len(seen) - len(heard) - outcomes.get("overloaded", 0),
        first_p50_ms=round(p50, 1),
        first_p95_ms=round(p95, 1),
        first_p99_ms=round(p99, 1),
        underruns=sum(request.underruns for request in seen),
        latest_ms=round(1000 * max((request.late for request in seen), default=0.0), 1),
        cpu_cores=round((used := cpu_seconds(family(pid)) - used) / took, 2),
        others_cores=round((busy_seconds() - busy - used - (time.process_time() - own)) / took, 2),
        memory_mb=round(memory_mb(family(pid)), 1),
        outcomes=outcomes,
    )


async def first_frames(address: str, count: int) -> list[float]:
    """Seconds from asking to the first FLAC frame, of a server that does nothing else."""
    seconds = []
    async with connect(address.replace("http", "ws", 1) + "/v1/speak", compression=None, proxy=None) as socket:
        await socket.recv()
        for seed in range(count):
            asked = time.perf_counter()
            await socket.send(json.dumps({"type": "start", "text": SENTENCES[0], "seed": seed, "marks": "none"}))
            heard = False
            while True:
                message = await socket.recv()
                if isinstance(message, bytes):
                    if not heard and message[:4] != b"fLaC":
                        seconds.append(time.perf_counter() - asked)
                        heard = True
                        await socket.send('{"type": "cancel"}')
                elif (told := json.loads(message))["type"] in ("cancelled", "done"):
                    break
                elif told["type"] == "error":
                    raise SystemExit(told["message"])
            await asyncio.sleep(0.05)
    return seconds


def first(options: argparse.Namespace) -> None:
    """Print percentiles of the first frame of a single stream."""
    with serving(["--voices", options.voices, *options.serve]) as (address, _):
        heard = asyncio.run(first_frames(address, options.first_frames))
    values = np.percentile(1000 * np.array(heard), [0, 50, 95, 99])
    print(f"first frame of {len(heard)}: least {values[0]:.1f}, p50 {values[1]:.1f}, ", end="")
    print(f"p95 {values[2]:.1f}, p99 {values[3]:.1f} ms")


def mixed(options: argparse.Namespace) -> None:
    """Print what a mixed load brought, and JSON with --json."""
    with serving(["--voices", options.voices, *options.serve]) as (address, pid):
        used, begun = cpu_seconds(family(pid)), time.perf_counter()
        seen = asyncio.run(
            mixed_load(
                address,
                SENTENCES,
                options.visitors,
                60 * options.mixed_minutes,
                lambda: (shared_memory_mb(family(pid)), memory_mb(family(pid))),
            )
        )
        seen.cpu_cores = (cpu_seconds(family(pid)) - used) / (time.perf_counter() - begun)
        page = httpx.get(address + "/metrics").text
        seen.underruns = int(float(re.search(r"^tts_underrun_total (\S+)", page, re.MULTILINE)[1]))
    print(told(seen))
    if options.json:
        options.json.write_text(json.dumps(asdict(seen), indent=1))


def main() -> None:
    """Print a table, and JSON with --json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", default="voices")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 20, 60])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument(
        "--first-frames", type=int, help="so many first frames of a single stream, instead of the table"
    )
    parser.add_argument("--mixed-minutes", type=float, help="a mixed load for so long, instead of the table")
    parser.add_argument("--visitors", type=int, default=8, help="people of the mixed load")
    parser.add_argument("--json", type=Path)
    parser.add_argument("serve", nargs="*", help="further options of swaram serve, after --")
    options = parser.parse_args()
    if options.first_frames:
        first(options)
        return
    if options.mixed_minutes:
        mixed(options)
        return
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before; {options.seconds:g} s for each row")
    print(
        "streams requests refused failed | first sound p50 p95 p99 ms | underruns latest ms | "
        "cores others  MB  MB after"
    )
    rows = []
    with serving(["--voices", options.voices, *options.serve]) as (address, pid):
        httpx.get(address + "/healthz").raise_for_status()
        for streams in options.streams:
            row = asyncio.run(measure(address, pid, streams, options.seconds))
            time.sleep(2)
            row.memory_after_mb = round(memory_mb(family(pid)), 1)
            rows.append(row)
            print(
                f"{row.streams:7} {row.requests:8} {row.refused:7} {row.failed:6} | {row.first_p50_ms:17} "
                f"{row.first_p95_ms:5} {row.first_p99_ms:5}    | {row.underruns:9} {row.latest_ms:9} | "
                f"{row.cpu_cores:5} {row.others_cores:6} {row.memory_mb:5} {row.memory_after_mb:5}",
                flush=True,
            )
            if row.failed:
                print(f"        outcomes: {row.outcomes}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
