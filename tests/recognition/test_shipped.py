"""The recogniser that ships, on recordings as volunteers made them: silence, noise, Opus in WebM and all."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from swaram.audio.files import read_audio
from swaram.audio.resample import resample
from swaram.recognition import Recognizer
from swaram.recognition.error_rates import error_rate
from swaram.recognition.units import plain
from swaram.text.normalise import normalise
from tests.recorded_speech import ROOT, recordings

SHIPPED = ROOT / "recognizers" / "ml"


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load(SHIPPED)


@pytest.fixture(scope="module")
def unheard() -> list[tuple[str, np.ndarray]]:
    """Twenty reviewed clips whose texts the splits keep out of training, untrimmed, at 16 kHz."""
    found = []
    for path, text in recordings("volunteer"):
        recording = read_audio(path)
        audio = resample(recording.audio, recording.sample_rate, 16_000)
        found.append((plain(normalise(text, "ml")), audio))
    return found


def test_it_is_small_enough_to_ship():
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 12_000_000


def test_sentences_it_never_heard_are_written_down_as_well_as_its_card_says(recognizer, unheard):
    heard = [recognizer.transcribe(audio, 16_000).text for _, audio in unheard]
    stated = recognizer.manifest.figures["test"]["cer"]
    # Twenty clips of raw recordings scatter more than the whole split.
    assert error_rate([text for text, _ in unheard], heard) < stated["high"] + 0.05


def test_what_is_said_costs_less_than_what_is_said_elsewhere(recognizer, unheard):
    right, wrong = [], []
    for place, (text, audio) in enumerate(unheard):
        rows = recognizer.log_probabilities(audio, 16_000)
        others = [other for other, _ in unheard if other != text]
        right.append(recognizer.cost(rows, text))
        wrong.append(recognizer.cost(rows, others[place % len(others)]))
    assert sum(a < b for a, b in zip(right, wrong, strict=True)) >= 19


def test_noise_and_reversal_are_heard_as_worse(recognizer, unheard):
    """A judge must tell good from bad: the same texts, spoilt, cost more."""
    random = np.random.default_rng(5)

    def cost(spoil) -> float:
        return float(np.mean([recognizer.cost(recognizer.log_probabilities(spoil(a), 16_000), t) for t, a in unheard]))

    def noisy(audio: np.ndarray) -> np.ndarray:
        level = np.sqrt(np.mean(np.square(audio[np.abs(audio) > 0.1 * np.abs(audio).max()])) / 10)
        return audio + level * random.standard_normal(len(audio)).astype(np.float32)

    clean = cost(lambda audio: audio)
    assert clean < cost(noisy) and clean + 1.0 < cost(lambda audio: audio[::-1].copy())


def test_silence_and_hiss_are_no_speech(recognizer):
    hiss = 1e-3 * np.random.default_rng(1).standard_normal(10 * 16_000).astype(np.float32)
    assert recognizer.transcribe(np.zeros(10 * 16_000, dtype=np.float32), 16_000).text == ""
    assert len(recognizer.transcribe(hiss, 16_000).text) <= 5


def test_a_long_recording_is_heard_as_its_parts(recognizer, unheard):
    gap = np.zeros(16_000, dtype=np.float32)
    whole = np.concatenate([part for _, audio in unheard for part in (audio, gap)])
    assert len(whole) / 16_000 > 45
    heard = recognizer.transcribe(whole, 16_000)
    parts = " ".join(recognizer.transcribe(audio, 16_000).text for _, audio in unheard)
    # Levels differ: a whole recording is brought to its level at once.
    assert error_rate([parts], [heard.text]) < 0.2
    assert all(a.end <= b.start for a, b in pairwise(heard.words))


@pytest.mark.skipif(sys.platform != "linux", reason="the highest memory of a process is read from /proc")
def test_memory_does_not_grow_with_the_length(tmp_path):
    """Eleven minutes at 48 kHz take hardly more than four, and under 300 MB in all."""
    noise = np.random.default_rng(0).standard_normal(48_000 * 9) * 300
    peaks = []
    for times in (24, 72):
        path = tmp_path / f"{times}.wav"
        soundfile.write(path, np.tile(noise.astype(np.int16), times), 48_000, subtype="PCM_16")
        program = (
            "import sys; from swaram.audio.decode import Decoder; from swaram.recognition import Recognizer\n"
            "recognizer = Recognizer.load(sys.argv[1])\n"
            "recognizer.hear(Decoder(sys.argv[2], recognizer.features.sample_rate).pieces())\n"
            "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(SHIPPED), str(path)], capture_output=True, text=True, check=True
        )
        peaks.append(float(done.stdout) / 1024)  # MiB
    assert peaks[1] < peaks[0] + 40 and peaks[1] < 300
