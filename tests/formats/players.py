"""Piper and sherpa-onnx as processes of their own: Piper is GPL, and neither is a part of this project."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

_PIPER = """
import json, sys
import numpy as np
from piper import PiperVoice, SynthesisConfig
voice = PiperVoice.load(sys.argv[1])
asked, made = json.load(open(sys.argv[2])), []
for number, request in enumerate(asked["requests"]):
    sentences = [[str(p) for p in s] for s in voice.phonemize(request["text"])] if "text" in request else []
    ids = request.get("ids") or (voice.phonemes_to_ids(sentences[0]) if sentences else [])
    still = SynthesisConfig(speaker_id=request.get("speaker"), noise_scale=0.0, noise_w_scale=0.0)
    audio = voice.phoneme_ids_to_audio(ids, still)
    np.save(f"{sys.argv[2]}.{number}.npy", audio)
    made.append({"sentences": ["".join(s) for s in sentences], "ids": [int(i) for i in ids]})
json.dump(made, open(sys.argv[2] + ".out", "w"))
"""

_SHERPA = """
import json, sys
import numpy as np
import sherpa_onnx
model, tokens, asked = sys.argv[1:]
vits = sherpa_onnx.OfflineTtsVitsModelConfig(
    model=model, tokens=tokens, noise_scale=0.0, noise_scale_w=0.0, length_scale=1.0
)
config = sherpa_onnx.OfflineTtsConfig(model=sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=1))
assert config.validate()
player, made = sherpa_onnx.OfflineTts(config), []
for number, request in enumerate(json.load(open(asked))["requests"]):
    how = sherpa_onnx.GenerationConfig()
    how.sid, how.speed, how.silence_scale = request.get("speaker", 0), request.get("speed", 1.0), 1.0
    audio = player.generate(request["text"], how)
    np.save(f"{asked}.{number}.npy", np.array(audio.samples, np.float32))
    made.append({"sample_rate": player.sample_rate, "speakers": player.num_speakers})
json.dump(made, open(asked + ".out", "w"))
"""


def need(package: str, distribution: str) -> None:
    """Skip, with the way to change that, where a player is not installed."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{distribution} is not installed; pip install 'swaram[dev]'")


def ask_piper(model: Path, folder: Path, requests: list[dict]) -> list[dict]:
    """What Piper makes without noise: ``sentences`` of phonemes, ``ids`` of the first one, its ``audio``.

    Each request has ``text`` or ``ids``, and maybe a ``speaker``.
    """
    need("piper", "piper-tts")
    return _ask(_PIPER, [model], folder, requests)


def ask_sherpa(model: Path, tokens: Path, folder: Path, requests: list[dict]) -> list[dict]:
    """What sherpa-onnx makes without noise: ``sample_rate``, ``speakers``, ``audio``; requests have ``text``."""
    need("sherpa_onnx", "sherpa-onnx")
    return _ask(_SHERPA, [model, tokens], folder, requests)


def _ask(script: str, models: list[Path], folder: Path, requests: list[dict]) -> list[dict]:
    folder.mkdir(parents=True, exist_ok=True)
    asked = folder / "asked.json"
    asked.write_text(json.dumps({"requests": requests}))
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, models), str(asked)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads((folder / "asked.json.out").read_text())
    return [answer | {"audio": np.load(f"{asked}.{n}.npy").reshape(-1)} for n, answer in enumerate(answers)]
