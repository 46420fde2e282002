"""What each adapter costs: the first sound through it beside that of the server's own WebSocket, in the same run.

    python benchmarks/adapters.py --voices voices --rounds 30
    python benchmarks/adapters.py --voices voices --listeners 60 --seconds 20

In the first form one request at a time goes through each way in turn, on a connection that is already open; then whole
sentences, for the processor time of the server. In the
second so many people listen through one way, as in ``benchmarks/serving.py``: each asks for a sentence, hears it to its
end, and asks for the next one.
"""

import argparse
import asyncio
import base64
import itertools
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import numpy as np
from serving import SENTENCES, cpu_seconds, family, serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncClient
from wyoming.tts import Synthesize

RATE = 16_000  # Hz, of what is asked for: the voice's own
# A way in: an open connection, whose function asks for a text and yields the bytes of sound as they come.
Ask = Callable[[str], AsyncIterator[int]]
OPTIONS = {"compression": None, "proxy": None, "max_queue": None}


@asynccontextmanager
async def own(http: str, _: str, **more):
    """The server's own WebSocket."""
    async with connect(http.replace("http", "ws", 1) + "/v1/speak", **OPTIONS) as socket:
        await socket.recv()

        async def ask(text: str) -> AsyncIterator[int]:
            await socket.send(json.dumps({"type": "start", "text": text, "format": "pcm", "marks": "none", **more}))
            while True:
                message = await socket.recv()
                if isinstance(message, bytes):
                    yield len(message)
                elif (told := json.loads(message))["type"] in ("done", "error"):
                    if told["type"] == "error":
                        raise RuntimeError(told["code"])
                    return

        yield ask


@asynccontextmanager
async def context(http: str, wyoming: str):
    """The same with a context."""
    async with own(http, wyoming, context="a") as ask:
        yield ask


@asynccontextmanager
async def unpaced(http: str, wyoming: str):
    """The same without pacing, as all adapters ask."""
    async with own(http, wyoming, pace=False) as ask:
        yield ask


@asynccontextmanager
async def openai(http: str, _: str):
    """OpenAI's form."""
    async with httpx.AsyncClient(timeout=60) as client:
        await client.get(f"{http}/healthz")

        async def ask(text: str) -> AsyncIterator[int]:
            body = {"input": text, "model": "tts-1", "voice": "alloy", "response_format": "pcm", "sample_rate": RATE}
            async with client.stream("POST", f"{http}/v1/audio/speech", json=body) as answer:
                if answer.status_code != 200:
                    raise RuntimeError(str(answer.status_code))
                async for piece in answer.aiter_raw():
                    yield len(piece)

        yield ask


@asynccontextmanager
async def captioned(http: str, _: str):
    """Kokoro's captioned speech."""
    async with httpx.AsyncClient(timeout=60) as client:
        await client.get(f"{http}/healthz")

        async def ask(text: str) -> AsyncIterator[int]:
            body = {"input": text, "voice": "af_heart", "response_format": "pcm", "sample_rate": RATE}
            async with client.stream("POST", f"{http}/dev/captioned_speech", json=body) as answer:
                if answer.status_code != 200:
                    raise RuntimeError(str(answer.status_code))
                async for line in answer.aiter_lines():
                    yield len(base64.b64decode(json.loads(line)["audio"]))

        yield ask


@asynccontextmanager
async def elevenlabs(http: str, _: str):
    """ElevenLabs' socket; it is opened for each text, before the clock runs."""
    path = f"/elevenlabs/v1/text-to-speech/default/stream-input?output_format=pcm_{RATE}"
    socket = await connect(http.replace("http", "ws", 1) + path, **OPTIONS)

    async def ask(text: str) -> AsyncIterator[int]:
        nonlocal socket
        await socket.send(json.dumps({"text": text}))
        await socket.send(json.dumps({"text": ""}))
        async for message in socket:
            told = json.loads(message)
            if "message" in told:
                raise RuntimeError(told["error"])
            if told["audio"]:
                yield len(base64.b64decode(told["audio"]))
        await socket.close()
        socket = await connect(http.replace("http", "ws", 1) + path, **OPTIONS)

    yield ask
    await socket.close()


@asynccontextmanager
async def deepgram(http: str, _: str):
    """Deepgram's socket."""
    async with connect(http.replace("http", "ws", 1) + f"/deepgram/v1/speak?sample_rate={RATE}", **OPTIONS) as socket:
        await socket.recv()

        async def ask(text: str) -> AsyncIterator[int]:
            await socket.send(json.dumps({"type": "Speak", "text": text}))
            await socket.send(json.dumps({"type": "Flush"}))
            async for message in socket:
                if isinstance(message, bytes):
                    yield len(message)
                elif (told := json.loads(message))["type"] == "Flushed":
                    return
                elif told["type"] == "Warning" and told["code"] != "TEXT":
                    raise RuntimeError(told["code"].lower())

        yield ask


