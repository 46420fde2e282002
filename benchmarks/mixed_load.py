"""Half an hour like any other: people who listen, give up, vanish, convert and ask over HTTP, and what memory does.

    python benchmarks/serving.py --voices voices --mixed-minutes 30

Each visitor does one thing after another, drawn by chance from a seed of their own.
"""

import asyncio
import io
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import numpy as np
import soundfile
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

SAMPLE_EVERY = 10.0
WARM_UP = 300.0
_FORMATS = ("flac", "pcm", "wav", "opus", "mp3")


@dataclass
class Mixed:
    """What a mixed load brought: counts by outcome, and (seconds, PSS MB, RSS MB) of the server."""

    outcomes: dict[str, int] = field(default_factory=dict)
    first_ms: list[float] = field(default_factory=list)
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    underruns: int = 0
    cpu_cores: float = 0.0

    def slope(self, warm_up: float) -> float:
        """PSS in MB an hour after ``warm_up`` seconds, by least squares."""
        kept = [(at / 3600, pss) for at, pss, _ in self.memory if at >= warm_up]
        return float(np.polyfit(*zip(*kept, strict=True), 1)[0]) if len(kept) > 2 else float("nan")


class Visitor:
    """One person with habits; each habit returns how it ended."""

    def __init__(self, number: int, address: str, sentences: tuple[str, ...], seen: Mixed) -> None:
        self._chance = random.Random(number)
        self._http, self._socket = address, address.replace("http", "ws", 1)
        self._sentences, self._seen = sentences, seen
        self._habits = (
            [self.listen] * 5
            + [self.dictate, self.cancel, self.vanish] * 2
            + [self.convert_by_socket, self.upload, self.ask, self.ask, self.hang_up, self.blunder]
        )

    async def stay(self, until: float) -> None:
        """Visit until the end."""
        await asyncio.sleep(self._chance.uniform(0, 5))
        while time.perf_counter() < until:
            habit = self._chance.choice(self._habits)
            try:
                async with asyncio.timeout(180):
                    outcome = await habit()
            except (WebSocketException, httpx.HTTPError, OSError, TimeoutError) as error:
                outcome = type(error).__name__
            what = f"{habit.__name__} {outcome}"
            self._seen.outcomes[what] = self._seen.outcomes.get(what, 0) + 1
            await asyncio.sleep(self._chance.uniform(0.1, 3))

    def _text(self) -> str:
        whole = " ".join(self._chance.choice(self._sentences) for _ in range(self._chance.choice([1, 1, 1, 2, 3, 6])))
        words = whole.split()
        return " ".join(words[: self._chance.randint(2, len(words))])

    def _start(self, **more) -> str:
        wanted = {
            "format": self._chance.choice(("flac", "flac", "flac", *_FORMATS)),
            "speed": self._chance.choice([0.8, 1.0, 1.0, 1.3]),
            "seed": self._chance.randrange(1 << 30),
            "marks": self._chance.choice(["none", "word", "symbol"]),
        }
        return json.dumps({"type": "start"} | wanted | more)

    def _connect(self, path: str = "/v1/speak"):
        return connect(self._socket + path, compression=None, proxy=None, max_queue=None, open_timeout=30)

    async def _hear(self, socket, asked: float, most: float = float("inf")) -> str:
        """Listen, at the pace of speech, until the end, or for ``most`` seconds."""
        begun = None
        while True:
            message = await socket.recv()
            now = time.perf_counter()
            if isinstance(message, bytes):
                if begun is None and message[:4] != b"fLaC":
                    begun = now
                    self._seen.first_ms.append(1000 * (now - asked))
                if now - asked > most:
                    return "left"
                continue
            told = json.loads(message)
            if told["type"] == "done":
                if begun is not None:
                    await asyncio.sleep(max(0.0, begun + told["seconds"] - time.perf_counter()))
                return "done"
            if told["type"] == "cancelled":
                return "cancelled"
            if told["type"] == "error":
                return told["code"]

    async def listen(self) -> str:
        async with self._connect() as socket:
            for _ in range(self._chance.randint(1, 3)):
                asked = time.perf_counter()
                await socket.send(self._start(text=self._text()))
                outcome = await self._hear(socket, asked)
                if outcome != "done":
                    break
            return outcome

    async def dictate(self) -> str:
        """Text that is still being written."""
        async with self._connect() as socket:
            await socket.send(self._start())
            asked = time.perf_counter()
            for word in self._text().split():
                await socket.send(json.dumps({"type": "text", "text": word + " "}))
                await asyncio.sleep(0.05)
            await socket.send(json.dumps({"type": "end"}))
            return await self._hear(socket, asked)

    async def cancel(self) -> str:
        async with self._connect() as socket:
            asked = time.perf_counter()
            await socket.send(self._start(text=self._text()))
            outcome = await self._hear(socket, asked, self._chance.uniform(0, 3))
            if outcome != "left":
                return outcome
            await socket.send(json.dumps({"type": "cancel"}))
            outcome = await self._hear(socket, asked)
            return "cancelled" if outcome == "unknown_request" else outcome

    async def vanish(self) -> str:
        socket = await self._connect()
        try:
            asked = time.perf_counter()
            await socket.send(self._start(text=self._text()))
            return await self._hear(socket, asked, self._chance.uniform(0, 3))
        finally:
            socket.transport.abort()

    def _wav(self) -> bytes:
        rate, channels = self._chance.choice([8_000, 16_000, 44_100]), self._chance.choice([1, 2])
        seconds = self._chance.uniform(0.2, 20)
        noise = np.random.default_rng(self._chance.randrange(1 << 30)).normal(0, 0.05, (int(rate * seconds), channels))
        file = io.BytesIO()
        soundfile.write(file, noise, rate, format="WAV", subtype=self._chance.choice(["PCM_16", "PCM_24"]))
        return file.getvalue()

    async def convert_by_socket(self) -> str:
        wav = self._wav()
        async with self._connect("/v1/convert") as socket:
            for at in range(0, len(wav), 60_000):
                await socket.send(wav[at : at + 60_000])
            while True:
                message = await socket.recv()
                if isinstance(message, str) and (told := json.loads(message))["type"] in ("done", "error"):
                    return told.get("code", "done")

    async def upload(self) -> str:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            answer = await client.post(self._http + "/convert", files={"file": ("a.wav", self._wav(), "audio/wav")})
            return str(answer.status_code)

    def _body(self) -> dict:
        return {"input": self._text(), "response_format": self._chance.choice(_FORMATS)}

    async def ask(self) -> str:
        """A request in the form of OpenAI's clients."""
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            return str((await client.post(self._http + "/v1/audio/speech", json=self._body())).status_code)

    async def hang_up(self) -> str:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            with suppress(httpx.ReadError):
                body = self._body() | {"stream_format": "audio"}
                async with client.stream("POST", self._http + "/v1/audio/speech", json=body) as answer:
                    async for _ in answer.aiter_bytes(2000):
                        break
            return "left"

    async def blunder(self) -> str:
        """Something that no server can serve."""
        async with self._connect() as socket:
            await socket.send(self._chance.choice(['{"type": "sing"}', "{", '{"type": "start", "text": "…"}', "[]"]))
            while True:
                message = json.loads(await socket.recv())
                if message["type"] == "error":
                    return "refused"


