"""One text-to-speech system as a process of its own, for ``benchmarks/side_by_side.py``.

    python benchmarks/contender.py NAME MODEL THREADS

Says ``{"ready": seconds}`` when its voice is open, then answers each line ``{"text": ...}`` on standard input with the
``seconds`` of speech, the ``wall`` and ``cpu`` seconds that it took, ``first`` and ``first_cpu`` of them until the
first samples, and ``memory_mb``.
Piper is GPL: it is never imported by anything but such a process, in an environment of its own.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

Speak = Callable[[str], Iterator[Any]]


def swaram(model: str, threads: int) -> tuple[Speak, int]:
    """This project: a voice package, streamed."""
    from swaram.voice.engine import Engine
    from swaram.voice.request import SpeechRequest
    from swaram.voice.voice import Voice

    engine = Engine(Voice.open(model), threads)
    return lambda text: (window.samples for window in engine.stream(SpeechRequest(text))), engine.voice.sample_rate


def piper(model: str, threads: int) -> tuple[Speak, int]:
    """Piper gives one chunk a sentence. It has no setting for threads, so its session gets one on the way."""
    import onnxruntime
    from piper import PiperVoice

    opened = onnxruntime.InferenceSession

    def limited(*given: Any, sess_options: Any = None, **named: Any) -> Any:
        options = sess_options or onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        return opened(*given, sess_options=options, **named)

    onnxruntime.InferenceSession = limited
    voice = PiperVoice.load(model)
    return lambda text: (chunk.audio_float_array for chunk in voice.synthesize(text)), voice.config.sample_rate


def transformers(model: str, threads: int) -> tuple[Speak, int]:
    """VitsModel speaks a text in one go."""
    import torch
    from transformers import AutoTokenizer, VitsModel

    torch.set_num_threads(threads)
    voice, tokenizer = VitsModel.from_pretrained(model).eval(), AutoTokenizer.from_pretrained(model)

    def speak(text: str) -> Iterator[Any]:
        with torch.inference_mode():
            yield voice(**tokenizer(text, return_tensors="pt")).waveform[0].numpy()

    return speak, voice.config.sampling_rate


def sherpa(model: str, threads: int) -> tuple[Speak, int]:
    """sherpa-onnx speaks a voice that ``swaram voice export --to sherpa-onnx`` wrote, sentence by sentence."""
    import glob

    import sherpa_onnx

    onnx = glob.glob(f"{model}/*.onnx")[0]
    vits = sherpa_onnx.OfflineTtsVitsModelConfig(model=onnx, tokens=f"{model}/tokens.txt")
    settings = sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=threads)
    player = sherpa_onnx.OfflineTts(sherpa_onnx.OfflineTtsConfig(model=settings))
    return lambda text: iter([player.generate(text).samples]), player.sample_rate


def memory_mb() -> float:
    """Resident memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    name, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    answers = os.dup(1)  # libraries that print must not get in between
    os.dup2(2, 1)
    begun = time.perf_counter()
    speak, rate = {"swaram": swaram, "piper": piper, "transformers": transformers, "sherpa": sherpa}[name](
        model, threads
    )

    def say(answer: dict[str, float]) -> None:
        os.write(answers, json.dumps(answer).encode() + b"\n")

    say({"ready": time.perf_counter() - begun, "memory_mb": memory_mb()})
    for line in sys.stdin:
        wall, cpu, first, samples = time.perf_counter(), time.process_time(), None, 0
        for part in speak(json.loads(line)["text"]):
            first = first or (time.perf_counter() - wall, time.process_time() - cpu)
            samples += len(part)
        first = first or (0.0, 0.0)
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        say({"seconds": samples / rate, **spent, "first": first[0], "first_cpu": first[1], "memory_mb": memory_mb()})


if __name__ == "__main__":
    main()
