"""``WS /v1/transcribe``: words come while somebody speaks, and every way to misuse it is one sentence."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from swaram.audio.resample import resample
from swaram.recognition.error_rates import error_rate
from swaram.server.keys import add_key
from tests.recorded_speech import spoken_clips
from tests.server.speech_client import running, say

PATH = "/v1/transcribe"
RECOGNIZERS = Path(__file__).resolve().parents[2] / "recognizers"


@pytest.fixture(scope="module")
def listening(toy_voices):
    """A server with the recogniser that the project ships."""
    settings = {"max_transcription_seconds": 30.0, "max_queued_transcriptions": 2}
    with running(toy_voices, recognizers=RECOGNIZERS, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def spoken() -> tuple[str, np.ndarray]:
    """Two sentences, a second of silence between them: text, float32 at 16 kHz."""
    clips = spoken_clips()[:2]
    sounds = [resample(clip.audio, clip.rate, 16_000) for clip in clips]
    text = " ".join(clip.text.rstrip(".") for clip in clips)
    return text, np.concatenate([sounds[0], np.zeros(16_000, dtype=np.float32), sounds[1]])


def as_pcm(audio: np.ndarray) -> bytes:
    return (np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes()


def messages(socket, until: str = "done", timeout: float = 30) -> list[dict]:
    told = []
    while not told or told[-1]["type"] != until:
        told.append(json.loads(socket.recv(timeout=timeout)))
    return told


def write_down(server, audio: np.ndarray, rate: int = 16_000, pause: float = 0.02) -> list[dict]:
    """Speak in tenths of a second, faster than life; everything that was told."""
    with server.websocket(PATH) as socket:
        say(socket, type="start", sample_rate=rate)
        told = messages(socket, "started")
        pcm = as_pcm(audio)
        for start in range(0, len(pcm), rate // 5):
            socket.send(pcm[start : start + rate // 5])
            time.sleep(pause)
        say(socket, type="end")
        return told + messages(socket)


def refused(server, *sent: str | bytes) -> tuple[str, str, int]:
    """Code, sentence and close code of what these messages lead to."""
    with server.websocket(PATH) as socket:
        error = None
        try:
            for message in sent:
                socket.send(message)
            while True:
                told = json.loads(socket.recv(timeout=10))
                error = told if told["type"] == "error" else error
        except ConnectionClosed as closed:
            assert error is not None, closed
            return error["code"], error["message"], closed.rcvd.code


def test_words_come_while_one_speaks_and_are_what_was_said(listening, spoken):
    text, audio = spoken
    told = write_down(listening, audio)
    kinds = [message["type"] for message in told]
    assert kinds[:2] == ["hello", "started"] and told[0]["languages"] == ["ml"] and told[1]["language"] == "ml"
    assert "partial" in kinds[: kinds.index("final")]
    finals = [word for message in told if message["type"] == "final" for word in message["words"]]
    assert told[-1]["text"] == " ".join(word["word"] for word in finals)
    assert error_rate([text], [told[-1]["text"]]) < 0.25
    assert told[-1]["seconds"] == pytest.approx(len(audio) / 16_000, abs=0.01)
    assert all(set(word) == {"word", "start", "end", "confidence"} for word in finals)
    assert finals[-1]["end"] <= told[-1]["seconds"]


@pytest.mark.parametrize("rate", [8000, 48_000])
def test_any_rate_of_a_microphone_is_heard(listening, spoken, rate):
    text, audio = spoken
    told = write_down(listening, resample(audio, 16_000, rate), rate)
    assert told[-1]["seconds"] == pytest.approx(len(audio) / 16_000, abs=0.05)
    assert error_rate([text], [told[-1]["text"]]) < 0.3


def test_samples_may_be_cut_anywhere(listening, spoken):
    _, audio = spoken
    pcm = as_pcm(audio[:48_000])
    with listening.websocket(PATH) as socket:
        say(socket, type="start")
        for start in range(0, len(pcm), 3333):
            socket.send(pcm[start : start + 3333])
        say(socket, type="end")
        assert messages(socket)[-1]["seconds"] == 3


def test_misuse_is_one_sentence_and_a_close_code(listening):
    start = json.dumps({"type": "start"})
    for sent, code, close in [
        (["not json"], "bad_json", 4400),
        ([json.dumps({"type": "begin"})], "bad_message", 4400),
        ([json.dumps({"type": "start", "sample_rate": 4000})], "bad_message", 4400),
        ([json.dumps({"type": "start", "language": "ta"})], "no_recognizer", 4400),
        ([b"\0\0"], "no_start", 4400),
        ([json.dumps({"type": "end"})], "nothing_to_hear", 4400),
        ([start, start], "late_start", 4400),
        ([start, *[b"\0" * 960_000] * 3], "too_long", 4413),
    ]:
        found = refused(listening, *sent)
        assert (found[0], found[2]) == (code, close), found
        assert found[1].endswith(".") and "\n" not in found[1]


def test_no_more_speak_at_once_than_the_server_takes(listening):
    with listening.websocket(PATH) as one, listening.websocket(PATH) as two:
        for socket in (one, two):
            say(socket, type="start")
            messages(socket, "started")
        assert refused(listening, json.dumps({"type": "start"}))[::2] == ("overloaded", 1013)
    deadline = time.monotonic() + 5
    while True:  # places are free again once the two have left
        with listening.websocket(PATH) as socket:
            say(socket, type="start")
            last = (
                messages(socket, "started")
                if time.monotonic() > deadline
                else [json.loads(socket.recv()) for _ in "ab"]
            )
            if last[-1]["type"] == "started":
                return


def test_a_key_is_needed_and_its_seconds_count(toy_voices, tmp_path):
    path = tmp_path / "keys.json"
    key = add_key(path, "speaker")
    keys = json.loads(path.read_text())
    keys["keys"][0]["characters_per_minute"] = 40  # less than three seconds of speech
    path.write_text(json.dumps(keys))
    with running(toy_voices, recognizers=RECOGNIZERS, keys=path) as server:
        assert refused(server)[::2] == ("unauthorised", 4401)
        with server.websocket(f"{PATH}?key={key}") as socket:
            say(socket, type="start")
            socket.send(b"\0" * 32_000 * 5)
            assert messages(socket, "error")[-1]["code"] == "rate"


def test_without_a_recogniser_it_says_so(toy_voices, tmp_path):
    (tmp_path / "none").mkdir()
    with running(toy_voices, recognizers=tmp_path / "none") as server:
        assert refused(server, json.dumps({"type": "start"}))[0] == "no_recognizer"


def test_who_leaves_in_the_middle_leaves_nothing_behind(listening, spoken, caplog):
    for _ in range(3):
        with listening.websocket(PATH) as socket:
            say(socket, type="start")
            socket.send(as_pcm(spoken[1][:32_000]))
    assert write_down(listening, spoken[1])[-1]["type"] == "done"
    assert "internal error" not in caplog.text