async def mixed_load(address: str, sentences: tuple[str, ...], visitors: int, seconds: float, look) -> Mixed:
    """Let visitors come for so long; ``look()`` gives (PSS MB, RSS MB) of the server."""
    seen = Mixed()
    begun = time.perf_counter()

    async def watch() -> None:
        while True:
            seen.memory.append((time.perf_counter() - begun, *look()))
            if len(seen.memory) % 6 == 1:
                at, pss, rss = seen.memory[-1]
                print(f"{at:6.0f} s  PSS {pss:.1f}  RSS {rss:.1f} MB", flush=True)
            await asyncio.sleep(SAMPLE_EVERY)

    watching = asyncio.create_task(watch())
    people = [Visitor(number, address, sentences, seen) for number in range(visitors)]
    await asyncio.gather(*(person.stay(begun + seconds) for person in people))
    await asyncio.sleep(SAMPLE_EVERY)
    watching.cancel()
    seen.memory.append((time.perf_counter() - begun, *look()))
    return seen


def told(seen: Mixed) -> str:
    """The result for people."""
    memory = seen.memory
    warm_up = min(WARM_UP, memory[-1][0] / 3)
    after = next(entry for entry in memory if entry[0] >= warm_up)
    peak = max(memory, key=lambda entry: entry[1])
    lines = [f"{what:32} {count}" for what, count in sorted(seen.outcomes.items())]
    lines += [
        f"server used {seen.cpu_cores:.2f} cores; underruns that it counted: {seen.underruns}",
        "first sound p50 p95 p99 ms: "
        + " ".join(f"{value:.0f}" for value in np.percentile(seen.first_ms or [float("nan")], [50, 95, 99])),
        "memory in MB      PSS     RSS",
        *(
            f"{name:14}{entry[1]:8.1f}{entry[2]:8.1f}   after {entry[0]:.0f} s"
            for name, entry in (("first", memory[0]), ("warmed up", after), ("peak", peak), ("last", memory[-1]))
        ),
        f"slope after {warm_up:.0f} s: {seen.slope(warm_up):+.2f} MB an hour",
    ]
    return "\n".join(lines)