@asynccontextmanager
async def wyoming(_: str, uri: str):
    """Wyoming, a process of its own."""
    async with AsyncClient.from_uri(uri) as client:

        async def ask(text: str) -> AsyncIterator[int]:
            await client.write_event(Synthesize(text).event())
            while (event := await client.read_event()) is not None:
                if AudioChunk.is_type(event.type):
                    yield len(AudioChunk.from_event(event).audio)
                elif AudioStop.is_type(event.type):
                    return
            raise RuntimeError("refused")

        yield ask


WAYS = {
    "own socket": own, "own, context": context, "own, no pacing": unpaced, "openai": openai, "captioned": captioned,
    "elevenlabs": elevenlabs, "deepgram": deepgram, "wyoming": wyoming,
}  # fmt: skip


async def heard(ask: Ask, text: str) -> tuple[float, float, int]:
    """Moment of the first sound after asking, moment at which it came, and bytes in all."""
    asked = time.perf_counter()
    first, size = 0.0, 0
    async for count in ask(text):
        first = first or time.perf_counter()
        size += count
    return first - asked, first, size


async def first_sound(ask: Ask, text: str) -> float:
    """Seconds until the first sound; the rest is left."""
    asked = time.perf_counter()
    answer = ask(text)
    async for _ in answer:
        first = time.perf_counter() - asked
        await answer.aclose()
        return first
    raise RuntimeError("no sound")


async def in_turn(http: str, uri: str, rounds: int) -> None:
    """One request at a time, through each way in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for number in range(rounds):
        for name, way in WAYS.items():
            async with way(http, uri) as ask:
                seconds[name].append(await first_sound(ask, SENTENCES[number % len(SENTENCES)]))
            await asyncio.sleep(0.1)  # whatever was begun is dropped
    print(f"first sound of {rounds} requests, one at a time, ms")
    base = np.percentile(1000 * np.array(seconds["own, no pacing"]), [0, 25, 50])
    for name, values in seconds.items():
        least, quarter, p50, p95 = np.percentile(1000 * np.array(values), [0, 25, 50, 95])
        more = "  ".join(f"{mine - own:+5.1f}" for mine, own in zip((least, quarter, p50), base, strict=True))
        print(f"{name:16} least {least:5.1f}  p25 {quarter:5.1f}  p50 {p50:5.1f}  p95 {p95:5.1f}  more than own {more}")


async def in_full(http: str, uri: str, rounds: int, pids: tuple[int, int]) -> None:
    """Processor time of the server for whole requests through each way: what other programs do hardly changes it."""
    print(f"processor time of the server for a sentence, mean of {rounds}, ms")
    own_ms = 0.0
    for name in ("own, no pacing", *(name for name in WAYS if not name.startswith("own"))):
        pid = pids[name == "wyoming"]
        async with WAYS[name](http, uri) as ask:
            await heard(ask, SENTENCES[0])
            used = cpu_seconds(family(pid))
            for number in range(rounds):
                await heard(ask, SENTENCES[number % len(SENTENCES)])
            used = 1000 * (cpu_seconds(family(pid)) - used) / rounds
        own_ms = own_ms or used
        print(f"{name:16} {used:6.1f}  more than own {used - own_ms:+5.1f}", flush=True)


async def listener(
    way, http: str, uri: str, number: int, until: float, firsts: list[float], refused: list[str]
) -> None:
    """One person."""
    chance = random.Random(number)
    await asyncio.sleep(chance.uniform(0, 5))
    while time.perf_counter() < until:
        try:
            async with way(http, uri) as ask:
                while time.perf_counter() < until:
                    first, begun, size = await heard(ask, chance.choice(SENTENCES))
                    firsts.append(1000 * first)
                    await asyncio.sleep(max(0.0, begun + size / 2 / RATE - time.perf_counter()))
        except (RuntimeError, ConnectionClosed) as error:  # some protocols say it by closing
            refused.append(str(error))
            await asyncio.sleep(1)


async def together(http: str, uri: str, listeners: int, seconds: float, names: list[str]) -> None:
    """Many at once, through one way after the other."""
    print(f"{listeners} listeners, {seconds:g} s each way; first sound, ms")
    for name in names:
        firsts: list[float] = []
        refused: list[str] = []
        until = time.perf_counter() + seconds
        people = (listener(WAYS[name], http, uri, n, until, firsts, refused) for n in range(listeners))
        await asyncio.gather(*people)
        p50, p95, p99 = np.percentile(firsts, [50, 95, 99])
        print(
            f"{name:16} requests {len(firsts):4} refused {len(refused):3}  p50 {p50:6.1f} p95 {p95:6.1f} p99 {p99:6.1f}"
        )
        await asyncio.sleep(3)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", default="voices")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--listeners", type=int, help="so many at once, instead of one at a time")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(itertools.islice(WAYS, 2, None)))
    options = parser.parse_args()
    command = [sys.executable, "-m", "swaram", "wyoming", "--port", "0", "--voices", options.voices]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        uri = re.search(r"tcp://\S+", process.stdout.readline())[0]
        with serving(["--voices", options.voices]) as (http, pid):
            if options.listeners:
                asyncio.run(together(http, uri, options.listeners, options.seconds, options.ways))
            else:
                asyncio.run(in_turn(http, uri, options.rounds))
                asyncio.run(in_full(http, uri, options.rounds, (pid, process.pid)))
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
