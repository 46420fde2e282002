"""Speech written down while it is spoken: what is settled is what the whole recording would give."""

import threading
from pathlib import Path

import numpy as np
import pytest

from swaram.audio.resample import resample
from swaram.recognition import Recognizer
from swaram.recognition.error_rates import error_rate
from swaram.recognition.live import LONGEST_SECONDS, LiveTranscript
from tests.recorded_speech import spoken_clips

RATE = 16_000


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    """The one that the project ships."""
    return Recognizer.load(Path(__file__).resolve().parents[2] / "recognizers" / "ml")


@pytest.fixture(scope="module")
def sentences() -> list[tuple[str, np.ndarray]]:
    """Three sentences as text and float32 at 16 kHz, each with a second of silence after it."""
    silence = np.zeros(RATE, dtype=np.float32)
    return [
        (clip.text.rstrip("."), np.concatenate([resample(clip.audio, clip.rate, RATE), silence]))
        for clip in spoken_clips()[:3]
    ]


@pytest.fixture(scope="module")
def spoken(sentences) -> tuple[str, np.ndarray]:
    """The three one after the other."""
    return " ".join(text for text, _ in sentences), np.concatenate([audio for _, audio in sentences])


def write_down(live: LiveTranscript, audio: np.ndarray, piece: int = 8000) -> tuple[list, list]:
    """Settled words in all, and every list of open ones."""
    settled, opened = [], []
    for start in range(0, len(audio), piece):
        live.feed(audio[start : start + piece])
        new, still = live.hear()
        settled += new
        opened.append(still)
    return settled + live.finish(), opened


def test_settled_words_are_what_was_said_with_times_in_order(recognizer, spoken):
    text, audio = spoken
    live = LiveTranscript(recognizer)
    words, opened = write_down(live, audio)
    assert error_rate([text], [" ".join(word.text for word in words)]) < 0.25
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times) and times[-1] <= live.seconds + 1e-6
    whole = {word.text: word for word in recognizer.transcribe(audio, RATE).words}
    shared = [word for word in words if word.text in whole]
    assert len(shared) > len(whole) / 2
    assert all(abs(word.start - whole[word.text].start) < 0.15 for word in shared)
    assert any(opened)  # something was shown before it was settled


def test_words_are_settled_soon_after_a_pause(recognizer, sentences):
    live = LiveTranscript(recognizer)
    for _, audio in sentences:
        live.feed(audio[:-RATE])
        settled, _ = live.hear()
        live.feed(audio[-RATE:])
        more, still = live.hear()
        assert settled + more and not still


def test_speech_without_a_pause_is_cut_and_memory_does_not_grow(recognizer, spoken):
    _, audio = spoken
    loud = audio[np.abs(audio) > 0.004]  # hardly a pause is left
    live = LiveTranscript(recognizer)
    for _ in range(8):
        live.feed(np.tile(loud, 2)[: 3 * RATE])
        live.hear()
        assert len(live._audio) <= (LONGEST_SECONDS + 3) * RATE
    assert live.seconds == 24


def test_in_silence_nothing_is_heard(recognizer):
    live = LiveTranscript(recognizer)
    hiss = np.random.default_rng(1).standard_normal(20 * RATE).astype(np.float32) * np.float32(0.0007)
    words, opened = write_down(live, hiss)
    assert words == [] and not any(opened)


def test_nothing_at_all_is_no_words(recognizer):
    live = LiveTranscript(recognizer)
    assert live.hear() == ([], []) and live.finish() == [] and live.seconds == 0


def test_one_thread_may_feed_while_another_hears(recognizer, spoken):
    _, audio = spoken
    live = LiveTranscript(recognizer)
    feeding = threading.Thread(target=lambda: [live.feed(audio[i : i + 160]) for i in range(0, len(audio), 160)])
    feeding.start()
    words = []
    while feeding.is_alive():
        words += live.hear()[0]
    feeding.join()
    words += live.finish()
    assert live.seconds == len(audio) / RATE
    assert len(live._audio) == 0 and words


def test_confidence_tells_right_words_from_noise(recognizer, spoken):
    _, audio = spoken
    sure = [word.confidence for word in recognizer.transcribe(audio, RATE).words]
    noise = np.random.default_rng(2).standard_normal(len(audio)).astype(np.float32) * np.float32(0.05)
    unsure = [word.confidence for word in recognizer.transcribe(noise, RATE).words]
    assert all(0 <= value <= 1 for value in sure + unsure)
    assert np.mean(sure) > 0.5 and (not unsure or np.mean(sure) > np.mean(unsure))
