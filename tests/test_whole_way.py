"""The whole way once, as a user goes it: speech, preparation, training, export, server, stream."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swaram.audio.files import read_audio
from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.model.tiny import TINY
from tests.server.speech_client import running, speak

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "voices" / "malayalam"
SENTENCES = [
    "അമ്മ വീട്ടിൽ വന്നു.",
    "ഇന്ന് നല്ല മഴയാണ്.",
    "കുട്ടികൾ സ്കൂളിൽ പോയി.",
    "പുഴ ശാന്തമായി ഒഴുകുന്നു.",
    "നിങ്ങളുടെ പേര് എന്താണ്?",
    "ഞങ്ങൾ നാളെ കോഴിക്കോട്ട് പോകും.",
    "അണ്ണാൻ കുഞ്ഞും തന്നാലായത്.",
    "പുസ്തകം മേശപ്പുറത്ത് ഉണ്ട്.",
    "രാവിലെ ചായ കുടിക്കാം.",
    "അവൻ വളരെ വേഗം ഓടുന്നു.",
]


def swaram(*arguments: object, cwd: Path) -> str:
    command = [sys.executable, "-m", "swaram", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def way(tmp_path_factory) -> Path:
    """A folder in which every step was taken, with the commands that the README names."""
    folder = tmp_path_factory.mktemp("way")
    _write_corpus(folder / "corpus")
    settings = {"split": {"validation": 0.2, "test": 0.2}}  # ten sentences: the usual shares would leave splits empty
    (folder / "prepare.json").write_text(json.dumps(settings), encoding="utf-8")
    arguments = ("--out", folder / "data", "--settings", folder / "prepare.json")
    swaram("prepare", "msc", folder / "corpus", *arguments, cwd=folder)
    raw = json.loads(json.dumps(TINY))
    raw["train"] |= {
        "output_directory": str(folder / "logs"),
        "segment_frames": 16,
        "batch_size": 4,
        "log_steps": 2,
        "validation_steps": 4,
        "threads": 1,
        "device": "cpu",
    }
    raw["data"] |= {
        "training_files": str(folder / "data/train_metadata.csv"),
        "validation_files": str(folder / "data/val_metadata.csv"),
    }
    (folder / "config.json").write_text(json.dumps(raw), encoding="utf-8")
    swaram("train", "-c", folder / "config.json", "--max-steps", 6, cwd=folder)
    swaram("voice", "export", folder / "logs", "--out", folder / "voices" / "tiny", cwd=folder)
    return folder


def _write_corpus(folder: Path) -> None:
    """A corpus in the layout of the Malayalam Speech Corpus, spoken by the voice that ships."""
    engine = Engine(Voice.open(SHIPPED))
    names = [speaker.name for speaker in engine.voice.manifest.speakers[:2]]
    (folder / "audio").mkdir(parents=True)
    rows = []
    for name in names:
        for number, text in enumerate(SENTENCES):
            speech = engine.synthesise(SpeechRequest(text, speaker=name, seed=number))
            path = f"audio/{name}-{number}.flac"
            soundfile.write(folder / path, speech.audio, engine.voice.sample_rate, subtype="PCM_16")
            rows.append([f"{name}{number}", path, name, "5", text, "test", "", ""])
    header = "speechid speechpath speaker_id review_score transcript category speaker_gender speaker_age"
    with (folder / "metadata.tsv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([header.split(), *rows])


def test_preparation_keeps_the_clips_and_parts_the_sentences(way):
    splits = {}
    for split in ("train", "val", "test"):
        lines = (way / "data" / f"{split}_metadata.csv").read_text(encoding="utf-8").splitlines()
        splits[split] = [line.split("|") for line in lines]
        for path, transcript in splits[split]:
            audio, rate = soundfile.read(way / "data" / path)
            assert rate == 16000 and audio.ndim == 1 and np.abs(audio).max() > 0.02
            assert transcript.strip()
    kept = sum(map(len, splits.values()))
    assert kept == len((way / "data/metadata.csv").read_text(encoding="utf-8").splitlines()) >= 6
    report = json.loads((way / "data" / "report.json").read_text(encoding="utf-8"))
    assert kept + sum(row["clips"] for row in report["dropped"]) == 2 * len(SENTENCES)
    texts = {split: {transcript for _, transcript in rows} for split, rows in splits.items()}
    assert not texts["train"] & (texts["val"] | texts["test"]) and not texts["val"] & texts["test"]


def test_the_trained_voice_streams_what_it_speaks_whole(way):
    text = "ഇന്ന് നല്ല മഴയാണ്. നാളെ കാണാം."
    with running(way / "voices") as server:
        heard = speak(server, text, seed=7)
    (way / "streamed.flac").write_bytes(heard.file)
    streamed, rate = soundfile.read(way / "streamed.flac", dtype="int16")
    whole = Engine(Voice.open(way / "voices" / "tiny")).synthesise(SpeechRequest(text, seed=7))
    assert rate == 16000 and len(streamed) == len(whole.audio) == heard.done["samples"]
    expected = np.clip(np.round(whole.audio.astype(np.float64) * 32767), -32768, 32767).astype(np.int16)
    assert np.array_equal(streamed, expected)


@pytest.mark.skipif(not shutil.which("flac"), reason="the program flac is not installed")
def test_the_stream_is_a_file_that_flac_finds_no_fault_with(way):
    with running(way / "voices") as server:
        (way / "checked.flac").write_bytes(speak(server).file)
    done = subprocess.run(["flac", "-t", way / "checked.flac"], capture_output=True, text=True)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr


def test_infer_speaks_from_the_checkpoint_and_from_the_voice(way):
    for number, source in enumerate((["--checkpoint", way / "logs"], ["--voice", way / "voices" / "tiny"])):
        out = way / f"said-{number}.flac"
        command = [sys.executable, ROOT / "infer.py", "--text", "അമ്മ വന്നു.", "--out", out, *source]
        done = subprocess.run(list(map(str, command)), cwd=way, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        recording = read_audio(out)
        assert recording.sample_rate == 16000 and recording.audio.size > 1000


def test_the_exported_voice_equals_pytorch(way):
    import torch

    from swaram.export.voice import load_generator
    from swaram.training.checkpoints import find_checkpoint, read_info

    folder = find_checkpoint(way / "logs")
    model = load_generator(folder, read_info(folder))
    swaram("voice", "export", way / "logs", "--out", way / "exact", "--no-half", cwd=way)
    voice = Voice.open(way / "exact")
    ids = voice.symbols.encode("അമ്മ വന്നു.")
    with torch.no_grad():
        prior, durations, conditioning = model.front_end(
            torch.tensor([ids]),
            torch.tensor([len(ids)]),
            torch.tensor([[0.0, 1.0, 0.0]]),
            torch.zeros(1, 2, len(ids)),
            torch.zeros(1, model.latent_channels, 1),
            torch.tensor([0]),
        )
        latent = model.reverse_flow(prior, durations.sum(1), conditioning)
        expected = model.decode(latent, conditioning)[0].numpy()
    request = SpeechRequest("അമ്മ വന്നു.", speaker="0", noise_scale=0.0, duration_noise_scale=0.0)
    got = Engine(voice).synthesise(request).audio
    assert np.abs(got[: len(expected)] - expected).max() < 1e-4
    assert len(got) - len(expected) < 1024 and not got[len(expected) :].any()  # silence fills the last FLAC block


def test_serving_and_speaking_never_import_pytorch(tmp_path):
    program = (
        "import sys; sys.argv = ['swaram', 'speak', 'അമ്മ', '--voice', sys.argv[1], '--out', sys.argv[2]];"
        "import swaram.cli.main, swaram.server.app;"
        "\ntry: swaram.cli.main.main()\nexcept SystemExit as stop: assert not stop.code, stop.code\n"
        "heavy = {'torch', 'numba', 'onnx', 'pyarrow', 'scipy', 'lightning_fabric'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    command = [sys.executable, "-c", program, str(SHIPPED), str(tmp_path / "a.flac")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
